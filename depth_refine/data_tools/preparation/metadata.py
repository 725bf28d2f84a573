"""Cameras and takes from Human3.6M's ``metadata.xml``, which comes with the code on its web site."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from depth_refine.utils.errors import InputError
from depth_refine.utils.h36m_facts import IMAGE_HEIGHTS, IMAGE_WIDTH

_SUBJECTS, _EXTRINSICS, _INTRINSICS = 11, 6, 9
_ACTIONS = {str(action) for action in range(2, 17)}  # 1 is _ALL, files with the content of the others


def read_cameras(path: str | Path) -> dict[tuple[str, str], dict]:
    """The cameras of all 11 subjects.

    Returns:
        Dict from (subject, camera id) to camera, 44 of them, with the fields of MMPose's ``cameras.pkl``: those of
        :mod:`depth_refine.functional.camera`, ``name`` and ``id``.

    Raises:
        InputError: the file is missing or damaged, lacks an element or a camera, or has a wrong count of numbers.
    """
    camera_ids = [element.text for element in _element(path, 'dbcameras/index2id')]
    missing = IMAGE_HEIGHTS.keys() - set(camera_ids)
    if missing or len(camera_ids) != len(IMAGE_HEIGHTS):
        raise InputError(f'{path}: expected the cameras {sorted(IMAGE_HEIGHTS)} in <index2id>, got {camera_ids}')
    extrinsics, intrinsics = _read_numbers(path, len(camera_ids))
    return {
        (f'S{subject + 1}', camera_id): _camera(extrinsics[index, subject], intrinsics[index], index, camera_id)
        for subject in range(_SUBJECTS)
        for index, camera_id in enumerate(camera_ids)
    }


def read_takes(path: str | Path) -> dict[str, list[str]]:
    """The takes of each subject.

    Returns:
        Dict from subject to the names of its takes as in file names (``'Directions 1'``, ``'Directions'``), 30 for each
        in the real file, in its order.

    Raises:
        InputError: the file or its table is missing or damaged.
    """
    rows = [[cell.text or '' for cell in row] for row in _element(path, 'mapping')]
    _, _, *subjects = rows[0] if rows else ('', '')
    takes = [names for action, _, *names in filter(None, rows) if action in _ACTIONS]
    if not subjects or not takes or any(len(names) != len(subjects) for names in takes):
        raise InputError(f'{path}: expected in <mapping> a row of subjects, then rows of action, subaction, file names')
    return {subject: [name for name in names if name] for subject, *names in zip(subjects, *takes, strict=True)}


def _element(path: str | Path, name: str) -> ElementTree.Element:
    try:
        element = ElementTree.parse(path).find(name)
    except OSError as error:
        raise InputError(f'{path} cannot be read: {error.strerror}') from error
    except ElementTree.ParseError as error:
        raise InputError(f'{path} is not an XML file ({error}): copy it again') from error
    if element is None:
        raise InputError(f"{path} has no <{name.replace('/', '> <')}>: expected Human3.6M's metadata.xml")
    return element


def _read_numbers(path: str | Path, cameras: int) -> tuple[np.ndarray, np.ndarray]:
    """Extrinsics (cameras, subjects, 6) and intrinsics (cameras, 9)."""
    text = (_element(path, 'w0').text or '').strip().removeprefix('[').removesuffix(']')
    try:
        numbers = np.array(text.split(), np.float64)
    except ValueError as error:
        raise InputError(f'{path}: <w0> does not hold numbers alone ({error})') from error
    split = cameras * _SUBJECTS * _EXTRINSICS
    expected = split + cameras * _INTRINSICS
    if len(numbers) != expected or not np.isfinite(numbers).all():
        raise InputError(f'{path}: expected {expected} finite numbers in <w0>, got {len(numbers)}')
    return numbers[:split].reshape(cameras, _SUBJECTS, _EXTRINSICS), numbers[split:].reshape(cameras, _INTRINSICS)


def _camera(extrinsics: np.ndarray, intrinsics: np.ndarray, index: int, camera_id: str) -> dict:
    """A camera of extrinsics (6,), three angles and the centre in mm, and intrinsics (9,) in the order of ``lens``."""
    focal, centre, radial, tangential = np.split(intrinsics[:, None], [2, 4, 7])
    rotation = Rotation.from_euler('XYZ', extrinsics[:3]).as_matrix().T  # the angles rotate the world to the camera
    lens = dict(c=centre, f=focal, k=radial, p=tangential)
    size, name = dict(w=IMAGE_WIDTH, h=IMAGE_HEIGHTS[camera_id]), f'camera{index + 1}'
    return dict(R=rotation, T=extrinsics[3:, None] / 1000, **lens, **size, name=name, id=camera_id)
