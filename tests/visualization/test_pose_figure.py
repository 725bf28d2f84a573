from dataclasses import replace

import cv2
import numpy as np
import pytest
from matplotlib.figure import Figure

from depth_refine.utils.errors import InputError
from depth_refine.visualization import plot_pose_comparison


@pytest.fixture
def saved_figures(monkeypatch):
    """Figures handed to savefig, which still writes them."""
    figures, savefig = [], Figure.savefig
    monkeypatch.setattr(Figure, 'savefig', lambda self, *args, **kw: (figures.append(self), savefig(self, *args, **kw)))
    return figures


def test_rows_and_columns(frame, tmp_path, saved_figures):
    plot_pose_comparison([frame, frame], tmp_path / 'poses.png')
    height, width = cv2.imread(str(tmp_path / 'poses.png')).shape[:2]
    assert width > 1000 and height > 500
    (figure,) = saved_figures
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == ['S9 Posing, frame 7', 'ground truth', 'first stage\nMPJPE 47 mm', 'refined\nMPJPE 0 mm'] * 2


def test_axes_are_millimetres_with_people_upright(frame, tmp_path, saved_figures):
    plot_pose_comparison([frame], tmp_path / 'poses.png')
    truth = saved_figures[0].axes[1]
    assert [truth.get_xlabel(), truth.get_ylabel(), truth.get_zlabel()] == ['x (mm)', 'depth z (mm)', 'up, −y (mm)']
    drawn = np.concatenate([np.transpose(line.get_data_3d()) for line in truth.lines])
    relative = 1000 * (frame.truth - frame.truth[0])
    assert {tuple(point) for point in drawn.round(6)} == {(x, z, -y + 0.0) for x, y, z in relative.round(6).tolist()}
    for name in 'xyz':
        limits = [getattr(axes, f'get_{name}lim')() for axes in saved_figures[0].axes[1:]]
        assert limits[0] == limits[1] == limits[2], 'views of a row share their scale'


def test_without_truth(frame, tmp_path, saved_figures):
    plot_pose_comparison([replace(frame, truth=None)], tmp_path / 'poses.png')
    (figure,) = saved_figures
    assert [axes.get_title() for axes in figure.axes] == ['S9 Posing, frame 7', 'first stage', 'refined']
    assert [len(axes.lines) for axes in figure.axes[1:]] == [16, 16], 'nothing lies behind the predictions'
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ['left', 'right', 'trunk']


def test_refused_without_leaving_anything(frame, tmp_path):
    with pytest.raises(InputError, match=r'expected rows with the same poses, got \[\]'):
        plot_pose_comparison([], tmp_path / 'poses.png')
    other = type(frame)(None, None, frame.truth, {'refined': frame.truth})
    with pytest.raises(
        InputError, match=r"got \[\['ground truth', 'first stage', 'refined'\], \['ground truth', 'refined'\]\]"
    ):
        plot_pose_comparison([frame, other], tmp_path / 'poses.png')
    with pytest.raises(ValueError, match='not supported'):
        plot_pose_comparison([frame], tmp_path / 'poses.unknown')
    assert not list(tmp_path.iterdir())
