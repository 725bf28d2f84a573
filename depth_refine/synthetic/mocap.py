"""Performances from a file of motion clips."""

import re
from collections import Counter
from pathlib import Path

import numpy as np
from scipy.interpolate import CubicSpline

from depth_refine.datasets.motion_clips import HOW_TO_MAKE, problem_of_motion_file
from depth_refine.datasets.npz_stream import load_arrays
from depth_refine.structures.skeleton import H36M
from depth_refine.synthetic.kinematics import FPS
from depth_refine.synthetic.performances import Performance
from depth_refine.utils.errors import InputError

_BODY_SIZE = (2.0, 7.0)  # metres: all 16 bones of a person together; an adult has about 4
_FLOOR = (-0.3, 0.5)  # metres: height of the lowest joint of a clip
_WORDS = 4  # of a description in an action's name


def read_clips(path: str | Path, frames: int | None = None) -> list[Performance]:
    """Read a file of motion clips.

    Args:
        path: npz with ``positions`` (N, 17, 3) world metres with z up and the floor near z = 0, ``clip`` (N,) the
            index of each frame's clip, ``fps`` () and ``subject`` (clips,). ``description`` (clips,), or else ``names``
            (clips,), names the actions, if there is one.
        frames: the most frames (at 50 per second) to keep of each clip.

    Returns:
        The clips in the order of their indices, resampled to 50 frames per second, centred horizontally, with the
        root exactly between the hips. Names have letters and digits only; clips of one name are takes of one action.

    Raises:
        InputError: the file is missing or not an npz file, a key is missing, or an array has a wrong shape, unit or
            value.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f'no motion file {path.absolute()}: {HOW_TO_MAKE}')
    try:
        data = load_arrays(path)
    except Exception as error:  # whatever zipfile, zlib and numpy raise on damaged bytes
        raise InputError(f'{path} cannot be read as an npz file of plain arrays: {error}') from error
    if problem := problem_of_motion_file(data, H36M):
        raise InputError(f'{path}: {problem}')
    labels = data.get('description', data.get('names', [''] * len(data['subject'])))
    subjects: dict[str, int] = {}
    takes: Counter = Counter()
    clips = []
    for index, subject in enumerate(_plain(str(name)) for name in data['subject'].tolist()):
        joints = data['positions'][data['clip'] == index].astype(np.float64)
        if problem := _problem_of_clip(joints):
            raise InputError(f"{path}, clip {index} of 'positions': {problem}")
        joints = _resample(joints, float(data['fps']))[:frames]
        joints[:, 0] = (joints[:, 1] + joints[:, 4]) / 2
        ground = joints[..., :2].reshape(-1, 2)
        joints[..., :2] -= (ground.min(axis=0) + ground.max(axis=0)) / 2
        action = _camel_case(str(labels[index])) or f'Clip{index}'
        takes[subject, action] += 1
        who = subjects.setdefault(subject, len(subjects))
        clips.append(Performance(subject, f'{action}_{takes[subject, action]}', who, index, joints))
    return clips


def _problem_of_clip(joints: np.ndarray) -> str | None:
    """Signs that a clip has other units, axes or joints; None if there are none."""
    if len(joints) < 2:
        return f'expected two frames or more, got {len(joints)}'
    size, (low, high) = H36M.bone_lengths(joints).sum(axis=-1).mean(), _BODY_SIZE
    if not low < size < high:
        is_mm = low < size / 1000 < high
        hint = ' (millimetres? divide by 1000)' if is_mm else ': another unit, or joints in another order'
        return f'expected metres, 16 bones of {low} to {high} m together, got {size:.4g}{hint}'
    feet = [H36M.joint_names.index(name) for name in ('left_foot', 'right_foot')]
    upright = (joints[:, H36M.joint_names.index('head')] - joints[:, feet].mean(axis=1)).mean(axis=0)
    main = np.abs(upright).argmax()
    if (main != 2 and np.abs(upright[main]) > 1.2) or upright[2] < -1.2:
        average = f'from the feet to the head it is {np.round(upright, 2).tolist()} m on average'
        return f'expected z up, but {average}: reorder the axes'
    lowest, (low, high) = joints[..., 2].min(), _FLOOR
    if not low < lowest < high:
        expected = f'the floor near z = 0, a lowest joint at {low} to {high} m'
        return f'expected {expected}, got {lowest:.2f} m: shift the clip along z'
    return None


def _resample(joints: np.ndarray, fps: float) -> np.ndarray:
    if fps == FPS:
        return joints
    count = int(np.floor((len(joints) - 1) / fps * FPS + 1e-6)) + 1
    return CubicSpline(np.arange(len(joints)) / fps, joints)(np.arange(count) / FPS)


def _plain(name: str) -> str:
    """Letters and digits only: other characters separate the parts of a file name."""
    return re.sub(r'[^A-Za-z0-9]', '', name) or 'Unnamed'


def _camel_case(text: str) -> str:
    return ''.join(word[0].upper() + word[1:] for word in re.findall('[A-Za-z0-9]+', text)[:_WORDS])
