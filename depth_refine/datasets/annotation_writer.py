"""Writes annotations in MMPose's Human3.6M layout, see :mod:`depth_refine.datasets.h36m_annotation`."""

import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from depth_refine.utils.atomic import whole_file
from depth_refine.utils.h36m_names import image_name

_BOX_MARGIN = 1.2  # of the larger side of the tight box around the 2D joints


class AnnotatedSequence(NamedTuple):
    """The annotated frames of one video, T of them."""

    name: str  # S1_Directions_1.54138969
    frames: np.ndarray  # (T,) frame numbers, from 1
    keypoints: np.ndarray  # (T, 17, 2) px, lens distortion included
    keypoints_3d: np.ndarray  # (T, 17, 3) absolute camera-frame metres
    crops: np.ndarray | None = None  # (T, 4) x1 y1 x2 y2: the part of the frame that an image file shows, px


def write_annotation(path: str | Path, sequences: Sequence[AnnotatedSequence]) -> None:
    """Write an ``h36m_*.npz``, one row for each frame of each sequence, float64, every joint visible.

    The box is the tight one around the 2D joints: ``center`` is its middle and ``scale`` 1.2 times its larger side,
    over 200. Arrays are converted one sequence at a time, so that the file may be larger than the memory left. The same
    input gives the same bytes.

    Args:
        path: the npz file; appears when it is complete.
        sequences: at least one; all of them with ``crops``, or none.
    """
    count = sum(len(sequence.frames) for sequence in sequences)
    width = max(len(image_name(sequence.name, sequence.frames[-1])) for sequence in sequences)
    members: dict[str, tuple[str, tuple, Callable]] = {
        'imgname': (f'<U{width}', (), lambda sequence: [image_name(sequence.name, frame) for frame in sequence.frames]),
        'center': ('<f8', (2,), lambda sequence: _box(sequence)[0]),
        'scale': ('<f8', (), lambda sequence: _box(sequence)[1]),
        'part': ('<f8', (17, 3), lambda sequence: _with_visibility(sequence.keypoints)),
        'S': ('<f8', (17, 4), lambda sequence: _with_visibility(sequence.keypoints_3d)),
    }
    if sequences[0].crops is not None:
        members['crop'] = ('<f8', (4,), lambda sequence: sequence.crops)
    with whole_file(path) as partial, zipfile.ZipFile(partial, 'w') as archive:
        for key, (dtype, shape, rows_of) in members.items():
            with archive.open(f'{key}.npy', 'w', force_zip64=True) as file:
                header = dict(descr=dtype, fortran_order=False, shape=(count, *shape))
                np.lib.format.write_array_header_1_0(file, header)
                for sequence in sequences:
                    file.write(np.ascontiguousarray(rows_of(sequence), dtype).data.cast('B'))


def _box(sequence: AnnotatedSequence) -> tuple[np.ndarray, np.ndarray]:
    """Centre (T, 2) and scale (T,)."""
    keypoints = sequence.keypoints.astype(np.float64)
    low, high = keypoints.min(axis=1), keypoints.max(axis=1)
    return (low + high) / 2, _BOX_MARGIN * (high - low).max(axis=-1) / 200


def _with_visibility(joints: np.ndarray) -> np.ndarray:
    """Append a column of ones."""
    return np.concatenate([joints, np.ones((*joints.shape[:2], 1))], axis=-1)
