"""Reads VideoPose3D's archives: poses in ``data_3d_h36m.npz``, detections in ``data_2d_h36m_<name>.npz``.

Both are npz files with pickles (0-d object arrays of a dict). They are read without running code from them.
"""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from depth_refine.utils.errors import InputError
from depth_refine.utils.h36m_facts import CAMERA_IDS, JOINTS_OF_32
from depth_refine.utils.safe_pickle import STAND_INS, PlainUnpickler, StandIn, resolve

_METADATA = dict(layout_name='h36m', num_joints=17, keypoints_symmetry=[[4, 5, 6, 11, 12, 13], [1, 2, 3, 14, 15, 16]])
_LARGEST_NORMALISED = 2  # normalised coordinates of the image end at 1, and joints may lie outside


def read_poses(path: Path) -> dict[tuple[str, str], np.ndarray]:
    """The poses of ``positions_3d``.

    Returns:
        For each (subject, action), such as ('S1', 'Directions 1'), (T, 17, 3) world metres.

    Raises:
        InputError: the file is missing or damaged, tries to run code, or has other contents.
    """
    poses = {}
    for subject, action, positions in _videos(path, 'positions_3d'):
        shape = np.shape(positions)
        if len(shape) != 3 or shape[0] == 0 or shape[1:] not in [(32, 3), (17, 3)]:
            raise InputError(f'{path}: expected {subject} {action!r} of shape (T, 32, 3) or (T, 17, 3), got {shape}')
        _check_numbers(path, f'{subject} {action!r}', positions)
        poses[subject, action] = positions[:, JOINTS_OF_32] if shape[1] == 32 else positions
    return poses


def read_detections(path: Path) -> dict[tuple[str, str], list[np.ndarray]]:
    """The detections of ``positions_2d``.

    Returns:
        For each (subject, action) the detections of the four cameras, (T, 17, 2) px each.

    Raises:
        InputError: see :func:`read_poses`; also for joints in another layout, or coordinates that are not pixels.
    """
    metadata = _load(path, 'metadata')
    for key, expected in _METADATA.items():
        got = metadata.get(key) if isinstance(metadata, dict) else None
        if key == 'layout_name' and isinstance(metadata, dict) and key not in metadata:
            continue  # as in data_2d_h36m_gt.npz, which VideoPose3D makes of the poses
        if key == 'keypoints_symmetry' and isinstance(got, list | tuple):
            got = [list(side) if isinstance(side, tuple) else side for side in got]
        if got != expected:
            raise InputError(
                f"{path}: expected Human3.6M's 17 joints, with {key} {expected!r} in 'metadata', got {got!r}. Give "
                'detections in that layout, such as data_2d_h36m_cpn_ft_h36m_dbb.npz.'
            )
    detections = {}
    for subject, action, cameras in _videos(path, 'positions_2d'):
        count = len(CAMERA_IDS)
        if not isinstance(cameras, list | tuple) or len(cameras) != count:
            raise InputError(f'{path}: expected {subject} {action!r} to be a list of {count} arrays, one a camera')
        for index, keypoints in enumerate(cameras):
            name = f'{subject} {action!r}, camera {index + 1} of {count}'
            if np.shape(keypoints)[1:] != (17, 2):
                raise InputError(f'{path}: expected {name} of shape (T, 17, 2), got {np.shape(keypoints)}')
            _check_numbers(path, name, keypoints)
            largest = np.max(np.abs(keypoints), initial=0)
            if len(keypoints) and largest < _LARGEST_NORMALISED:
                raise InputError(
                    f'{path}: expected pixels, but the coordinates of {name} all lie within {largest:.2f} of 0 and '
                    'look normalised. Multiply them back to the image size.'
                )
        detections[subject, action] = list(cameras)
    return detections


def _check_numbers(path: Path, name: str, array: Any) -> None:
    if not isinstance(array, np.ndarray) or array.dtype.kind != 'f' or not np.isfinite(array).all():
        raise InputError(f'{path}: expected finite floating-point numbers in {name}')


def _videos(path: Path, key: str) -> Iterator[tuple[str, str, Any]]:
    """Each subject, each action, and their entry in the archive."""
    subjects = _load(path, key)
    if not isinstance(subjects, dict) or not all(isinstance(actions, dict) for actions in subjects.values()):
        raise InputError(f'{path}: expected {key!r} to be a dict of dicts, from subject to action to array')
    for subject, actions in subjects.items():
        for action, value in actions.items():
            yield str(subject), str(action), value


def _load(path: Path, key: str) -> Any:
    """The Python object under ``key`` of an npz file."""
    if not path.is_file():
        raise InputError(f'no archive {path.absolute()}: VideoPose3D tells how to make or download it')
    try:
        with zipfile.ZipFile(path) as archive, archive.open(f'{key}.npy') as file:
            version = np.lib.format.read_magic(file)
            header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
            shape, _, dtype = header[version](file)
            if shape != () or not dtype.hasobject:
                raise ValueError(f'{key!r} is {dtype} of shape {shape}, expected one Python object')
            (value,) = _ArchiveUnpickler(file).load()
            file.read()  # at the end zipfile compares the checksum
            return value
    except Exception as error:  # zipfile, zlib, numpy and pickle raise many kinds on damaged files
        raise InputError(
            f'{path} is not a readable archive of VideoPose3D ({error}). Download or copy it again.'
        ) from error


class _Array(StandIn):
    """Stand-in for an array; the value of an array of Python objects is the list of its items."""

    def __setstate__(self, state: tuple) -> None:
        if isinstance(state[-1], list):
            self.value = resolve(state[-1])
        else:
            array = STAND_INS['numpy._core.multiarray._reconstruct']()
            array.__setstate__(state)
            self.value = array.value


class _ArchiveUnpickler(PlainUnpickler):
    """Unpickles arrays of Python objects in addition to what its base class does."""

    def find_class(self, module: str, name: str) -> Any:
        """The stand-in for a name, never the named object itself."""
        stand_in = super().find_class(module, name)
        if name == '_reconstruct':
            return lambda *_: _Array()
        if name == 'dtype':
            # lists need no type; the type of objects would let a file declare bytes to be pointers
            return lambda code, *_: stand_in('b1' if code == 'O8' else code)
        return stand_in
