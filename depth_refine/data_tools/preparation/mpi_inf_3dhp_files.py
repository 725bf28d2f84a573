"""Reads the original files of MPI-INF-3DHP.

- ``camera.calibration``: text. For each of 14 cameras the lines ``name`` (a number from 0), ``sensor`` (mm), ``size``
  (width and height, px), ``animated``, ``intrinsic`` and ``extrinsic`` (4 x 4, row by row; from the world's mm to the
  camera's, which has x right, y down, z forward) and ``radial`` (distortion; 0, since the images have none).
- the training set's ``annot.mat``, MATLAB's format before 7.3: ``cameras``, numbers from 0; ``frames``, numbers from 0
  (ffmpeg numbers the images that it makes of a video from 1); and ``annot2``, ``annot3``, ``univ_annot3``: cell arrays
  with one cell for each camera, (frames, 56) or (frames, 84): x y or x y z of the 28 joints, one after the other.
- the test set's ``annot_data.mat``, MATLAB's format 7.3, which is HDF5 with the axes in reversed order: ``annot2``
  (2, 17, 1, frames), ``annot3`` and ``univ_annot3`` (3, 17, 1, frames), ``valid_frame`` and ``activity_annotation``
  (1, frames).

``annot2`` is px. ``annot3`` is mm in the camera's frame, and its projection is ``annot2``. ``univ_annot3`` is
``annot3`` scaled to the same body height for all subjects, and its projection is not ``annot2``.
"""

import math
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np
from scipy.io import loadmat

from .mpi_inf_3dhp_facts import JOINT_NAMES, JOINTS_OF_28
from .raw_files import SequenceError

_CALIBRATION_KEYS = dict(name=1, size=2, intrinsic=16, extrinsic=16, radial=1)  # how many numbers each has
_CHANNELS = dict(annot2=2, annot3=3, univ_annot3=3)
_PER_FRAME = ('valid_frame', 'activity_annotation')
_MOST_FRAMES = 10**6  # damaged files may state more
_AGAIN = 'download or unpack it again'


class Poses(NamedTuple):
    """The annotated poses of one video: T frames, J joints."""

    poses_2d: np.ndarray  # (T, J, 2) float32 px
    poses_3d: np.ndarray  # (T, J, 3) float32 camera-frame metres
    universal: np.ndarray  # (T, J, 3) float32 metres, of one body for all subjects


def read_calibration(path: Path) -> dict[int, dict]:
    """The cameras of ``camera.calibration``.

    Returns:
        Dict from camera number to camera, with the fields of :mod:`depth_refine.functional.camera`.

    Raises:
        SequenceError: the file is missing, or one of its cameras is incomplete, has distortion, or no rotation.
    """
    cameras: list[dict[str, np.ndarray]] = []
    try:
        lines = [line.split() for line in path.read_text(encoding='utf-8').splitlines()]
        for key, *values in filter(None, lines):
            if key == 'name':
                cameras.append({})
            if key in _CALIBRATION_KEYS and cameras:
                cameras[-1][key] = np.array(values, float)
    except (OSError, ValueError) as error:
        raise SequenceError(f'{path} cannot be read ({error}): {_AGAIN}') from error
    if not cameras:
        raise SequenceError(f'{path} has no cameras: expected name, size, intrinsic, extrinsic and radial of each')
    for index, camera in enumerate(cameras):
        for key, count in _CALIBRATION_KEYS.items():
            if len(camera.get(key, ())) != count or not np.isfinite(camera[key]).all():
                raise SequenceError(f'{path}, camera {index}: expected {count} finite numbers of {key!r}: {_AGAIN}')
    return {int(camera['name'][0]): _camera(camera, path) for camera in cameras}


def _camera(numbers: dict[str, np.ndarray], path: Path) -> dict:
    where = f'{path}, camera {numbers["name"][0]:g}'
    if numbers['radial'] != 0:
        raise SequenceError(f'{where}: expected radial 0, images without distortion, got {numbers["radial"][0]:g}')
    intrinsic, extrinsic = numbers['intrinsic'].reshape(4, 4), numbers['extrinsic'].reshape(4, 4)
    rotation = extrinsic[:3, :3].T  # from the camera to the world
    if not np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-3) or np.linalg.det(rotation) < 0:
        raise SequenceError(f'{where}: the extrinsic matrix has no rotation: {_AGAIN}')
    lens = dict(f=intrinsic[[0, 1], [0, 1]][:, None], c=intrinsic[:2, 2:3], k=np.zeros((3, 1)), p=np.zeros((2, 1)))
    width, height = numbers['size'].astype(int).tolist()
    return dict(R=rotation, T=-rotation @ extrinsic[:3, 3:] / 1000, **lens, w=width, h=height)


def read_training_annotation(path: Path, cameras: tuple[int, ...]) -> dict[int, Poses | SequenceError]:
    """The poses in the training set's ``annot.mat``.

    Returns:
        Dict from camera number to its poses, 28 joints, or to the error in them.

    Raises:
        SequenceError: the file is missing or damaged or lacks a variable, or its frames are not numbered from 0.
    """
    names = ['cameras', 'frames', *_CHANNELS]
    try:
        mat = loadmat(path, variable_names=names)
    except Exception as error:  # scipy raises many kinds on damaged bytes
        raise SequenceError(f'{path} is not readable as MATLAB file before version 7.3 ({error}): {_AGAIN}') from error
    _require(path, names, mat)
    numbers, frames = np.ravel(mat['cameras']).tolist(), np.ravel(mat['frames'])
    if len(frames) == 0 or not np.array_equal(frames, np.arange(len(frames))):
        raise SequenceError(f'{path}: expected frames 0, 1, 2 and so on, got {frames[:3].tolist()} ...')
    poses: dict[int, Poses | SequenceError] = {}
    for camera in cameras:
        try:
            cells = [_cell(path, mat, key, numbers, camera, len(frames)) for key in _CHANNELS]
            for key, cell in zip(_CHANNELS, cells, strict=True):
                if not np.isfinite(cell).all():
                    raise SequenceError(f'{path}: {key} of camera {camera} holds numbers that are not finite: {_AGAIN}')
            poses[camera] = _in_metres(*cells)
        except SequenceError as error:
            poses[camera] = error
    return poses


def _require(path: Path, names: list[str], found: dict | h5py.File) -> None:
    if missing := [name for name in names if name not in found]:
        present = sorted(name for name in found if not name.startswith(('_', '#')))
        raise SequenceError(f'{path} has no {missing[0]}: expected {", ".join(names)}, got {present}')


def _cell(path: Path, mat: dict, key: str, numbers: list[int], camera: int, frames: int) -> np.ndarray:
    """The numbers (T, 28, C) of one camera."""
    cells, joints, channels = mat[key], len(JOINT_NAMES), _CHANNELS[key]
    if cells.dtype != object or cells.size != len(numbers) or camera not in numbers:
        raise SequenceError(
            f'{path}: expected {key} as a cell array with a cell for each of {len(numbers)} cameras, camera {camera} '
            f'among them, got {cells.dtype} {cells.shape} and cameras {numbers}'
        )
    cell = np.asarray(cells.ravel()[numbers.index(camera)])
    if cell.dtype.kind not in 'fiu' or cell.shape != (frames, joints * channels):
        raise SequenceError(
            f'{path}: expected {key} of camera {camera} of shape {(frames, joints * channels)}, {channels} numbers of '
            f'{joints} joints in each frame, got {cell.dtype} {cell.shape}'
        )
    return cell.reshape(frames, joints, channels)


def read_test_annotation(path: Path) -> tuple[Poses, np.ndarray, np.ndarray]:
    """The contents of the test set's ``annot_data.mat``.

    Returns:
        - the poses, 17 joints, which may be anything in frames that are not valid.
        - valid (T,) bool, the frames that are evaluated.
        - activities (T,) int, from 1.

    Raises:
        SequenceError: the file is missing or damaged, lacks a variable, or one is not of its shape.
    """
    names = [*_CHANNELS, *_PER_FRAME]
    try:
        with h5py.File(path) as file:
            _require(path, names, file)
            _check_shapes(path, file)
            arrays = {name: file[name][()] for name in names}
    except SequenceError:
        raise
    except Exception as error:
        raise SequenceError(f'{path} is not readable as MATLAB file of version 7.3 ({error}): {_AGAIN}') from error
    valid, activities = (arrays[name].ravel() for name in _PER_FRAME)
    return _in_metres(*(arrays[name][:, 0] for name in _CHANNELS)), valid != 0, activities.astype(int)


def _check_shapes(path: Path, file: h5py.File) -> None:
    """Check shapes and types before any array is read."""
    frames = math.prod(getattr(file['valid_frame'], 'shape', (0,)))
    if not 0 < frames <= _MOST_FRAMES:
        raise SequenceError(f'{path}: expected 1 to {_MOST_FRAMES} frames in valid_frame, got {frames}')
    shapes = {key: (frames, 1, len(JOINTS_OF_28), channels) for key, channels in _CHANNELS.items()}
    for name, shape in (shapes | dict.fromkeys(_PER_FRAME, (frames, 1))).items():
        found, dtype = (getattr(file[name], what, None) for what in ('shape', 'dtype'))
        if (found != shape and not (name in _PER_FRAME and found == (1, frames))) or dtype.kind not in 'fiub':
            raise SequenceError(
                f'{path}: expected numbers of shape {shape[::-1]} (in MATLAB) in {name}, for {frames} frames in '
                f'valid_frame, got {dtype} {found and found[::-1]}'
            )


def _in_metres(*numbers: np.ndarray) -> Poses:
    poses_2d, poses_3d, universal = (array.astype(np.float32) for array in numbers)
    return Poses(poses_2d, poses_3d / 1000, universal / 1000)
