"""Reads the files of one sequence before anything is written, and runs such work on many sequences.

Poses are CDF files, read with cdflib, which does not need NASA's library.
"""

import io
import math
from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import as_completed
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import cdflib
import numpy as np
from tqdm import tqdm

from depth_refine.datasets.npz_stream import MAX_COMPRESSION
from depth_refine.functional.camera import project
from depth_refine.structures.skeleton import H36M
from depth_refine.utils.h36m_facts import JOINTS_OF_32
from depth_refine.utils.parallel import worker_pool
from depth_refine.utils.units import FROM_CAMERA, unit_fault

from .frames import MOST_LOST, Crops, VideoSample, make_crops, sample_video
from .raw_files import SequenceError

_REPROJECTION_LIMIT = 0.1  # px; the real files agree to 2e-5
_VARIABLE = 'Pose'


class Inspected(NamedTuple):
    """The contents of one sequence's files: T frames with poses."""

    poses_2d: np.ndarray  # (T, 17, 2) float32 px, lens distortion included
    poses_3d: np.ndarray  # (T, 17, 3) float32 camera-frame metres
    crops: Crops | None
    video: VideoSample | None
    note: str | None  # on lengths that differ


def inspect_sequence(files: Mapping[str, Path], camera: dict, crops: bool) -> Inspected:
    """The contents of a sequence's files.

    Args:
        files: ``'2D poses'``, ``'3D poses'`` and perhaps ``'video'``, of which only the beginning is read.
        camera: of the sequence.
        crops: whether to compute crops.

    Raises:
        SequenceError: a file is damaged, of another kind, without frames, not finite or not in millimetres; the files
            do not fit together; or the person is outside the image.
    """
    poses_2d, poses_3d = read_poses(files['2D poses'], 2), read_poses(files['3D poses'], 3) / 1000
    if fault := unit_fault(poses_3d[:, H36M.root, 2], FROM_CAMERA):
        raise SequenceError(f'{files["3D poses"]}, divided by 1000, {fault}: expected millimetres in the file')
    both, lengths = f'{files["2D poses"]}, {files["3D poses"]}: ', sorted({len(poses_2d), len(poses_3d)})
    frames, note = lengths[0], None
    if len(lengths) > 1:
        note = f'{len(poses_2d)} frames of 2D poses, {len(poses_3d)} of 3D poses'
        if lengths[1] - frames > MOST_LOST:
            raise SequenceError(f'{both}{note}: download or unpack them again')
        note += f': the first {frames} are used'
    poses_2d, poses_3d = poses_2d[:frames], poses_3d[:frames]
    in_front = poses_3d[..., 2].min() > 0
    error = np.abs(project(poses_3d.astype(np.float64), camera) - poses_2d).max() if in_front else np.inf
    if error > _REPROJECTION_LIMIT:
        what = f'are projected up to {error:.1f} px away from the 2D poses' if in_front else 'lie behind the camera'
        expected = 'expected D2_Positions, D3_Positions_mono and metadata.xml to agree'
        raise SequenceError(f'{both}the 3D poses {what}: {expected}')
    windows = make_crops(poses_2d, poses_3d, camera) if crops else None
    video = sample_video(files['video'], camera, windows) if 'video' in files else None
    return Inspected(poses_2d, poses_3d, windows, video, note)


def run_jobs(
    function: Callable,
    jobs: Mapping[Hashable, tuple],
    amounts: Mapping[Hashable, int],
    workers: int,
    on_error: Callable[[Hashable, SequenceError], None],
    **progress_options,
) -> dict[Hashable, Any]:
    """The results of a function for many jobs, computed in worker processes.

    Args:
        function: of a module, so that processes can import it.
        jobs: arguments of each call.
        amounts: work of each job, in the unit of the progress bar.
        workers: number of processes; 1 is the calling one.
        on_error: called with the key and error of jobs that raise a :class:`SequenceError`.
        progress_options: of the progress bar.

    Returns:
        The results, in the order of the jobs, without those that raised.
    """
    results: dict[Hashable, Any] = {}
    with tqdm(total=sum(amounts[key] for key in jobs), smoothing=0.05, **progress_options) as progress:

        def finish(key: Hashable, call: Callable) -> None:
            try:
                results[key] = call()
            except SequenceError as error:
                on_error(key, error)
            progress.update(amounts[key])

        if workers == 1 or len(jobs) < 2:  # processes would need seconds to start
            for key, arguments in jobs.items():
                finish(key, partial(function, *arguments))
        else:
            with worker_pool(min(workers, len(jobs)), function.__module__) as pool:
                futures = {pool.submit(function, *arguments): key for key, arguments in jobs.items()}
                for future in as_completed(futures):
                    finish(futures[future], future.result)
    return {key: results[key] for key in jobs if key in results}


def read_poses(path: Path, dimensions: int) -> np.ndarray:
    """The poses (T, 17, ``dimensions``) of a CDF file, float32, in the file's unit.

    Raises:
        SequenceError: see :func:`inspect_sequence`.
    """
    try:
        poses = np.asarray(_read_variable(path))
    except Exception as error:  # cdflib raises many kinds on damaged bytes
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
    """A CDF file whose reading takes no more time and memory than its size allows, whatever its header states."""

    def _file_or_url_or_s3_handler(self, filename: str, *_) -> '_Content':
        return _Content(Path(filename).read_bytes())


class _Content(io.BytesIO):
    """A file in memory: reading beyond its end is free, and the number of seeks is limited."""

    _BYTES_PER_SEEK = 4  # records are larger, so that more seeks mean a loop

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
    """A part of a file that refuses slices beyond its end: cdflib loops over the stated count, perhaps billions."""

    def __getitem__(self, key: int | slice) -> int | bytes:
        if isinstance(key, slice) and key.stop is not None and key.stop > len(self):
            raise ValueError('a record claims to be longer than it is')
        return super().__getitem__(key)
