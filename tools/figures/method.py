"""The figure of the method."""

import itertools
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib.collections import LineCollection
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import ConnectionPatch

from depth_refine.datasets import H36MAnnotation
from depth_refine.datasets.transforms import LoadReadableImage
from depth_refine.structures import H36M
from depth_refine.utils.atomic import whole_file
from depth_refine.visualization.pose_frame import SIDE_COLORS, bone_sides, css

_SHOWN, _SPAN = 3, 25  # frames, from so many: half a second
_FIELD, _KERNEL = 27, 3
_DEPTH_COLORS = ListedColormap(colormaps['plasma_r'](np.linspace(0.15, 1, 256)))  # near to far; none is near white
_PARTS = 8  # of a bone, each in the colour of its depth


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
    depths = annotation.keypoints_3d[..., 2] - annotation.keypoints_3d[:, :1, 2]
    video = max(annotation.sequences, key=lambda each: depths[each.rows[0]].std()).rows[:_SPAN]  # much depth to see
    rows = video[np.linspace(0, len(video) - 1, _SHOWN).astype(int)]
    figure = Figure(figsize=(8.3, 2.6), dpi=150)
    grid = figure.add_gridspec(1, 4, width_ratios=[1.1, 1.1, 1.4, 1.2], left=0.005, right=0.96, top=0.87, bottom=0.14)
    columns = [figure.add_subplot(grid[0]), figure.add_subplot(grid[1])]
    _draw_frames(columns, annotation, rows, depths[rows], data_root / 'images')
    network = figure.add_subplot(grid[2])
    _draw_network(network)
    _draw_pose(figure.add_subplot(grid[3], projection='3d'), annotation.keypoints_3d[rows[0]])
    titles = {
        'Video': 0.1,
        'Stage 1, per frame:\n2D joints and their depths': 0.333,
        'Stage 2, over time:\ndilated ConvNet, trained with noise': 0.593,
        '3D pose': 0.86,
    }
    for title, at in titles.items():
        figure.text(at, 0.97, title, ha='center', va='top', fontsize=8.5)
    for at in (0.217, 0.455, 0.738):
        arrow = ConnectionPatch(
            (at - 0.012, 0.45), (at + 0.012, 0.45), 'figure fraction', arrowstyle='->', linewidth=1.6
        )
        figure.add_artist(arrow)
    with whole_file(path) as partial:
        figure.savefig(partial)


def _draw_frames(columns: list, annotation: H36MAnnotation, rows: np.ndarray, depth: np.ndarray, folder: Path) -> None:
    """Draw frames, the first before the others: as they are, then pale with joints in the colours of their depths."""
    load, joints = LoadReadableImage(), annotation.keypoints[rows]
    low, high = joints.min((0, 1)), joints.max((0, 1))
    side = 1.15 * (high - low).max() / 2
    (left, top), (right, bottom) = ((low + high) / 2 + shift for shift in (-side, side))
    for axes in columns:
        axes.set(xlim=(left, right + 0.55 * side), ylim=(bottom, top - 0.55 * side), aspect='equal')
        axes.set_axis_off()
    for index, row in enumerate(rows):
        image = load(dict(img_path=str(folder / annotation.img_names[row].decode())))['img'][..., ::-1]
        shift, order = 0.27 * side * index, 2 * (len(rows) - index)
        height, width = image.shape[:2]
        frame = np.array([max(left, 0), min(right, width), min(bottom, height), max(top, 0)])
        x1, x2, y2, y1 = frame.astype(int)
        for axes, shade in zip(columns, (1.0, 0.2), strict=True):
            pale = 255 - (shade * (255 - image[y1:y2, x1:x2].astype(float))).astype(int)
            extent = frame + [shift, shift, -shift, -shift]
            axes.imshow(pale, extent=extent, zorder=order)
            axes.plot(extent[[0, 1, 1, 0, 0]], extent[[2, 2, 3, 3, 2]], color='0.5', linewidth=0.8, zorder=order)
        points = np.hstack([joints[index] + [shift, -shift], depth[index, :, None]])
        ends = points[np.array(H36M.bones)]
        at = np.linspace(0, 1, _PARTS + 1)[:, None]
        lines = (ends[:, :1] * (1 - at) + ends[:, 1:] * at)[:, :, None]  # (bones, _PARTS + 1, 1, 3)
        lines = np.concatenate([lines[:, :-1], lines[:, 1:]], axis=2).reshape(-1, 2, 3)
        style = dict(cmap=_DEPTH_COLORS, clim=(depth.min(), depth.max()), zorder=order + 1)
        columns[1].add_collection(
            LineCollection(lines[..., :2], array=lines[..., 2].mean(axis=1), linewidth=2, capstyle='round', **style)
        )
        spots = columns[1].scatter(*points[:, :2].T, c=points[:, 2], s=14, **style)
    bar = columns[1].figure.colorbar(
        spots, cax=columns[1].inset_axes((0.16, -0.09, 0.47, 0.045)), orientation='horizontal'
    )
    bar.set_label('depth from the hip (m)', fontsize=7, labelpad=1)
    bar.ax.tick_params(labelsize=7, pad=2)
    for text, x, side in (('near ', 0, 'right'), (' far', 1, 'left')):
        bar.ax.text(x, 0.4, text, ha=side, va='center', fontsize=7, transform=bar.ax.transAxes)


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
    axes.text(
        _FIELD / 2 - 0.5, -0.45, f"{_FIELD} frames: each joint's pixel and depth", ha='center', va='top', fontsize=7.5
    )
    axes.text(_FIELD / 2 - 0.5, len(levels) - 0.8, 'the middle frame in 3D', ha='center', fontsize=7.5)
    axes.set(xlim=(-1, _FIELD), ylim=(-0.9, len(levels) - 0.4))
    axes.set_axis_off()


def _draw_pose(axes, pose: np.ndarray) -> None:
    points = (pose - pose[0])[:, [0, 2, 1]] * [1, 1, -1]
    for (parent, child), side in zip(H36M.bones, bone_sides(H36M), strict=True):
        axes.plot(*points[[parent, child]].T, color=css(SIDE_COLORS[side]), linewidth=2.5, solid_capstyle='round')
    axes.set(xlim=(-0.7, 0.7), ylim=(-0.7, 0.7), zlim=(-0.95, 0.75))
    for axis, label in ((axes.xaxis, 'x (m)'), (axes.yaxis, 'depth (m)'), (axes.zaxis, 'height (m)')):
        axis.set_ticks([-0.5, 0, 0.5])
        axis.set_tick_params(labelsize=7, pad=-3)
        axis.set_label_text(label, fontsize=7)
        axis.labelpad = -8
    axes.set_box_aspect((1.4, 1.4, 1.7), zoom=1.12)
    axes.view_init(elev=14, azim=-45)
