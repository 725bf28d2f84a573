import cv2
import numpy as np
import pytest
from mmpose.registry import TRANSFORMS

from depth_refine.utils.errors import InputError

WIDTH, HEIGHT = 61, 47


@pytest.fixture
def frame():
    """Smooth, so that a resized crop stays close to it, and nowhere black."""
    coarse = np.random.default_rng(0).integers(60, 255, (4, 5, 3), np.uint8)
    return cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)


@pytest.fixture
def load(tmp_path):
    def load_crop(image, window=None, changes=None, **kwargs):
        cv2.imwrite(str(tmp_path / 'image.png'), image)
        results = dict(img_path=str(tmp_path / 'image.png'))
        if window is not None:
            results.update(crop_window=np.array(window, np.float32), frame_size=(WIDTH, HEIGHT))
        results.update(changes or {})
        return TRANSFORMS.build(dict(type='LoadReadableImage', **kwargs))(results)

    return load_crop


def test_full_frame(frame, load):
    results = load(frame)
    np.testing.assert_array_equal(results['img'], frame)
    assert results['img_shape'] == results['ori_shape'] == (HEIGHT, WIDTH)


@pytest.mark.parametrize(
    'window',
    [
        *[(10, 5, 40, 44), (0, 0, WIDTH, HEIGHT), (60, 46, 61, 47)],  # inside
        *[(-7, -3, 23, 36), (50, 30, 80, 69), (-70, 5, -40, 44), (70, 5, 100, 44)],  # what lies outside is lost
    ],
)
def test_crop_goes_back_where_it_was(load, window):
    x1, y1, x2, y2 = window
    crop = np.random.default_rng(1).integers(1, 255, (y2 - y1, x2 - x1, 3), np.uint8)
    expected = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for y in range(max(y1, 0), min(y2, HEIGHT)):
        for x in range(max(x1, 0), min(x2, WIDTH)):
            expected[y, x] = crop[y - y1, x - x1]
    results = load(crop, window)
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


def test_grey_and_float_images(frame, load):
    results = load(frame[5:44, 10:40], (10, 5, 40, 44), color_type='grayscale', to_float32=True)
    assert results['img'].shape[:2] == (HEIGHT, WIDTH) and results['img'].dtype == np.float32
    assert results['img'][20, 20] == pytest.approx(frame[20, 20] @ [0.114, 0.587, 0.299], abs=1)


@pytest.mark.parametrize('content', [None, b'', b'not an image'])
def test_image_that_cannot_be_read(tmp_path, content):
    path = tmp_path / 'a.jpg'
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=f'cannot read the image {path}: expected a JPEG or PNG file'):
        TRANSFORMS.build(dict(type='LoadReadableImage'))(dict(img_path=str(path)))


def test_frames_have_the_size_of_their_camera(frame, load):
    larger = cv2.resize(frame, (1000, 1002))
    load(larger, changes=dict(camera_param=dict(w=1000, h=1000)))  # one of Human3.6M's
    for width, height in ((500, 501), (1002, 990), (1000, 1020)):
        with pytest.raises(InputError, match=rf'image.png has 1000 x 1002 px, and its camera {width} x {height} px'):
            load(larger, changes=dict(camera_param=dict(w=width, h=height)))
