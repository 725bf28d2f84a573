"""Fast drawing with OpenCV: the image with 2D joints beside orthographic 3D views.

About 2 ms for a strip of four panels, where Matplotlib takes hundreds. All images are (H, W, 3) uint8 BGR.
"""

import cv2
import numpy as np

from depth_refine.functional.skeleton import BONES

from .pose_frame import BONE_SIDES, SIDE_COLORS, TRUTH_COLOR, PoseFrame

PANEL = 340  # px, side of a square panel
_CAPTION = 52  # px, height of the text above a panel
_METRES = 2.3  # what a panel shows, from edge to edge
_ELEVATION = np.radians(12)
_GRID = 0.5  # metres between lines
_INK, _LINES, _EMPTY = (60, 50, 50), (225, 220, 215), (240, 238, 235)
_SHIFT = 4  # fractional bits of pixel positions: without them slow motion jumps from pixel to pixel


def draw_strip(frame: PoseFrame, azimuth: float, crop: bool) -> np.ndarray:
    """Draw a frame: image with overlay, then each prediction over the grey truth, then the truth.

    Args:
        frame: what to draw.
        azimuth: degrees by which the viewer walks around the person, 0 at the camera, 90 where depth runs sideways.
        crop: show the square around the keypoints instead of the whole image.

    Returns:
        (422, 340 * (2 + predictions), 3) picture.
    """
    truth = frame.relative_truth()
    errors = frame.errors_mm()
    panels = [_captioned(image_panel(frame, PANEL, crop), 'input', '')]
    for name, pose in frame.relative_predictions().items():
        panels.append(_captioned(_pose_panel(pose, truth, azimuth), name, f'MPJPE {errors[name]:.0f} mm'))
    panels.append(_captioned(_pose_panel(truth, None, azimuth), 'ground truth', f'grid {1000 * _GRID:.0f} mm'))
    strip = np.hstack(panels)
    footer = np.full((30, strip.shape[1], 3), 255, np.uint8)
    _text(footer, frame.title, (10, 20), 0.45, _INK)
    x = strip.shape[1] - 10
    legend = {**SIDE_COLORS, 'truth behind predictions': TRUTH_COLOR} if errors else SIDE_COLORS
    for label, color in reversed(legend.items()):
        x -= _text_width(label, 0.45)
        _text(footer, label, (x, 20), 0.45, _INK)
        cv2.line(footer, (x - 26, 16), (x - 6, 16), color[::-1], 4, cv2.LINE_AA)
        x -= 40
    return np.vstack([strip, footer])


def image_panel(frame: PoseFrame, size: int, crop: bool) -> np.ndarray:
    """Fit the image, or the square around its keypoints, into (size, size, 3) and draw the keypoints over it."""
    if frame.image is None:
        panel = np.full((size, size, 3), _EMPTY, np.uint8)
        _text(panel, 'no image', (size // 2 - _text_width('no image', 0.5) // 2, size // 2), 0.5, _INK)
        return panel
    height, width = frame.image.shape[:2]
    centre, side = np.array([width, height]) / 2, max(width, height)
    if crop and frame.keypoints is not None:
        low, high = frame.keypoints.min(axis=0), frame.keypoints.max(axis=0)
        # A joint far outside must not shrink the image to a dot.
        centre, side = (low + high) / 2, int(np.clip(1.25 * np.max(high - low), 16, 3 * side))
    corner = np.round(centre - side / 2).astype(int)
    region = np.full((side, side, 3), _EMPTY, np.uint8)
    (left, right), (top, bottom) = (
        np.clip([at, at + side], 0, end) for at, end in zip(corner, (width, height), strict=True)
    )
    target = region[top - corner[1] : bottom - corner[1], left - corner[0] : right - corner[0]]
    target[:] = frame.image[top:bottom, left:right]
    panel = cv2.resize(region, (size, size), interpolation=cv2.INTER_AREA if size < side else cv2.INTER_CUBIC)
    if frame.keypoints is not None:
        points = (frame.keypoints - corner + 0.5) * size / side - 0.5  # pixel positions count from pixel centres
        _bones(panel, points, range(len(BONES)), None, thickness=2, outline=(255, 255, 255))
    return panel


def _pose_panel(pose: np.ndarray, ghost: np.ndarray | None, azimuth: float) -> np.ndarray:
    """Draw a root-relative pose (17, 3), and behind it in grey another one, on a grid at the lowest true joint."""
    panel = np.full((PANEL, PANEL, 3), 255, np.uint8)
    reference = pose if ghost is None else ghost
    _floor(panel, reference[:, 1].max(), azimuth)
    if ghost is not None:
        points, _ = _view(ghost, azimuth)
        _bones(panel, points, range(len(BONES)), TRUTH_COLOR[::-1], thickness=3)
    points, depth = _view(pose, azimuth)
    far_to_near = np.argsort([-depth[list(bone)].mean() for bone in BONES])
    _bones(panel, points, far_to_near, None, thickness=3, outline=(255, 255, 255))
    return panel


def _view(points: np.ndarray, azimuth: float) -> tuple[np.ndarray, np.ndarray]:
    """Camera-axes metres (..., 3) to panel pixels (..., 2) and depth from the viewer (...)."""
    x, y, z = np.moveaxis(points, -1, 0)
    cos, sin = np.cos(np.radians(azimuth)), np.sin(np.radians(azimuth))
    x, z = cos * x + sin * z, cos * z - sin * x
    cos, sin = np.cos(_ELEVATION), np.sin(_ELEVATION)
    y, z = cos * y - sin * z, cos * z + sin * y
    return np.stack([x, y], axis=-1) * PANEL / _METRES + PANEL / 2, z


def _floor(panel: np.ndarray, level: float, azimuth: float) -> None:
    """A square grid in the camera's x and z at y = ``level``, with the directions of x and depth at a corner."""
    ticks = np.array([-1.5, -0.5, 0.5, 1.5]) * _GRID
    ends = np.array([[tick, level, end] for tick in ticks for end in ticks[[0, -1]]]).reshape(-1, 2, 3)
    for line in np.concatenate([ends, ends[..., [2, 1, 0]]]):
        _line(panel, *_view(line, azimuth)[0], _LINES, 1)
    for axis, label in ((0, 'x'), (2, 'depth z')):
        edge = np.array([[ticks[0], level, ticks[0]]] * 2)
        edge[1, axis] += _GRID
        (start, end), _ = _view(edge, azimuth)
        _line(panel, start, end, (120, 110, 110), 2)
        x, y = np.round(end).astype(int)
        _text(panel, label, (min(max(x, 2), PANEL - _text_width(label, 0.38) - 2), y + 13), 0.38, (120, 110, 110))


def _bones(panel, points, order, color, thickness, outline=None) -> None:
    """Draw bones in the given order, in ``color`` or in the colours of the sides, optionally with an outline."""
    for index in order:
        start, end = points[list(BONES[index])]
        if outline is not None:
            _line(panel, start, end, outline, thickness + 3)
        _line(panel, start, end, color or SIDE_COLORS[BONE_SIDES[index]][::-1], thickness)


def _line(panel: np.ndarray, start: np.ndarray, end: np.ndarray, color: tuple, thickness: int) -> None:
    ends = (tuple(int(v) for v in np.round(point * 2**_SHIFT)) for point in (start, end))
    cv2.line(panel, *ends, color, thickness, cv2.LINE_AA, _SHIFT)


def _captioned(panel: np.ndarray, name: str, detail: str) -> np.ndarray:
    """Put two lines of text above a panel."""
    caption = np.full((_CAPTION, PANEL, 3), 255, np.uint8)
    _text(caption, name, (10, 22), 0.55, _INK)
    _text(caption, detail, (10, 43), 0.45, _INK)
    return np.vstack([caption, panel])


def _text(image: np.ndarray, text: str, origin: tuple[int, int], scale: float, color: tuple) -> None:
    cv2.putText(image, text, origin, cv2.FONT_HERSHEY_SIMPLEX, scale, color, 1, cv2.LINE_AA)


def _text_width(text: str, scale: float) -> int:
    return cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)[0][0]
