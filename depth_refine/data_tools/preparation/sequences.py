"""Looks at the files of one sequence before anything is written, and runs such work on many sequences."""

from collections.abc import Callable, Mapping
from concurrent.futures import as_completed
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from tqdm import tqdm

from depth_refine.utils.parallel import worker_pool

from .frames import MOST_LOST, Crops, VideoSample, make_crops, sample_video
from .poses import check_agreement, read_poses_2d, read_poses_3d
from .raw_files import SequenceError, SequenceKey


class Inspected(NamedTuple):
    """What the files of one sequence hold, T frames with poses."""

    poses_2d: np.ndarray  # (T, 17, 2) float32 px
    poses_3d: np.ndarray  # (T, 17, 3) float32 camera-frame metres
    crops: Crops | None
    video: VideoSample | None
    note: str | None  # on lengths that differ


def inspect_sequence(files: Mapping[str, Path], camera: dict, crops: bool) -> Inspected:
    """Read the poses and the beginning of the video.

    Args:
        files: ``'2D poses'``, ``'3D poses'`` and, if images are to be made, ``'video'``.
        camera: of the sequence.
        crops: will crops be stored?

    Raises:
        SequenceError: a file is damaged, the files do not fit together, or the person is out of the image.
    """
    poses_2d, poses_3d = read_poses_2d(files['2D poses']), read_poses_3d(files['3D poses'])
    frames, note = min(len(poses_2d), len(poses_3d)), None
    try:
        if len(poses_2d) != len(poses_3d):
            note = f'{len(poses_2d)} frames of 2D poses, {len(poses_3d)} of 3D poses'
            if max(len(poses_2d), len(poses_3d)) - frames > MOST_LOST:
                raise SequenceError(f'{note}: download or unpack them again')
            note += f': the first {frames} are used'
        poses_2d, poses_3d = poses_2d[:frames], poses_3d[:frames]
        check_agreement(poses_2d, poses_3d, camera)
    except SequenceError as error:
        raise SequenceError(f'{files["2D poses"]}, {files["3D poses"]}: {error}') from error
    windows = make_crops(poses_2d, poses_3d, camera) if crops else None
    video = sample_video(files['video'], camera, windows) if 'video' in files else None
    return Inspected(poses_2d, poses_3d, windows, video, note)


def run_jobs(
    function: Callable,
    jobs: Mapping[SequenceKey, tuple],
    amounts: Mapping[SequenceKey, int],
    workers: int,
    on_error: Callable[[SequenceKey, SequenceError], None],
    **progress_options,
) -> dict[SequenceKey, Any]:
    """Call ``function`` with the arguments of each job, in processes, and show progress.

    Args:
        function: of a module, so that processes find it.
        jobs: arguments for each sequence.
        amounts: how much work each is, in the unit of the progress bar.
        workers: processes; 1 is this one.
        on_error: told of sequences that cannot be used.
        progress_options: of the progress bar.

    Returns:
        What the function returned for the other sequences, in the order of the jobs.
    """
    results: dict[SequenceKey, Any] = {}
    with tqdm(total=sum(amounts[key] for key in jobs), smoothing=0.05, **progress_options) as progress:

        def finish(key: SequenceKey, call: Callable) -> None:
            try:
                results[key] = call()
            except SequenceError as error:
                on_error(key, error)
            progress.update(amounts[key])

        if workers == 1 or len(jobs) < 2:  # without the seconds that processes need to start
            for key, arguments in jobs.items():
                finish(key, partial(function, *arguments))
        else:
            with worker_pool(min(workers, len(jobs)), function.__module__) as pool:
                futures = {pool.submit(function, *arguments): key for key, arguments in jobs.items()}
                for future in as_completed(futures):
                    finish(futures[future], future.result)
    return {key: results[key] for key in jobs if key in results}
