"""The video of a result: people drawn over the frames, beside a rotating 3D view."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np

from depth_refine.structures.video_poses import VideoPoses
from depth_refine.utils.errors import InputError

from .drawing import WHITE, bone_colors, draw_bones, draw_dot, draw_text, text_width
from .mp4 import write_mp4
from .scene_view import SceneView, person_color, position_of

_SIDE = 640  # px, the longer side of the drawn frames
_VIEW = (360, 480)  # px, smallest and largest width of the 3D view


def write_overlay_video(poses: VideoPoses, frames: Iterable[np.ndarray], path: str | Path) -> None:
    """Write an MP4 that browsers play: everyone's skeleton over the video, beside the refined poses in 3D.

    Frames keep the times of the video. The 3D view rotates once in 14 seconds, starting at the camera. Bones have the
    colours of their sides, joints and trunk the person's colour. The file appears when it is complete.

    Args:
        poses: the people of the video.
        frames: its upright frames, (H, W, 3) uint8 BGR; a generator is consumed frame by frame.
        path: the file, ending in '.mp4'.

    Raises:
        InputError: the frames are not those of ``poses``, or ``path`` does not end in '.mp4'.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> from depth_refine.structures import H36M, PoseTrack, VideoPoses
        >>> from depth_refine.visualization import write_overlay_video
        >>> frames, boxes, scores = np.arange(3), np.ones((3, 4)), np.ones((3, 17))
        >>> pixels, joints = np.full((3, 17, 2), 30.0), np.random.default_rng(0).normal(size=(3, 17, 3))
        >>> person = PoseTrack(0, frames, boxes, scores, pixels, None, None, None, joints, frames < 0)
        >>> poses = VideoPoses('clip', H36M, (64, 48), frames / 25, tracks=[person])
        >>> images = np.zeros((3, 48, 64, 3), np.uint8)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_overlay_video(poses, images, f'{folder}/overlay.mp4')
    """
    size = fitted_size(poses.size, _SIDE)
    height = max(size[1], _VIEW[0])
    view = SceneView(poses, (min(height, _VIEW[1]), height))
    top = (height - size[1]) // 2

    def images() -> Iterator[tuple[float, np.ndarray]]:
        for index, frame in enumerate(checked_frames(poses, frames, path)):
            image = resized(frame, size)
            draw_overlay(image, poses, index)
            image = cv2.copyMakeBorder(image, top, height - size[1] - top, 0, 0, cv2.BORDER_CONSTANT)
            yield poses.times[index] - poses.times[0], np.hstack([image, view.draw(index)])

    write_mp4(images(), path, poses.fps)


def checked_frames(poses: VideoPoses, frames: Iterable[np.ndarray], path: str | Path) -> Iterator[np.ndarray]:
    """The frames of a video, one by one, after a check that they are those of the poses.

    Raises:
        InputError: a frame's size or the number of frames differ from the poses'.
    """
    width, height = poses.size
    count = 0
    for count, image in enumerate(frames, start=1):
        if image.shape != (height, width, 3) or count > len(poses.times):
            break
        yield image
    else:
        if count == len(poses.times):
            return
    last = f', frame {count - 1} of shape {image.shape}' if count else ''
    raise InputError(
        f'cannot write {path}: expected the {len(poses.times)} frames of {poses.video}, each of shape '
        f'{(height, width, 3)}, got {count} frames{last}. Give the frames that the poses were made from.'
    )


def draw_overlay(image: np.ndarray, poses: VideoPoses, frame: int) -> None:
    """Draw everyone's 2D joints over one frame: bones in the colours of their sides, joints in the person's colour.

    An interpolated person has thin bones, and the label says so.

    Args:
        image: (H, W, 3) uint8 BGR, the whole frame at any scale; drawn on.
        poses: the people.
        frame: the frame's number.
    """
    height, width = image.shape[:2]
    for track in poses.tracks:
        position = position_of(track, frame)
        if position is None:
            continue
        color, guessed = person_color(track), track.is_interpolated[position]
        points = (track.keypoints[position] + 0.5) * [width, height] / poses.size - 0.5  # whole numbers: pixel centres
        colors, edge = bone_colors(poses.skeleton, color), None if guessed else WHITE
        draw_bones(image, points, poses.skeleton, colors, 1 if guessed else 3, edge)
        for point in points:
            draw_dot(image, point, color, 2.5)
        label = f'person {track.track_id}' + ', interpolated' * bool(guessed)  # above the head, inside the image
        length = text_width(label, 0.42) + 10
        x = int(np.clip(points[:, 0].mean() - length / 2, 0, max(width - length, 0)))
        y = int(np.clip(points[:, 1].min() - 26, 0, max(height - 18, 0)))
        image[y : y + 18, x : x + length] = color[::-1]
        draw_text(image, label, (x + 5, y + 13), 0.42, WHITE)


def fitted_size(size: tuple[int, int], side: int) -> tuple[int, int]:
    """Even width and height with nearly the aspect ratio of ``size`` (width, height), the longer one ``side``, px."""
    return tuple(max(2, 2 * round(length * side / max(size) / 2)) for length in size)


def resized(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """An image scaled to a width and height without aliasing."""
    shrinks = size[0] < image.shape[1]
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
