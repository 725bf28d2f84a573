"""The people of a video as npz, json and csv; docs/output_files.md documents the keys."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from depth_refine.export.pose_table import header, track_arrays
from depth_refine.structures.skeleton import JOINT_NAMES
from depth_refine.structures.video_poses import VideoPoses
from depth_refine.utils.atomic import whole_file

_DECIMALS = 6  # of text: micrometres
_AXES = {2: 'uv', 3: 'xyz'}
_ROW_KEYS = ('track_id', 'frame', 'time_s', 'is_interpolated')


def write_npz(poses: VideoPoses, path: str | Path) -> None:
    """Write plain arrays; those of the people are joined along the first axis and told apart by ``track_id``."""
    tracks = track_arrays(poses)
    joined = {key: np.concatenate([arrays[key] for arrays in tracks]) for key in (tracks[0] if tracks else {})}
    joined.setdefault('track_id', np.zeros(0, int))
    with whole_file(path) as partial, partial.open('wb') as file:
        np.savez_compressed(file, allow_pickle=False, **header(poses), **joined)


def write_json(poses: VideoPoses, path: str | Path) -> None:
    """Write the same keys, with a list ``tracks`` of the people; numbers that are not known are null."""
    content = {key: value.tolist() for key, value in header(poses).items()}
    content['tracks'] = [
        {'track_id': int(arrays.pop('track_id')[0])} | {key: _plain(array) for key, array in arrays.items()}
        for arrays in track_arrays(poses)
    ]
    with whole_file(path) as partial:
        partial.write_text(json.dumps(content, allow_nan=False) + '\n')


def write_csv(poses: VideoPoses, path: str | Path) -> None:
    """Write one row for each person, frame and joint, below lines of ``# key: value`` for the whole video.

    Numbers that are not known are empty.
    """
    with whole_file(path) as partial, partial.open('w', newline='') as file:
        for key, value in header(poses).items():
            file.write(f'# {key}: {json.dumps(value.tolist())}\n')
        writer = csv.writer(file, lineterminator='\n')
        for index, arrays in enumerate(track_arrays(poses)):
            columns = dict(_joint_columns(arrays))
            if index == 0:
                writer.writerow([*_ROW_KEYS, 'joint', *columns])
            row_values = zip(*(_plain(arrays[key]) for key in _ROW_KEYS), strict=True)
            joint_values = np.stack(list(columns.values()), axis=-1)
            for row, joints in zip(row_values, joint_values, strict=True):
                for name, values in zip(JOINT_NAMES, joints, strict=True):
                    writer.writerow([*row, name, *_plain(values)])


def _joint_columns(arrays: dict[str, np.ndarray]) -> Iterator[tuple[str, np.ndarray]]:
    """Names and (T, 17) values of the columns of a key: ``score``; ``camera_m_x``, ``camera_m_y``, ``camera_m_z``."""
    for key, array in arrays.items():
        if array.shape[1:] == (len(JOINT_NAMES),):
            yield key, array
        elif array.ndim == 3:
            for index, axis in enumerate(_AXES[array.shape[-1]]):
                yield f'{key}_{axis}', array[..., index]


def _plain(array: np.ndarray) -> list:
    """Lists of Python's numbers, rounded, with None for what is not a number."""
    if not np.issubdtype(array.dtype, np.floating):
        return array.tolist()
    rounded = array.astype(np.float64).round(_DECIMALS)
    return np.where(np.isfinite(rounded), rounded.astype(object), None).tolist()
