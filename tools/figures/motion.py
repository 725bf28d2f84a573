"""An animated figure of a person before and after refinement, without the video's frames."""

import itertools
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from depth_refine.structures import H36M
from depth_refine.utils.atomic import whole_file
from depth_refine.utils.errors import InputError
from depth_refine.visualization.drawing import (
    GRID,
    INK,
    LINES,
    WHITE,
    bone_colors,
    draw_bones,
    draw_dot,
    draw_line,
    turned,
)
from depth_refine.visualization.pose_frame import SIDE_COLORS, css

_SIZE, _DPI = np.array([820, 310]), 100  # px, as large as README shows it
_PANEL, _TOP = np.array([260, 270]), 24  # px, of each pose, below its title; the curves are beside the two
_STEP, _DURATION = 1 / 30, 60  # seconds of the video from frame to frame, and milliseconds for which a frame is shown
_AZIMUTH = 75.0  # degrees: depth runs sideways
_TRACED = H36M.joint_names.index('right_foot')  # whose depth is drawn over time, and its way behind it
_TRACE = 0.5  # seconds of its way
_STAGES = {  # title and colour by key
    'root_relative_first_stage_m': ('first stage, frame by frame', (200, 40, 140)),
    'root_relative_m': ('refined, over time', (0, 135, 95)),
}
_SHADES = 1.0, 0.55, 0.2  # of each colour on white: a GIF of 16 colours is half the size of one of 256


class _View(NamedTuple):
    """A view of a pose: what is seen in its middle (3,), px per metre, px to the right of the figure's left."""

    middle: np.ndarray
    scale: float
    left: int

    def __call__(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Pixels (..., 2) and distances (...), metres, of points (..., 3) in metres."""
        pixels, distances = turned(points - self.middle, _AZIMUTH, self.scale, _PANEL)
        return pixels + [self.left, _TOP], distances


def draw_motion(poses: dict[str, np.ndarray], path: Path, truth: np.ndarray | None = None) -> None:
    """Draw the first person of a ``poses.npz``, before and after refinement, as an endless GIF.

    The root stays in its place, and the view is still: what shakes is what the poses' errors shake.

    Args:
        poses: the file's arrays.
        path: the GIF.
        truth: (T, 17, 3) metres, camera frame, of the same frames; its depth is drawn, too.

    Raises:
        InputError: there is no person, or the joints are not Human3.6M's.
    """
    if not len(poses.get('track_id', ())) or tuple(poses['joint_names'].tolist()) != H36M.joint_names:
        raise InputError("expected the poses of a person with Human3.6M's joints, as tools/infer_video.py writes them")
    rows = poses['track_id'] == poses['track_id'][0]
    times = poses['time_s'][rows] - poses['time_s'][rows][0]
    stages = np.stack([poses[key][rows].astype(float) for key in _STAGES])
    low, high = stages.min((0, 1, 2)), stages.max((0, 1, 2))
    scale = 0.78 * _PANEL[1] / (high - low)[1]
    views = [_View((low + high) / 2, scale, index * _PANEL[0]) for index in range(len(stages))]
    known = None if truth is None else truth[:, _TRACED, 2] - truth[:, H36M.root, 2]
    background, axes = _background(times, stages[:, :, _TRACED, 2], known)
    for view in views:
        _draw_floor(background, view, high[1])
    frames = []
    for time in np.arange(0, times[-1] + 1e-9, _STEP):
        image, frame = background.copy(), np.abs(times - time).argmin()
        first = np.searchsorted(times, times[frame] - _TRACE)
        for view, stage, (_, color) in zip(views, stages, _STAGES.values(), strict=True):
            _draw_pose(image, view, stage[first : frame + 1], color)
        _draw_time(image, axes, times[frame], stages[:, frame, _TRACED, 2])
        frames.append(Image.fromarray(image[..., ::-1]).quantize(palette=_palette(), dither=Image.Dither.NONE))
    options = dict(save_all=True, append_images=frames[1:], duration=_DURATION, loop=0, optimize=True)
    with whole_file(path) as partial:
        frames[0].save(partial, format='GIF', **options)


def _palette() -> Image.Image:
    """White and shades of all colours, as Pillow wants them."""
    colors = np.array([*SIDE_COLORS.values(), *(color for _, color in _STAGES.values())])
    shades = np.concatenate([255 + shade * (colors - 255) for shade in _SHADES])
    image = Image.new('P', (1, 1))
    image.putpalette(np.vstack([WHITE, shades]).round().astype(np.uint8).tobytes())
    return image


def _background(times: np.ndarray, depths: np.ndarray, truth: np.ndarray | None) -> tuple[np.ndarray, Axes]:
    """An image (H, W, 3), BGR, of titles and depths (2, T), (T,) of a joint, metres, over times (T,), and its axes."""
    figure = Figure(figsize=_SIZE / _DPI, dpi=_DPI)
    canvas = FigureCanvasAgg(figure)
    left = len(_STAGES) * _PANEL[0] / _SIZE[0]
    axes = figure.add_axes((left + 0.075, 0.16, 0.995 - left - 0.075, 0.66))
    for index, (depth, (title, color)) in enumerate(zip(depths, _STAGES.values(), strict=True)):
        middle = (index + 0.5) * _PANEL[0] / _SIZE[0]
        figure.text(middle, 0.96, title, ha='center', va='top', weight='bold', color=css(color))
        figure.text(
            middle, 0.015, f'depth to the right, grid {1000 * GRID:.0f} mm', ha='center', fontsize=8, color=css(INK)
        )
        axes.plot(times, depth, color=css(color), linewidth=1.5, label=title.partition(',')[0])
    if truth is not None:
        axes.plot(times, truth, color=css(INK), linewidth=1.2, linestyle='--', label='measured')
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.4 * (high - low))  # room for the legend
    joint = H36M.joint_names[_TRACED].replace('_', ' ')
    axes.set_title(f'depth of the {joint},\nrelative to the hip (m)', fontsize=10)
    axes.set(xlabel='time (s)', xlim=(0, times[-1]))
    axes.spines[['top', 'right']].set_visible(False)
    axes.legend(loc='upper right', frameon=False, fontsize=9, borderaxespad=0)
    canvas.draw()
    return np.ascontiguousarray(np.asarray(canvas.buffer_rgba())[..., 2::-1]), axes


def _draw_floor(image: np.ndarray, view: _View, level: float) -> None:
    """Draw a grid at y = ``level``, metres, around the middle of the view."""
    ticks = np.array([-1.5, -0.5, 0.5, 1.5]) * GRID
    ends = np.array([[tick, 0, end] for tick in ticks for end in ticks[[0, -1]]]).reshape(-1, 2, 3)
    middle = np.array([view.middle[0], level, view.middle[2]])
    for line in np.concatenate([ends, ends[..., [2, 1, 0]]]) + middle:
        draw_line(image, *view(line)[0], LINES, 1)


def _draw_pose(image: np.ndarray, view: _View, poses: np.ndarray, color: tuple) -> None:
    """Draw the last of some poses (T, 17, 3), and the way of one joint."""
    pixels, distances = view(poses)
    draw_bones(image, pixels[-1], H36M, bone_colors(H36M), 3, WHITE, distances[-1])
    way = pixels[:, _TRACED]
    for start, end in itertools.pairwise(way):
        draw_line(image, start, end, color, 2)
    draw_dot(image, way[-1], color, 4)


def _draw_time(image: np.ndarray, axes: Axes, time: float, depths: np.ndarray) -> None:
    """Mark a time, seconds, and the depths (2,), metres, at it."""

    def place(depth: float) -> np.ndarray:
        x, y = axes.transData.transform((time, depth))
        return np.array([x, len(image) - y])

    bottom, top = axes.get_ylim()
    draw_line(image, place(bottom), place(top), INK, 1)
    for depth, (_, color) in zip(depths, _STAGES.values(), strict=True):
        draw_dot(image, place(depth), color, 4)
