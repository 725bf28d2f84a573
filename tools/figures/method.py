"""The figure of the method."""

import itertools
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import ConnectionPatch

from depth_refine.datasets import H36MAnnotation
from depth_refine.datasets.transforms import LoadReadableImage
from depth_refine.structures import H36M
from depth_refine.utils.atomic import whole_file
from depth_refine.visualization.pose_frame import SIDE_COLORS, bone_sides, css

_SHOWN = 3  # frames, half a second of the first video
_FIELD, _KERNEL = 27, 3
_DEPTHS = dict(cmap='coolwarm', vmin=-0.5, vmax=0.5)  # metres


def draw_method(data_root: Path, path: Path) -> None:
    """Draw frames, true joints with true depths, the temporal network and the 3D pose.

    Args:
        data_root: of :func:`depth_refine.synthetic.make_synthetic`, with images.
        path: the figure.

    Raises:
        InputError: the data cannot be read.
    """
    folder = data_root / 'annotation_body3d'
    annotation = H36MAnnotation(folder / 'fps50/h36m_test.npz', folder / 'cameras.pkl')
    video = annotation.sequences[0].rows[:25]
    rows = video[np.linspace(0, len(video) - 1, _SHOWN).astype(int)]
    figure = Figure(figsize=(11, 3.1), dpi=110)
    grid = figure.add_gridspec(1, 4, width_ratios=[1.1, 1.1, 1.5, 1], left=0.01, right=0.99, top=0.8, bottom=0.13)
    _draw_frames([figure.add_subplot(grid[0]), figure.add_subplot(grid[1])], annotation, rows, data_root / 'images')
    network = figure.add_subplot(grid[2])
    _draw_network(network)
    _draw_pose(figure.add_subplot(grid[3], projection='3d'), annotation.keypoints_3d[rows[1]])
    titles = {
        'Video': 0.115,
        'Stage 1, per frame\n2D joints and their depths': 0.355,
        'Stage 2, over time\ndilated ConvNet; noise in training': 0.64,
        '3D pose': 0.89,
    }
    for title, at in titles.items():
        figure.text(at, 0.97, title, ha='center', va='top', fontsize=10)
    for at in (0.235, 0.485, 0.785):
        arrow = ConnectionPatch(
            (at - 0.012, 0.45), (at + 0.012, 0.45), 'figure fraction', arrowstyle='->', linewidth=1.6
        )
        figure.add_artist(arrow)
    with whole_file(path) as partial:
        figure.savefig(partial)


def _draw_frames(columns: list, annotation: H36MAnnotation, rows: np.ndarray, folder: Path) -> None:
    """Draw frames one behind the other: first as they are, then pale with joints in the colours of their depths."""
    load, joints = LoadReadableImage(), annotation.keypoints[rows]
    depth = annotation.keypoints_3d[rows][..., 2] - annotation.keypoints_3d[rows][:, :1, 2]
    low, high = joints.min((0, 1)), joints.max((0, 1))
    side = 1.15 * (high - low).max() / 2
    (left, top), (right, bottom) = ((low + high) / 2 + shift for shift in (-side, side))
    for axes in columns:
        axes.set(xlim=(left, right + 0.55 * side), ylim=(bottom, top - 0.55 * side), aspect='equal')
        axes.set_axis_off()
    for index, row in enumerate(rows):
        image = load(dict(img_path=str(folder / annotation.img_names[row].decode())))['img'][..., ::-1]
        shift, order = 0.27 * side * (len(rows) - 1 - index), 2 * index
        height, width = image.shape[:2]
        frame = np.array([max(left, 0), min(right, width), min(bottom, height), max(top, 0)])
        x1, x2, y2, y1 = frame.astype(int)
        for axes, shade in zip(columns, (1.0, 0.25), strict=True):
            pale = 255 - (shade * (255 - image[y1:y2, x1:x2].astype(float))).astype(int)
            extent = frame + [shift, shift, -shift, -shift]
            axes.imshow(pale, extent=extent, zorder=order)
            axes.plot(extent[[0, 1, 1, 0, 0]], extent[[2, 2, 3, 3, 2]], color='0.5', linewidth=0.8, zorder=order)
        place, axes = joints[index] + [shift, -shift], columns[1]
        for bone in map(list, H36M.bones):
            axes.plot(*place[bone].T, color='0.45', linewidth=1, zorder=order + 1)
        style = dict(_DEPTHS, s=16, edgecolors='0.3', linewidths=0.4, zorder=order + 1.5)
        spots = axes.scatter(*place.T, c=depth[index], **style)
    bar = axes.figure.colorbar(spots, ax=axes, orientation='horizontal', fraction=0.045, pad=0.02, shrink=0.6)
    bar.set_label('depth relative to the root (m)', fontsize=7, labelpad=1)
    bar.ax.tick_params(labelsize=6)


def _draw_network(axes) -> None:
    """Draw the frames that one output depends on, layer by layer."""
    levels = [np.arange(_FIELD)]
    while len(levels[-1]) > 1:
        levels.append(levels[-1].reshape(-1, _KERNEL)[:, 1])
    for level, (inputs, outputs) in enumerate(itertools.pairwise(levels)):
        for index, output in enumerate(outputs):
            for frame in inputs[index * _KERNEL : (index + 1) * _KERNEL]:
                axes.plot([frame, output], [level, level + 1], color='0.6', linewidth=0.8)
    for level, frames in enumerate(levels):
        axes.scatter(frames, np.full(len(frames), level), s=14, color='C0' if level else 'C1', zorder=3)
    axes.text(_FIELD / 2 - 0.5, -0.45, f'{_FIELD} frames of u, v, depth', ha='center', va='top', fontsize=8)
    axes.set(xlim=(-1, _FIELD), ylim=(-0.9, len(levels) - 0.7))
    axes.set_axis_off()


def _draw_pose(axes, pose: np.ndarray) -> None:
    points = (pose - pose[0])[:, [0, 2, 1]] * [1, 1, -1]
    for (parent, child), side in zip(H36M.bones, bone_sides(H36M), strict=True):
        axes.plot(*points[[parent, child]].T, color=css(SIDE_COLORS[side]), linewidth=2.5, solid_capstyle='round')
    axes.set(xlim=(-0.7, 0.7), ylim=(-0.7, 0.7), zlim=(-0.95, 0.75), xticklabels=[], yticklabels=[], zticklabels=[])
    axes.set_box_aspect((1.4, 1.4, 1.7), zoom=1.35)
    axes.view_init(elev=12, azim=-50)
