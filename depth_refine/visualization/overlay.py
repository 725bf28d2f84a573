"""The people of a video drawn over its frames."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from depth_refine.structures.video_poses import PoseTrack, VideoPoses
from depth_refine.utils.errors import InputError

from .drawing import WHITE, bone_colors, draw_bones, draw_dot, draw_text, text_width
from .pose_frame import PERSON_COLORS


def checked_frames(poses: VideoPoses, frames: Iterable[np.ndarray], path: str | Path) -> Iterator[np.ndarray]:
    """The frames of a video one by one, which must be those the poses are of.

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


def person_color(track: PoseTrack) -> tuple[int, int, int]:
    """Red, green, blue of a person, the same in every picture."""
    return PERSON_COLORS[track.track_id % len(PERSON_COLORS)]


def position_of(track: PoseTrack, frame: int) -> int | None:
    """Where a frame of the video is in a track's arrays, or None if the person is not in it."""
    position = frame - int(track.frames[0])
    return position if 0 <= position < len(track.frames) else None


def draw_overlay(picture: np.ndarray, poses: VideoPoses, frame: int) -> None:
    """Draw everyone's 2D joints over a picture of one frame: bones in the colours of the sides, joints in the person's.

    Where a person is interpolated, the bones are thin and the label says so.

    Args:
        picture: (H, W, 3) uint8 BGR of any size, the frame's whole image; drawn on.
        poses: the people.
        frame: the frame's number.
    """
    scale = np.array([picture.shape[1], picture.shape[0]]) / poses.size
    for track in poses.tracks:
        position = position_of(track, frame)
        if position is None:
            continue
        color, guessed = person_color(track), track.is_interpolated[position]
        points = (track.keypoints[position] + 0.5) * scale - 0.5  # positions count from the centres of pixels
        draw_bones(picture, points, bone_colors(color), 1 if guessed else 3, None if guessed else WHITE)
        for point in points:
            draw_dot(picture, point, color, 2.5)
        _draw_label(picture, points, f'person {track.track_id}' + ', interpolated' * bool(guessed), color)


def _draw_label(picture: np.ndarray, points: np.ndarray, text: str, color: tuple[int, int, int]) -> None:
    """Write a name on its colour above the head, inside the picture."""
    height, width = picture.shape[:2]
    size = text_width(text, 0.42) + 10
    x = int(np.clip(points[:, 0].mean() - size / 2, 0, max(width - size, 0)))
    y = int(np.clip(points[:, 1].min() - 26, 0, max(height - 18, 0)))
    picture[y : y + 18, x : x + size] = color[::-1]
    draw_text(picture, text, (x + 5, y + 13), 0.42, WHITE)
