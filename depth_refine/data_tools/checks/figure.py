"""A figure of random frames with their 2D joints and their projected 3D joints."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from depth_refine.structures.skeleton import Skeleton
from depth_refine.utils.atomic import whole_file
from depth_refine.visualization.pose_frame import SIDE_COLORS, bone_sides

_COLUMNS = 4
_CELL = 3.6  # inches
_MARGIN = 0.65  # of the box's side, from its centre to the edge of the axes
_RING = dict(marker='o', markersize=9, markerfacecolor='none', markeredgecolor='#ffd500', markeredgewidth=1.3)
_CROSS = dict(marker='+', markersize=8, markeredgecolor='#00e5ff', markeredgewidth=1.3)
_BOX_COLOR = '#7cfc00'
_COLORS = {side: np.divide(color, 255) for side, color in SIDE_COLORS.items()}


class CheckedFrame(NamedTuple):
    """One frame of the figure."""

    title: str
    skeleton: Skeleton
    image: np.ndarray | None  # (H, W, 3) uint8 BGR
    crop: np.ndarray | None  # (4,) x1 y1 x2 y2 px, the part of the full frame that the image shows; None: all of it
    keypoints: np.ndarray  # (K, 2) px, NaN if not known
    projected: np.ndarray  # (K, 2) px, NaN if not known, or behind the camera
    box: np.ndarray  # (4,) x1 y1 x2 y2 px


def draw_check_figure(frames: Sequence[CheckedFrame], path: str | Path) -> None:
    """Draw a figure of one frame or more, each around its box, on grey where there is no image.

    The joints of the first frame of each skeleton are named.

    Args:
        frames: at least one.
        path: the figure; its suffix chooses the format.
    """
    rows = -(-len(frames) // _COLUMNS)
    figure = Figure(figsize=(_CELL * _COLUMNS, (_CELL + 0.35) * rows + 0.5), layout='constrained')
    for index, frame in enumerate(frames):
        axes = figure.add_subplot(rows, _COLUMNS, index + 1)
        _draw(axes, frame)
        if index == 0 or frame.skeleton is not frames[index - 1].skeleton:
            _name_joints(axes, frame)
    handles = [
        Line2D([], [], linestyle='none', **_RING, label='2D joints (part)'),
        Line2D([], [], linestyle='none', **_CROSS, label='projected 3D joints (S)'),
        *(Line2D([], [], color=_COLORS[side], label=f"the person's {side}") for side in ('left', 'right')),
        Line2D([], [], color=_BOX_COLOR, linestyle='--', label='box'),
    ]
    legend = figure.legend(handles=handles, loc='outside lower center', ncols=len(handles), fontsize=10)
    legend.get_frame().set_facecolor('0.45')  # the markers are bright, to be visible on images
    for text in legend.get_texts():
        text.set_color('white')
    with whole_file(path) as partial:
        figure.savefig(partial, dpi=110)


def _name_joints(axes, frame: CheckedFrame) -> None:
    """Write the names of the joints in the colours of their sides."""
    for name, side, place in zip(frame.skeleton.joint_names, frame.skeleton.sides, frame.keypoints, strict=True):
        if np.isfinite(place).all():
            axes.annotate(
                name, place, (5, 3), textcoords='offset points', fontsize=5, color='white',
                bbox=dict(facecolor=_COLORS[side], edgecolor='none', pad=0.4, alpha=0.75), annotation_clip=True,
            )  # fmt: skip


def _draw(axes, frame: CheckedFrame) -> None:
    if frame.image is not None:
        height, width = frame.image.shape[:2]
        window = np.array([0, 0, width, height]) if frame.crop is None else frame.crop
        x1, y1, x2, y2 = window - 0.5  # from centres of pixels to their edges
        axes.imshow(cv2.cvtColor(frame.image, cv2.COLOR_BGR2RGB), extent=(x1, x2, y2, y1))
    for bone, side in zip(frame.skeleton.bones, bone_sides(frame.skeleton), strict=True):
        axes.plot(*frame.keypoints[list(bone)].T, color=_COLORS[side], linewidth=1.5, alpha=0.9)
    axes.plot(*frame.keypoints.T, linestyle='none', **_RING)
    axes.plot(*frame.projected.T, linestyle='none', **_CROSS)
    corner, far = frame.box[:2], frame.box[2:]
    axes.add_patch(Rectangle(corner, *(far - corner), fill=False, edgecolor=_BOX_COLOR, linestyle='--', linewidth=0.9))
    (x, y), half = (corner + far) / 2, max((far - corner).max() * _MARGIN, 8)
    axes.set(
        xlim=(x - half, x + half), ylim=(y + half, y - half), xticks=[], yticks=[], facecolor='0.5', aspect='equal'
    )
    distances = np.linalg.norm(frame.projected - frame.keypoints, axis=-1)
    apart = f'at most {np.nanmax(distances, initial=0.001):.3g} px apart'
    if (lost := int(np.isnan(distances).sum())) and lost < len(distances):
        apart += f', {lost} joints hidden or behind the camera'
    elif lost:
        apart = 'nothing to compare'
    no_image = '' if frame.image is not None else ', no image'
    axes.set_title(f'{frame.title}\n{apart}{no_image}', fontsize=8.5)
