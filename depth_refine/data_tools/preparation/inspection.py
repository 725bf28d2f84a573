"""Looks at the files of one sequence before anything is written."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .crops import Crops, make_crops
from .frames import MOST_LOST, VideoSample, sample_video
from .poses import check_projection, read_poses_2d, read_poses_3d
from .raw_h36m import SequenceError


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
    if len(poses_2d) != len(poses_3d):
        note = f'{len(poses_2d)} frames of 2D poses, {len(poses_3d)} of 3D poses'
        if max(len(poses_2d), len(poses_3d)) - frames > MOST_LOST:
            raise SequenceError(f'{files["2D poses"]}, {files["3D poses"]}: {note}: download or unpack them again')
        note += f': the first {frames} are used'
    poses_2d, poses_3d = poses_2d[:frames], poses_3d[:frames]
    try:
        check_projection(poses_2d, poses_3d, camera)
    except SequenceError as error:
        raise SequenceError(f'{files["2D poses"]}, {files["3D poses"]}: {error}') from error
    windows = make_crops(poses_2d, poses_3d, camera) if crops else None
    video = sample_video(files['video'], camera, windows) if 'video' in files else None
    return Inspected(poses_2d, poses_3d, windows, video, note)
