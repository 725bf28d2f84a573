import cv2
import numpy as np
import pytest
from mmpose.registry import TRANSFORMS

WIDTH, HEIGHT = 61, 47


@pytest.fixture
def frame():
    """Smooth, so that a resized crop stays close to it, and nowhere black."""
    coarse = np.random.default_rng(0).integers(60, 255, (4, 5, 3), np.uint8)
    return cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)


@pytest.fixture
def load(tmp_path):
    def load_crop(image, window=None, **kwargs):
        cv2.imwrite(str(tmp_path / 'image.png'), image)
        results = dict(img_path=str(tmp_path / 'image.png'))
        if window is not None:
            results.update(crop_window=np.array(window, np.float32), frame_size=(WIDTH, HEIGHT))
        return TRANSFORMS.build(dict(type='LoadReadableImage', **kwargs))(results)

    return load_crop


def test_full_frame(frame, load):
    results = load(frame)
    np.testing.assert_array_equal(results['img'], frame)
    assert results['img_shape'] == results['ori_shape'] == (HEIGHT, WIDTH)


@pytest.mark.parametrize('window', [(10, 5, 40, 44), (0, 0, WIDTH, HEIGHT), (60, 46, 61, 47), (0, 20, 1, 21)])
def test_crop_goes_back_where_it_was(frame, load, window):
    x1, y1, x2, y2 = window
    expected = np.zeros_like(frame)
    for y in range(y1, y2):
        for x in range(x1, x2):
            expected[y, x] = frame[y, x]
    results = load(frame[y1:y2, x1:x2], window)
    np.testing.assert_array_equal(results['img'], expected)
    assert results['img_shape'] == results['ori_shape'] == (HEIGHT, WIDTH)


@pytest.mark.parametrize('stored_size', [(20, 26), (60, 78)])
def test_crop_of_another_size_is_resized(frame, load, stored_size):
    """Stored smaller or larger than the window of 30 x 39 px: corners and middle stay where they were."""
    stored = cv2.resize(frame[5:44, 10:40], stored_size, interpolation=cv2.INTER_AREA)
    img = load(stored, (10, 5, 40, 44))['img']
    np.testing.assert_allclose(img[5:44, 10:40].astype(float), frame[5:44, 10:40], atol=12)
    np.testing.assert_allclose(img[5:44, 10:40].mean((0, 1)), frame[5:44, 10:40].mean((0, 1)), atol=0.5)
    img[5:44, 10:40] = 0
    assert not img.any()


@pytest.mark.parametrize('window', [(-7, -3, 23, 36), (50, 30, 80, 69), (-70, 5, -40, 44), (70, 5, 100, 44)])
def test_what_lies_outside_the_frame_is_lost(load, window):
    crop = np.random.default_rng(1).integers(1, 255, (39, 30, 3), np.uint8)
    x1, y1, _, _ = window
    expected = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for y in range(39):
        for x in range(30):
            if 0 <= y1 + y < HEIGHT and 0 <= x1 + x < WIDTH:
                expected[y1 + y, x1 + x] = crop[y, x]
    np.testing.assert_array_equal(load(crop, window)['img'], expected)


def test_grey_and_float_images(frame, load):
    results = load(frame[5:44, 10:40], (10, 5, 40, 44), color_type='grayscale', to_float32=True)
    assert results['img'].shape[:2] == (HEIGHT, WIDTH) and results['img'].dtype == np.float32
    assert results['img'][20, 20] == pytest.approx(frame[20, 20] @ [0.114, 0.587, 0.299], abs=1)
