"""The video of a result: people drawn over the frames, beside a turning 3D view."""

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from depth_refine.structures.video_poses import VideoPoses

from .mp4 import mp4_writer
from .overlay import checked_frames, draw_overlay
from .scene_view import SceneView

_SIDE = 640  # px, the longer side of the drawn frames
_VIEW = (360, 480)  # px, from the least to the greatest width of the 3D view


def write_overlay_video(poses: VideoPoses, frames: Iterable[np.ndarray], path: str | Path) -> None:
    """Write an MP4 that browsers play: everyone's skeleton over the video, beside the refined poses in 3D.

    Each frame is shown when it is in the video. The 3D view turns once in 14 seconds, starting at the camera. Bones
    have the colours of their sides, joints and trunk the person's. The file appears when it is complete.

    Args:
        poses: the people of the video.
        frames: its upright frames, (H, W, 3) uint8 BGR; a generator is consumed frame by frame.
        path: the file, ending in '.mp4'.

    Raises:
        InputError: the frames are not those of ``poses``, or ``path`` does not end in '.mp4'.
    """
    size = fitted_size(poses.size, _SIDE)
    height = max(size[1], _VIEW[0])
    view = SceneView(poses, (min(max(size[1], _VIEW[0]), _VIEW[1]), height))
    top = (height - size[1]) // 2
    with mp4_writer(path, poses.fps) as writer:
        for index, image in enumerate(checked_frames(poses, frames, path)):
            picture = resized(image, size)
            draw_overlay(picture, poses, index)
            picture = cv2.copyMakeBorder(picture, top, height - size[1] - top, 0, 0, cv2.BORDER_CONSTANT)
            writer.write(np.hstack([picture, view.draw(index)]), poses.times[index] - poses.times[0])


def fitted_size(size: tuple[int, int], side: int) -> tuple[int, int]:
    """Even width and height near the proportions of ``size`` (width, height) with the longer one ``side``, px."""
    return tuple(max(2, 2 * round(length * side / max(size) / 2)) for length in size)


def resized(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Scale an image to a width and height, smoothly either way."""
    shrinks = size[0] < image.shape[1]
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
