"""Lines, bones and text drawn with OpenCV on (H, W, 3) uint8 BGR images.

Colours are red, green, blue as in :mod:`pose_frame`; the functions convert them to OpenCV's order.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from depth_refine.structures.skeleton import Skeleton

from .pose_frame import SIDE_COLORS, bone_sides

INK, LINES, EMPTY, WHITE = (50, 50, 60), (215, 220, 225), (235, 238, 240), (255, 255, 255)
ELEVATION = np.radians(12)
GRID = 0.5  # metres between the lines of a floor
_SHIFT = 4  # fractional bits of pixel positions, without which slow motion jumps from pixel to pixel


def turned(points: np.ndarray, azimuth: float, scale: float, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Points of an orthographic view from slightly above.

    Args:
        points: (..., 3) camera-axes metres around the centre of the view.
        azimuth: degrees of the viewer around the centre: 0 at the camera, 90 where depth runs sideways.
        scale: px per metre.
        size: width and height of the view, px.

    Returns:
        Pixels (..., 2), and distances (...) from the viewer, metres.
    """
    x, y, z = np.moveaxis(points, -1, 0)
    cos, sin = np.cos(np.radians(azimuth)), np.sin(np.radians(azimuth))
    x, z = cos * x + sin * z, cos * z - sin * x
    cos, sin = np.cos(ELEVATION), np.sin(ELEVATION)
    y, z = cos * y - sin * z, cos * z + sin * y
    return np.stack([x, y], axis=-1) * scale + np.array(size) / 2, z


def bone_colors(skeleton: Skeleton, trunk: tuple[int, int, int] = SIDE_COLORS['trunk']) -> list[tuple[int, int, int]]:
    """The colour of each bone: that of its side, or the given one of the trunk."""
    return [{**SIDE_COLORS, 'trunk': trunk}[side] for side in bone_sides(skeleton)]


def draw_bones(
    image: np.ndarray,
    points: np.ndarray,
    skeleton: Skeleton,
    colors: Sequence[tuple[int, int, int]],
    thickness: int,
    outline: tuple[int, int, int] | None = None,
    depth: np.ndarray | None = None,
) -> None:
    """Draw the bones of a person of K joints.

    Args:
        image: drawn on.
        points: (K, 2) px.
        skeleton: with the bones.
        colors: of the bones.
        thickness: px.
        outline: colour of an edge around each bone, which separates crossing bones.
        depth: (K,) distances from the viewer, metres, so that near bones cover far ones; by default later bones cover
            earlier ones.
    """
    bones = np.array(skeleton.bones, int).reshape(-1, 2)
    far_to_near = range(len(bones)) if depth is None else np.argsort(-depth[bones].mean(axis=1))
    for index in far_to_near:
        start, end = points[bones[index]]
        if outline is not None:
            draw_line(image, start, end, outline, thickness + 3)
        draw_line(image, start, end, colors[index], thickness)


def draw_line(image: np.ndarray, start: np.ndarray, end: np.ndarray, color: tuple, thickness: int) -> None:
    """Draw a smooth line between two positions (2,), px."""
    ends = (tuple(int(v) for v in np.round(point * 2**_SHIFT)) for point in (start, end))
    cv2.line(image, *ends, color[::-1], thickness, cv2.LINE_AA, _SHIFT)


def draw_dot(image: np.ndarray, point: np.ndarray, color: tuple, radius: float) -> None:
    """Draw a filled circle around a position (2,), px."""
    centre = tuple(int(v) for v in np.round(point * 2**_SHIFT))
    cv2.circle(image, centre, round(radius * 2**_SHIFT), color[::-1], cv2.FILLED, cv2.LINE_AA, _SHIFT)


def draw_text(image: np.ndarray, text: str, origin: tuple[int, int], scale: float, color: tuple = INK) -> None:
    """Draw a line of text whose baseline starts at ``origin``, px."""
    cv2.putText(image, text, origin, cv2.FONT_HERSHEY_SIMPLEX, scale, color[::-1], 1, cv2.LINE_AA)


def text_width(text: str, scale: float) -> int:
    """Width of a line of text, px."""
    return cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)[0][0]


def draw_legend(image: np.ndarray, colors: dict[str, tuple[int, int, int]], right: int, y: int, scale: float) -> None:
    """Draw labels, each beside a line of its colour, in one line of text that ends at ``right``, px."""
    for label, color in reversed(colors.items()):
        right -= text_width(label, scale)
        draw_text(image, label, (right, y), scale)
        draw_line(image, np.array([right - 26, y - 4]), np.array([right - 8, y - 4]), color, 4)
        right -= 40
