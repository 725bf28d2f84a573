"""Figures of poses for papers, with Matplotlib."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from depth_refine.structures.skeleton import Skeleton
from depth_refine.structures.video_poses import VideoPoses
from depth_refine.utils.atomic import whole_file
from depth_refine.utils.errors import InputError

from .overlay_video import checked_frames
from .pose_frame import SIDE_COLORS, TRUTH_COLOR, PoseFrame, bone_sides, css
from .pose_strip import image_panel

_TICK_MM = 500


def plot_pose_comparison(rows: Sequence[PoseFrame], path: str | Path) -> None:
    """Draw a figure with a row for each frame: the image with 2D joints, the true pose if known, and each prediction.

    All 3D views of a row share one viewpoint and scale. Predictions are drawn over the true pose in grey, with their
    errors above them (MPJPE, root at the origin).

    Args:
        rows: the frames, with the same names of predictions, which become the columns' titles, and all with truth or
            all without.
        path: the figure; its suffix chooses the format, for example '.png' or '.pdf'.

    Raises:
        InputError: there are no rows, or they differ in their names of predictions or in whether truth is known.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> from depth_refine.structures import H36M
        >>> from depth_refine.visualization import PoseFrame, plot_pose_comparison
        >>> truth = np.random.default_rng(0).normal(size=(17, 3))  # metres
        >>> row = PoseFrame(H36M, None, None, truth, dict(refined=1.1 * truth), 'S9 Walking, frame 120')
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     plot_pose_comparison([row], f'{folder}/figure.svg')
    """
    names = [[*(['ground truth'] if row.truth is not None else []), *row.predictions] for row in rows]
    if not rows or any(columns != names[0] for columns in names):
        raise InputError(f'cannot draw {path}: expected rows with the same poses, got {names}')
    with rc_context({'grid.color': '0.85', 'grid.linewidth': 0.6}):  # the only way to set them for 3D axes
        figure = _draw_figure(rows, 1 + len(names[0]))
    with whole_file(path) as partial:
        figure.savefig(partial, dpi=130, bbox_inches='tight')


def write_pose_figure(poses: VideoPoses, frames: Iterable[np.ndarray], path: str | Path) -> None:
    """Draw a figure of four frames of the person with the longest track: image, truth if known, first stage, refined.

    The frames are spread evenly over the time in which the person was found.

    Args:
        poses: the people of the video.
        frames: its upright frames, (H, W, 3) uint8 BGR; a generator is consumed frame by frame.
        path: the figure; its suffix chooses the format; '.pdf' and '.svg' keep the skeletons as lines.

    Raises:
        InputError: nobody was found, or the frames are not those of ``poses``.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> from depth_refine.structures import H36M, PoseTrack, VideoPoses
        >>> from depth_refine.visualization import write_pose_figure
        >>> frames, boxes, scores = np.arange(1), np.ones((1, 4)), np.ones((1, 17))
        >>> pixels, joints = np.full((1, 17, 2), 30.0), np.random.default_rng(0).normal(size=(1, 17, 3))
        >>> person = PoseTrack(0, frames, boxes, scores, pixels, None, None, None, joints, frames < 0)
        >>> poses = VideoPoses('clip', H36M, (64, 48), frames / 25, tracks=[person])
        >>> images = np.zeros((1, 48, 64, 3), np.uint8)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_pose_figure(poses, images, f'{folder}/figure.svg')
    """
    if not poses.tracks:
        raise InputError(f'cannot draw {path}: no person was found in {poses.video}')
    track = max(poses.tracks, key=lambda track: len(track.frames))
    found = np.flatnonzero(~track.is_interpolated)
    chosen = found[np.unique(np.linspace(0, len(found) - 1, 4 + 2).round().astype(int)[1:-1])]
    numbers = track.frames[chosen]
    images = [image for i, image in enumerate(checked_frames(poses, frames, path)) if i in numbers]
    rows = []
    for image, position in zip(images, chosen, strict=True):
        stages = {'first stage': track.keypoints_3d_first, 'refined': track.keypoints_3d}
        predictions = {name: pose[position] for name, pose in stages.items() if pose is not None}
        truth = None if track.truth is None else track.truth[position]
        title = f'{poses.times[track.frames[position]] - poses.times[0]:.2f} s'
        rows.append(PoseFrame(poses.skeleton, image, track.keypoints[position], truth, predictions, title))
    plot_pose_comparison(rows, path)


def _draw_figure(rows: Sequence[PoseFrame], columns: int) -> Figure:
    figure = Figure(figsize=(2.9 * columns, 2.9 * len(rows) + 0.5), layout='constrained')  # inches
    figure.get_layout_engine().set(h_pad=0.12)  # inches; the layout ignores tick labels of 3D axes
    for index, row in enumerate(rows):
        truth, errors = row.relative_truth(), row.errors_mm()
        poses = ({} if truth is None else {'ground truth': truth}) | row.relative_predictions()
        limits = _limits(list(poses.values()))
        first = index * columns + 1
        axes = figure.add_subplot(len(rows), columns, first)
        axes.imshow(image_panel(row, 360, crop=True)[..., ::-1])
        axes.set_title(row.title, fontsize=10)
        axes.set_axis_off()
        for offset, (name, pose) in enumerate(poses.items(), start=1):
            axes = figure.add_subplot(len(rows), columns, first + offset, projection='3d')
            title = f'{name}\nMPJPE {errors[name]:.0f} mm' if name in errors else name
            _draw_pose(axes, row.skeleton, pose, truth if name in errors else None, limits, title)
    colors = {**SIDE_COLORS, **({'ground truth behind predictions': TRUTH_COLOR} if errors else {})}
    lines = [Line2D([], [], color=css(color), linewidth=3, label=label) for label, color in colors.items()]
    figure.legend(handles=lines, loc='outside lower center', ncols=len(lines), frameon=False, fontsize=9)
    return figure


def _plot_axes(pose: np.ndarray) -> np.ndarray:
    """Points (..., 3) in Matplotlib's axes, mm, of camera-axes metres: depth into the figure, height, -y, upwards."""
    return 1000 * pose[..., [0, 2, 1]] * [1, 1, -1]


def _limits(poses: list[np.ndarray]) -> np.ndarray:
    """Limits (3, 2) of Matplotlib's axes, mm, for all poses, horizontally centred on the root."""
    points = _plot_axes(np.concatenate(poses))
    sideways = max(np.abs(points[:, :2]).max(), 1.2 * _TICK_MM) + 50
    return np.array([[-sideways, sideways], [-sideways, sideways], [points[:, 2].min() - 20, points[:, 2].max() + 20]])


def _draw_pose(
    axes, skeleton: Skeleton, pose: np.ndarray, ghost: np.ndarray | None, limits: np.ndarray, title: str
) -> None:
    """Draw a root-relative pose (K, 3), metres, over a second one in grey."""
    if ghost is not None:
        _draw_bones(axes, skeleton, ghost, [TRUTH_COLOR] * len(skeleton.bones), 1.8)
    _draw_bones(axes, skeleton, pose, [SIDE_COLORS[side] for side in bone_sides(skeleton)], 2.4)
    for name, label, (low, high) in zip('xyz', ('x', 'depth z', 'up, −y'), limits, strict=True):
        ticks = np.arange(-(-low // _TICK_MM), high / _TICK_MM) * _TICK_MM
        axes.set(**{f'{name}lim': (low, high), f'{name}ticks': ticks})
        axis = getattr(axes, f'{name}axis')
        axis.set_label_text(f'{label} (mm)', fontsize=7)
        axis.labelpad = -8
        axis.set_pane_color((0.97, 0.97, 0.97))
    axes.tick_params(labelsize=6, pad=-3)
    axes.set_box_aspect(np.ptp(limits, axis=1), zoom=1.1)
    axes.view_init(elev=12, azim=-50)
    axes.set_title(title, fontsize=10)


def _draw_bones(axes, skeleton: Skeleton, pose: np.ndarray, colors: list, width: float) -> None:
    points = _plot_axes(pose)
    for bone, color in zip(map(list, skeleton.bones), colors, strict=True):
        axes.plot(*points[bone].T, color=css(color), linewidth=width, solid_capstyle='round')
