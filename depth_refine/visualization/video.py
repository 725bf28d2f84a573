"""Videos of poses."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from .mp4 import mp4_writer
from .pose_frame import PoseFrame
from .pose_strip import draw_strip

_SWING_SECONDS = 8


def write_pose_video(frames: Iterable[PoseFrame], path: str | Path, fps: float) -> None:
    """Write an MP4: the input with 2D joints beside 3D views of the predictions and of the truth.

    The viewer swings slowly between 15 and 85 degrees around the person, so that errors in depth, which the camera
    cannot see, show. The file appears when it is complete.

    Args:
        frames: what to draw, all with the same names of predictions; a generator is consumed frame by frame.
        path: the file, ending in '.mp4'.
        fps: frames per second.

    Raises:
        InputError: there is no frame, ``path`` does not end in '.mp4', or the number of predictions changes.
    """
    with mp4_writer(path, fps) as writer:
        for index, frame in enumerate(frames):
            azimuth = 50 - 35 * np.cos(2 * np.pi * index / fps / _SWING_SECONDS)
            writer.write(draw_strip(frame, azimuth, crop=False), index / fps)
