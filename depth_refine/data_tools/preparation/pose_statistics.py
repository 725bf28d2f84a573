"""Means and standard deviations of the training poses, which MMPose's converter of Human3.6M writes too.

Codecs such as MMPose's ``ImagePoseLifting`` want them (``keypoints_mean``, ``target_std`` and so on).
"""

import pickle
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from depth_refine.datasets.annotation_writer import AnnotatedSequence
from depth_refine.structures.skeleton import H36M
from depth_refine.utils.atomic import whole_file


def write_pose_statistics(folder: Path, sequences: Sequence[AnnotatedSequence]) -> None:
    """Write ``joint2d_stats.pkl``, ``joint3d_stats.pkl``, ``joint2d_rel_stats.pkl`` and ``joint3d_rel_stats.pkl``.

    Each is a dict of ``mean`` and ``std`` over all frames, float64: of the 17 joints in px (17, 2) and in absolute
    camera-frame metres (17, 3); relative to the root, of the 16 others.

    Args:
        folder: where they appear, beside the annotation.
        sequences: of the training set.
    """
    for name, joints_of in (('joint2d', lambda each: each.keypoints), ('joint3d', lambda each: each.keypoints_3d)):
        _write(folder / f'{name}_stats.pkl', sequences, joints_of)
        _write(
            folder / f'{name}_rel_stats.pkl',
            sequences,
            lambda each, joints_of=joints_of: _from_root(joints_of(each).astype(np.float64)),
        )


def _from_root(joints: np.ndarray) -> np.ndarray:
    """(T, 17, C) to (T, 16, C)."""
    return np.delete(joints - joints[:, [H36M.root]], H36M.root, axis=1)


def _write(path: Path, sequences: Sequence[AnnotatedSequence], joints_of: Callable) -> None:
    """Write mean and standard deviation of the joints (T, K, C) of all sequences, one at a time in memory."""
    count = sum(len(each.frames) for each in sequences)
    mean = sum(joints_of(each).sum(axis=0, dtype=np.float64) for each in sequences) / count
    variance = sum(np.square(joints_of(each) - mean).sum(axis=0) for each in sequences) / count
    with whole_file(path) as partial:
        partial.write_bytes(pickle.dumps(dict(mean=mean, std=np.sqrt(variance)), protocol=4))
