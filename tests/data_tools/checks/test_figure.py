import cv2
import numpy as np
import pytest

from depth_refine.data_tools.checks.figure import CheckedFrame, draw_check_figure
from depth_refine.structures.skeleton import H36M


@pytest.fixture
def draw(tmp_path):
    """A function that draws a figure of a frame, by default of joints on a line across the box in a white image."""
    keypoints = np.stack([np.linspace(30, 70, 17), np.linspace(20, 60, 17)], axis=-1)
    frame = dict(title='S1_A.1_000001', skeleton=H36M, image=np.full((90, 120, 3), 255, np.uint8), crop=None)
    frame |= dict(keypoints=keypoints, projected=keypoints + 10, box=np.array([25, 15, 75, 65.0]))

    def draw(**changes):
        draw_check_figure([CheckedFrame(**(frame | changes))], tmp_path / 'a.png')
        return cv2.imread(str(tmp_path / 'a.png')).astype(int)

    return draw


def count(figure, bgr):
    return np.sum(np.abs(figure - bgr).max(axis=-1) < 12)


def test_markers_bones_and_box(draw):
    ring, cross, box, grey = [0, 213, 255], [255, 229, 0], [0, 252, 124], [128] * 3
    figure = draw()
    assert min(count(figure, color) for color in (ring, cross, box)) > 100 and count(figure, grey) < 2000
    figure = draw(image=None, projected=np.full((17, 2), np.nan))
    assert count(figure, cross) < 100 and count(figure, grey) > 50000


def test_a_crop_is_drawn_at_its_place(draw):
    """Stored at half size, it looks like the full frame that it was cut from; the rest is grey."""
    full = np.full((90, 120, 3), 255, np.uint8)
    full[30:50, 40:60] = 0
    crop = cv2.resize(full[16:64, 20:84], (32, 24), interpolation=cv2.INTER_NEAREST)
    expected, drawn = draw(image=full), draw(image=crop, crop=np.array([20, 16, 84, 64]))
    dark = np.argwhere((expected == 0).all(axis=-1) & (np.indices(expected.shape[:2])[0] > 60))
    low, high = np.percentile(dark, [5, 95], axis=0).astype(int)
    assert (drawn[low[0] : high[0], low[1] : high[1]] == 0).all(axis=-1).mean() > 0.5
    assert np.abs(drawn - expected)[low[0] : high[0], low[1] : high[1]].mean() < 2
    assert count(drawn, [128] * 3) > 10000
