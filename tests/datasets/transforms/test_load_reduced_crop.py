"""Against loading at full size and MMPose's own crop."""

import cv2
import numpy as np
import pytest
from mmpose.datasets.transforms import TopdownAffine

from depth_refine.datasets.transforms import LoadReadableImage, LoadReducedCrop
from depth_refine.utils.errors import InputError

INPUT_SIZE = (24, 32)
WIDTH, HEIGHT = 301, 223  # divisible by no reduction


@pytest.fixture
def frame():
    """Smooth, so that neither averaging nor skipping pixels changes it much, but steep enough to show a shift."""
    coarse = np.random.default_rng(0).integers(20, 235, (6, 7, 3), np.uint8)
    return cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)


@pytest.fixture
def sample(frame, tmp_path):
    def make(side, name='image.jpg', **extra):
        cv2.imwrite(str(tmp_path / name), frame, [cv2.IMWRITE_JPEG_QUALITY, 100])
        rng = np.random.default_rng(1)
        return dict(
            img_path=str(tmp_path / name),
            bbox_center=np.array([[141.25, 103.5]], np.float32),
            bbox_scale=np.array([[side * 0.7, side]], np.float32),
            bbox_rotation=np.array([13.0], np.float32),
            keypoints=rng.uniform(0, 200, (1, 17, 3)).astype(np.float32),
            keypoints_visible=np.ones((1, 17), np.float32),
            **extra,
        )

    return make


def full_size(results):
    return TopdownAffine(INPUT_SIZE)(LoadReadableImage()(results))


@pytest.mark.parametrize(('side', 'reduction'), [(63, 1), (64, 2), (127, 2), (128, 4), (255, 4), (256, 8), (700, 8)])
def test_equals_full_size(sample, side, reduction):
    reduced, full = LoadReducedCrop(INPUT_SIZE)(sample(side)), full_size(sample(side))
    assert reduced['ori_shape'] == (-(-HEIGHT // reduction), -(-WIDTH // reduction))
    assert reduced['img'].shape == full['img'].shape
    inside = cv2.erode(full['img'].max(2), np.ones((3, 3))) > 0  # at the frame's edge blocks and black mix
    difference = reduced['img'][inside].astype(float) - full['img'][inside]
    assert np.abs(difference).mean() < 1.5 and np.quantile(np.abs(difference), 0.99) < 8
    for key in ('bbox_center', 'bbox_scale', 'keypoints', 'input_center', 'input_scale', 'keypoints_visible'):
        np.testing.assert_array_equal(reduced[key], full[key], err_msg=key)
    np.testing.assert_allclose(reduced['transformed_keypoints'], full['transformed_keypoints'], atol=1e-4)


def test_a_block_lands_where_its_middle_is(tmp_path):
    """A bright block of 8 px that is one reduced pixel: its centroid in the crop, at both sizes."""
    image = np.zeros((160, 160, 3), np.uint8)
    image[64:72, 88:96] = 255  # middle (91.5, 67.5)
    cv2.imwrite(str(tmp_path / 'block.jpg'), image, [cv2.IMWRITE_JPEG_QUALITY, 100])
    box = dict(bbox_center=np.array([[80.0, 80.0]]), bbox_scale=np.array([[128.0, 128.0]]))
    crop = LoadReducedCrop((64, 64))(dict(img_path=str(tmp_path / 'block.jpg'), **box))['img'].astype(float).sum(2)
    rows, columns = np.indices(crop.shape)
    centroid = np.array([(columns * crop).sum(), (rows * crop).sum()]) / crop.sum()
    np.testing.assert_allclose(centroid, (np.array([91.5, 67.5]) - 80) * 64 / 128 + 32, atol=0.02)


def test_png_and_stored_crops_are_loaded_at_full_size(sample):
    window = dict(crop_window=np.array([3, 4, 3 + WIDTH, 4 + HEIGHT], np.float32), frame_size=(400, 300))
    for arguments in (dict(name='image.png'), window):
        reduced, full = LoadReducedCrop(INPUT_SIZE)(sample(200, **arguments)), full_size(sample(200, **arguments))
        np.testing.assert_array_equal(reduced['img'], full['img'])
        np.testing.assert_allclose(reduced['transformed_keypoints'], full['transformed_keypoints'], atol=1e-4)


def test_an_image_that_is_there(sample):
    given = sample(200)
    given['img'] = cv2.imread(given.pop('img_path'))
    np.testing.assert_array_equal(LoadReducedCrop(INPUT_SIZE)(given)['img'], full_size(sample(200))['img'])


def test_a_missing_image(sample, tmp_path):
    with pytest.raises(InputError, match=r'cannot read the image .*missing\.jpg'):
        LoadReducedCrop(INPUT_SIZE)(dict(sample(200), img_path=str(tmp_path / 'missing.jpg')))
