"""Videos of poses."""

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from depth_refine.atomic import whole_file
from depth_refine.errors import InputError

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
        InputError: there is no frame, ``path`` does not end in '.mp4', the number of predictions changes, or OpenCV
            cannot write the file.
    """
    path = Path(path)
    if path.suffix != '.mp4':
        raise InputError(f"cannot write the video {path}: expected a name that ends in '.mp4'")
    writer = size = None
    with whole_file(path) as partial:
        try:
            for index, frame in enumerate(frames):
                azimuth = 50 - 35 * np.cos(2 * np.pi * index / fps / _SWING_SECONDS)
                strip = draw_strip(frame, azimuth, crop=False)
                if writer is None:
                    size = strip.shape[1::-1]
                    writer = cv2.VideoWriter(str(partial), cv2.VideoWriter_fourcc(*'mp4v'), fps, size)
                    if not writer.isOpened():
                        raise InputError(f"cannot write the video {path}: OpenCV's MPEG-4 encoder did not open")
                if strip.shape[1::-1] != size:
                    raise InputError(
                        f'cannot write the video {path}: expected the same predictions in every frame, got '
                        f'{len(frame.predictions)} in frame {index} and another number before'
                    )
                writer.write(strip)
            if writer is None:
                raise InputError(f'cannot write the video {path}: there are no frames')
        finally:
            if writer is not None:
                writer.release()
