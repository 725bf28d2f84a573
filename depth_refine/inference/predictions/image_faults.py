"""Faults that are the same in all frames: exchanged sides, mirrored and rotated images.

Each has a function that undoes it. All take and give poses (n, 17, 2), px, in frames of a width and height, px.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from .pose_distances import FLIP


class ImageFault(NamedTuple):
    """A fault that one change of all poses undoes."""

    name: str  # a sentence
    undo: Callable[[np.ndarray, int, int], np.ndarray]
    advice: str  # a sentence


def exchange_sides(poses: np.ndarray, width: int, height: int) -> np.ndarray:
    """Left joints become right ones."""
    return poses[:, FLIP]


def mirror_x(poses: np.ndarray, width: int, height: int) -> np.ndarray:
    """The left edge becomes the right one; left joints stay left ones."""
    return poses * [-1, 1] + [width, 0]


def mirror_y(poses: np.ndarray, width: int, height: int) -> np.ndarray:
    """The upper edge becomes the lower one."""
    return poses * [1, -1] + [0, height]


def mirror_video(poses: np.ndarray, width: int, height: int) -> np.ndarray:
    """Joints in a mirrored video, whose left hands are right ones."""
    return exchange_sides(mirror_x(poses, width, height), width, height)


def turn_by_180_degrees(poses: np.ndarray, width: int, height: int) -> np.ndarray:
    """The upper left corner becomes the lower right one."""
    return [width, height] - poses


def exchange_axes(poses: np.ndarray, width: int, height: int) -> np.ndarray:
    """Right becomes down, and down right."""
    return poses[..., ::-1]


def turn_clockwise(poses: np.ndarray, width: int, height: int) -> np.ndarray:
    """The upper left corner becomes the upper right one."""
    return mirror_x(exchange_axes(poses, width, height), width, height)


def turn_anticlockwise(poses: np.ndarray, width: int, height: int) -> np.ndarray:
    """The upper left corner becomes the lower left one."""
    return mirror_y(exchange_axes(poses, width, height), width, height)


_UPRIGHT = 'Expected pixels of upright frames, as players show them'

IMAGE_FAULTS = (
    ImageFault(
        'Left and right are exchanged in the predictions',
        exchange_sides,
        "Expected the person's own left; exchange the sides, or state another joint order",
    ),
    ImageFault(
        'x of the predictions runs from the right edge',
        mirror_x,
        'Expected x from the left edge; mirror it',
    ),
    ImageFault(
        'The predictions are of a mirrored video',
        mirror_video,
        'Give the video that they were predicted on, or mirror x and exchange the sides',
    ),
    ImageFault(
        'y of the predictions runs from the lower edge',
        mirror_y,
        'Expected y from the upper edge; mirror it',
    ),
    ImageFault(
        'The predictions are upside down',
        turn_by_180_degrees,
        f'{_UPRIGHT}; rotate them by 180 degrees',
    ),
    ImageFault(
        'x and y of the predictions are exchanged',
        exchange_axes,
        'Expected x, then y',
    ),
    ImageFault(
        'The predictions are rotated by 90 degrees, anticlockwise',
        turn_clockwise,
        f'{_UPRIGHT}; rotate them clockwise',
    ),
    ImageFault(
        'The predictions are rotated by 90 degrees, clockwise',
        turn_anticlockwise,
        f'{_UPRIGHT}; rotate them anticlockwise',
    ),
)
