"""Images, as they are loaded."""

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
