"""Means and standard deviations of the training poses, which MMPose's converter of Human3.6M also writes.

Codecs such as MMPose's ``ImagePoseLifting`` need them (``keypoints_mean``, ``target_std`` and so on).
"""

import pickle
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from depth_refine.datasets.annotation_writer import AnnotatedSequence
from depth_refine.structures.skeleton import H36M
from depth_refine.utils.atomic import whole_file


def write_pose_statistics(folder: Path, sequences: Sequence[AnnotatedSequence], step: int) -> None:
    """Write ``joint2d_stats.pkl``, ``joint3d_stats.pkl``, ``joint2d_rel_stats.pkl`` and ``joint3d_rel_stats.pkl``.

    Each is a dict of ``mean`` and ``std`` over all frames, float64: (17, 2) px and (17, 3) absolute camera-frame metres
    for the 17 joints, and the same relative to the root for the 16 others.

    Args:
        folder: the annotation's folder.
        sequences: of the training set.
        step: use every n-th frame, as the annotation does.
    """
    for name, field in (('joint2d', 'keypoints'), ('joint3d', 'keypoints_3d')):
        _write(folder / f'{name}_stats.pkl', lambda field=field: _poses(sequences, field, step))
        _write(folder / f'{name}_rel_stats.pkl', lambda field=field: map(_from_root, _poses(sequences, field, step)))


def _poses(sequences: Sequence[AnnotatedSequence], field: str, step: int) -> Iterator[np.ndarray]:
    """The joints (T, 17, C) of each sequence."""
    return (getattr(sequence, field)[::step].astype(np.float64) for sequence in sequences)


def _from_root(joints: np.ndarray) -> np.ndarray:
    """The joints (T, 16, C) other than the root, relative to it, of joints (T, 17, C)."""
    return np.delete(joints - joints[:, [H36M.root]], H36M.root, axis=1)


def _write(path: Path, sequences: Callable[[], Iterator[np.ndarray]]) -> None:
    """Write mean and standard deviation over the frames of all sequences (T, K, C), one at a time in memory."""
    count = sum(len(joints) for joints in sequences())
    mean = sum(joints.sum(axis=0) for joints in sequences()) / count
    variance = sum(np.square(joints - mean).sum(axis=0) for joints in sequences()) / count
    with whole_file(path) as partial:
        partial.write_bytes(pickle.dumps(dict(mean=mean, std=np.sqrt(variance)), protocol=4))
