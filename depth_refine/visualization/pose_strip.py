"""A strip of panels, drawn with OpenCV: the image with 2D joints beside orthographic 3D views.

A strip of four panels takes about 2 ms; Matplotlib needs hundreds. All images are (H, W, 3) uint8 BGR.
"""

import cv2
import numpy as np

from depth_refine.structures.skeleton import Skeleton

from .drawing import (
    EMPTY,
    GRID,
    LINES,
    WHITE,
    bone_colors,
    draw_bones,
    draw_legend,
    draw_line,
    draw_text,
    text_width,
    turned,
)
from .pose_frame import SIDE_COLORS, TRUTH_COLOR, PoseFrame, box_around

PANEL = 340  # px, side of a square panel
_CAPTION = 52  # px, height of the text above a panel
_SIZE = (PANEL, PANEL)
_SHOWN = 2.3  # metres across a panel; more if a joint would be outside
_AXES = (110, 110, 120)


def draw_strip(frame: PoseFrame, azimuth: float, crop: bool) -> np.ndarray:
    """The strip of a frame: its image with 2D joints, each prediction over the grey truth, and the truth if known.

    Args:
        frame: to draw.
        azimuth: degrees of the viewer around the person: 0 at the camera, 90 where depth runs sideways.
        crop: show the square around the frame's box instead of the whole image.

    Returns:
        Image (422, 340 * (2 + predictions), 3); without truth one panel less.
    """
    truth, predictions = frame.relative_truth(), frame.relative_predictions()
    errors = frame.errors_mm()
    reach = [np.linalg.norm(pose, axis=-1).max() for pose in (predictions.values() if truth is None else [truth])]
    scale = PANEL / max(_SHOWN, 2.1 * max(reach, default=0))  # px per metre
    grid = f'grid {1000 * GRID:.0f} mm'
    panels = [_captioned(image_panel(frame, PANEL, crop), *frame.image_caption)]
    for name, pose in predictions.items():
        detail = f'MPJPE {errors[name]:.0f} mm' if errors else grid
        panels.append(_captioned(_pose_panel(frame.skeleton, pose, truth, azimuth, scale), name, detail))
    if truth is not None:
        panels.append(_captioned(_pose_panel(frame.skeleton, truth, None, azimuth, scale), 'ground truth', grid))
    strip = np.hstack(panels)
    footer = np.full((30, strip.shape[1], 3), 255, np.uint8)
    draw_text(footer, frame.title, (10, 20), 0.45)
    legend = {**SIDE_COLORS, 'truth behind predictions': TRUTH_COLOR} if errors else SIDE_COLORS
    draw_legend(footer, legend, strip.shape[1] - 10, 20, 0.45)
    return np.vstack([strip, footer])


def image_panel(frame: PoseFrame, size: int, crop: bool) -> np.ndarray:
    """The image, or the square around its box, as a panel (size, size, 3) with the keypoints drawn over it.

    Without an image, the keypoints are drawn alone, in the square.
    """
    corner, side = _window(frame, size, crop)
    if frame.image is None:
        panel = np.full((size, size, 3), EMPTY[::-1], np.uint8)
        draw_text(panel, 'no image', (10, size - 12), 0.45)
    else:
        height, width = frame.image.shape[:2]
        region = np.full((side, side, 3), EMPTY[::-1], np.uint8)
        left, top = np.clip(corner, 0, (width, height))
        right, bottom = np.clip(corner + side, 0, (width, height))
        target = region[top - corner[1] : bottom - corner[1], left - corner[0] : right - corner[0]]
        target[:] = frame.image[top:bottom, left:right]
        panel = cv2.resize(region, (size, size), interpolation=cv2.INTER_AREA if size < side else cv2.INTER_CUBIC)
    if frame.keypoints is not None:
        points = (frame.keypoints - corner + 0.5) * size / side - 0.5  # whole numbers are pixel centres
        draw_bones(panel, points, frame.skeleton, bone_colors(frame.skeleton), thickness=2, outline=WHITE)
    return panel


def _window(frame: PoseFrame, size: int, crop: bool) -> tuple[np.ndarray, int]:
    """The top left corner (2,) and the side of the square that a panel shows, whole px of the image."""
    height, width = (size, size) if frame.image is None else frame.image.shape[:2]
    centre, side = np.array([width, height]) / 2, max(width, height)
    box = frame.box
    if box is None and frame.keypoints is not None:
        box = box_around(frame.keypoints)
    if box is not None and (crop or frame.image is None):
        # a joint far outside must not shrink the image to a dot
        limit = 1e6 if frame.image is None else 3 * side
        low, high = box[:2], box[2:]
        centre, side = (low + high) / 2, int(np.clip(np.max(high - low), 16, limit))
    return np.round(centre - side / 2).astype(int), side


def _pose_panel(
    skeleton: Skeleton, pose: np.ndarray, ghost: np.ndarray | None, azimuth: float, scale: float
) -> np.ndarray:
    """A panel of a root-relative pose (K, 3), over another one in grey, on a grid at the lowest true joint."""
    panel = np.full((PANEL, PANEL, 3), 255, np.uint8)
    _floor(panel, (pose if ghost is None else ghost)[:, 1].max(), azimuth, scale)
    if ghost is not None:
        colors = [TRUTH_COLOR] * len(skeleton.bones)
        draw_bones(panel, turned(ghost, azimuth, scale, _SIZE)[0], skeleton, colors, thickness=3)
    points, depth = turned(pose, azimuth, scale, _SIZE)
    draw_bones(panel, points, skeleton, bone_colors(skeleton), thickness=3, outline=WHITE, depth=depth)
    return panel


def _floor(panel: np.ndarray, level: float, azimuth: float, scale: float) -> None:
    """Draw a square grid in the camera's x and z at y = ``level``, with the directions of x and depth at a corner."""
    ticks = np.array([-1.5, -0.5, 0.5, 1.5]) * GRID
    ends = np.array([[tick, level, end] for tick in ticks for end in ticks[[0, -1]]]).reshape(-1, 2, 3)
    for line in np.concatenate([ends, ends[..., [2, 1, 0]]]):
        draw_line(panel, *turned(line, azimuth, scale, _SIZE)[0], LINES, 1)
    for axis, label in ((0, 'x'), (2, 'depth z')):
        edge = np.array([[ticks[0], level, ticks[0]]] * 2)
        edge[1, axis] += GRID
        (start, end), _ = turned(edge, azimuth, scale, _SIZE)
        draw_line(panel, start, end, _AXES, 2)
        x, y = np.round(end).astype(int)
        draw_text(panel, label, (min(max(x, 2), PANEL - text_width(label, 0.38) - 2), y + 13), 0.38, _AXES)


def _captioned(panel: np.ndarray, name: str, detail: str) -> np.ndarray:
    """A panel with two lines of text above it."""
    caption = np.full((_CAPTION, PANEL, 3), 255, np.uint8)
    draw_text(caption, name, (10, 22), 0.55)
    draw_text(caption, detail, (10, 43), 0.45)
    return np.vstack([caption, panel])
