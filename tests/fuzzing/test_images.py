"""Images, as the two transforms read them."""

import io

import cv2
import numpy as np
import pytest
from mmpose.registry import TRANSFORMS
from PIL import Image

SIZE = (97, 75)  # width and height, px


def picture():
    coarse = np.random.default_rng(0).integers(0, 256, (5, 6, 3), np.uint8)
    return cv2.resize(coarse, SIZE, interpolation=cv2.INTER_CUBIC)


def pillow(content):
    """What another library reads, (h, w, 3) BGR."""
    with Image.open(io.BytesIO(content)) as image:
        return np.asarray(image.convert('RGB'))[..., ::-1]


def check(content, image):
    """Another library sees the same.

    JPEG has no checksum: where bits inside it are wrong, libraries guess differently, or refuse, and nobody can know.
    """
    try:
        expected = pillow(content)
    except OSError:
        assert image.shape == (*SIZE[::-1], 3) and content.startswith(b'\xff\xd8')
    else:
        assert image.shape == expected.shape
        if not content.startswith(b'\xff\xd8'):
            np.testing.assert_array_equal(image, expected)


@pytest.mark.parametrize('suffix', ['.jpg', '.png'])
def test_image_bytes(fuzz, damaged, tmp_path, suffix):
    path, load = tmp_path / f'image{suffix}', TRANSFORMS.build(dict(type='LoadReadableImage'))

    content = cv2.imencode(suffix, picture())[1].tobytes()
    fuzz(
        damaged.bytes(content),
        path.write_bytes,
        lambda: load(dict(img_path=str(path)))['img'],
        check,
        names=path,
    )


def test_reduced_crop_bytes(fuzz, damaged, tmp_path):
    path, load = tmp_path / 'image.jpg', TRANSFORMS.build(dict(type='LoadReducedCrop', input_size=(16, 12)))
    box = dict(bbox_center=np.array([[48.0, 37.0]]), bbox_scale=np.array([[80.0, 60.0]]), bbox_rotation=np.zeros(1))
    content = cv2.imencode('.jpg', picture())[1].tobytes()

    def judge(case, crop):
        assert crop.shape == (12, 16, 3) and crop.dtype == np.uint8

    fuzz(
        damaged.bytes(content),
        path.write_bytes,
        lambda: load(dict(img_path=str(path), **{key: value.copy() for key, value in box.items()}))['img'],
        judge,
        names=path,
    )
