"""Reads the poses of one sequence from Human3.6M's CDF files, with cdflib, which needs no library of NASA's."""

import io
import math
from pathlib import Path

import cdflib
import numpy as np

from depth_refine.datasets.npz_stream import MAX_COMPRESSION
from depth_refine.functional.camera import project
from depth_refine.structures.skeleton import ROOT
from depth_refine.utils.h36m_facts import JOINTS_OF_32
from depth_refine.utils.units import FROM_CAMERA, unit_fault

from .raw_files import SequenceError

_REPROJECTION_LIMIT = 0.1  # px; the real files agree to 2e-5
_VARIABLE = 'Pose'


def read_poses_2d(path: Path) -> np.ndarray:
    """Read a file of ``D2_Positions``: (T, 17, 2) float32 px, lens distortion included.

    Raises:
        SequenceError: see :func:`read_poses_3d`.
    """
    return _read(path, 2)


def read_poses_3d(path: Path) -> np.ndarray:
    """Read a file of ``D3_Positions_mono``: (T, 17, 3) float32 camera-frame metres, from the file's millimetres.

    Raises:
        SequenceError: the file is damaged, of another kind, without frames, or holds a number that is not finite, or is
            not in millimetres.
    """
    poses = _read(path, 3) / 1000
    if fault := unit_fault(poses[:, ROOT, 2], FROM_CAMERA):
        raise SequenceError(f'{path}, divided by 1000, {fault}: expected millimetres in the file')
    return poses


def check_agreement(poses_2d: np.ndarray, poses_3d: np.ndarray, camera: dict) -> None:
    """See that 2D poses (T, 17, 2) px, 3D poses (T, 17, 3) camera-frame metres and the camera belong together.

    Raises:
        SequenceError: they do not.
    """
    in_front = poses_3d[..., 2].min() > 0
    error = np.abs(project(poses_3d.astype(np.float64), camera) - poses_2d).max() if in_front else np.inf
    if error > _REPROJECTION_LIMIT:
        what = f'are projected up to {error:.1f} px away from the 2D poses' if in_front else 'lie behind the camera'
        raise SequenceError(f'the 3D poses {what}: expected D2_Positions, D3_Positions_mono and metadata.xml to agree')


def _read(path: Path, dimensions: int) -> np.ndarray:
    try:
        poses = np.asarray(_read_variable(path))
    except Exception as error:  # cdflib raises anything on damaged bytes
        raise SequenceError(f'{path} is not a readable CDF file ({error}): download or unpack it again') from error
    channels = 32 * dimensions
    if poses.dtype.kind != 'f' or poses.size == 0 or poses.shape not in {(1, *poses.shape[-2:]), poses.shape[-2:]}:
        raise SequenceError(f'{path}: expected poses (1, frames, {channels}), got {poses.dtype} {poses.shape}')
    if poses.shape[-1] != channels:
        raise SequenceError(f'{path}: expected 32 joints of {dimensions} numbers, got {poses.shape[-1]} numbers')
    if not np.isfinite(poses).all():
        raise SequenceError(f'{path} holds numbers that are not finite')
    return poses.reshape(-1, 32, dimensions)[:, JOINTS_OF_32].astype(np.float32)


def _read_variable(path: Path) -> np.ndarray:
    cdf = _Cdf(path)
    variable = cdf.varinq(_VARIABLE)
    claimed = 4 * variable.Num_Elements * (variable.Last_Rec + 1) * math.prod(variable.Dim_Sizes)
    if claimed > MAX_COMPRESSION * path.stat().st_size:
        raise ValueError(f'{_VARIABLE!r} claims {claimed} bytes or more, which the file cannot hold')
    return cdf.varget(_VARIABLE)


class _Cdf(cdflib.CDF):
    """A CDF file that takes no more time and memory than its size allows, whatever it claims."""

    def _file_or_url_or_s3_handler(self, filename: str, *_) -> '_Content':
        return _Content(Path(filename).read_bytes())


class _Content(io.BytesIO):
    """A file in memory, where it costs nothing to read beyond the end, and which is not searched for ever."""

    _BYTES_PER_SEEK = 4  # records are larger; more seeks than that go round in circles

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self._seeks_left = len(content) // self._BYTES_PER_SEEK

    def read(self, size: int | None = -1) -> '_Record':
        return _Record(super().read(size))

    def seek(self, *args) -> int:
        self._seeks_left -= 1
        if self._seeks_left < 0:
            raise ValueError('it claims more records than it can hold')
        return super().seek(*args)


class _Record(bytes):
    """A piece of a file; cdflib goes through as many numbers of it as it claims to have, which may be billions."""

    def __getitem__(self, key: int | slice) -> int | bytes:
        if isinstance(key, slice) and key.stop is not None and key.stop > len(self):
            raise ValueError('a record claims to be longer than it is')
        return super().__getitem__(key)
