import cv2
import numpy as np
import pytest

from depth_refine.data_tools.checks.picture import CheckedFrame, draw_check_picture


@pytest.fixture
def frame():
    """Joints on a line across the box, the image white."""
    keypoints = np.stack([np.linspace(30, 70, 17), np.linspace(20, 60, 17)], axis=-1)
    image = np.full((90, 120, 3), 255, np.uint8)
    return CheckedFrame('S1_A.1_000001', image, None, keypoints, keypoints + 10, np.array([25, 15, 75, 65.0]))


def draw(frames, path):
    draw_check_picture(frames, path)
    return cv2.imread(str(path)).astype(int)


def count(picture, bgr):
    return np.sum(np.abs(picture - bgr).max(axis=-1) < 12)


def test_what_is_drawn(tmp_path, frame):
    picture = draw([frame], tmp_path / 'a.png')
    for color in ([0, 213, 255], [255, 229, 0], [0, 252, 124]):  # rings, crosses, box
        assert count(picture, color) > 100
    assert count(draw([frame._replace(projected=frame.keypoints * np.nan)], tmp_path / 'a.png'), [255, 229, 0]) < 100


def test_missing_image_is_grey(tmp_path, frame):
    assert count(draw([frame], tmp_path / 'a.png'), [128] * 3) < 2000
    assert count(draw([frame._replace(image=None)], tmp_path / 'a.png'), [128] * 3) > 50000


def test_a_crop_lies_where_it_was_cut_out(tmp_path, frame):
    """Stored at half size, it looks like the full frame that it was cut from; the rest is grey."""
    full = frame.image.copy()
    full[30:50, 40:60] = 0
    crop = cv2.resize(full[16:64, 20:84], (32, 24), interpolation=cv2.INTER_NEAREST)
    expected = draw([frame._replace(image=full)], tmp_path / 'a.png')
    drawn = draw([frame._replace(image=crop, crop=np.array([20, 16, 84, 64]))], tmp_path / 'a.png')
    dark = np.argwhere((expected == 0).all(axis=-1) & (np.indices(expected.shape[:2])[0] > 60))
    low, high = np.percentile(dark, [5, 95], axis=0).astype(int)
    assert (drawn[low[0] : high[0], low[1] : high[1]] == 0).all(axis=-1).mean() > 0.5
    assert np.abs(drawn - expected)[low[0] : high[0], low[1] : high[1]].mean() < 2
    assert count(drawn, [128] * 3) > 10000
