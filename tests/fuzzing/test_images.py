"""Images."""

import io

import cv2
import numpy as np
import pytest
from mmpose.registry import TRANSFORMS
from PIL import Image

SIZE = (97, 75)  # width and height, px


def check(content, image):
    """Another library sees the same.

    JPEG has no checksum: where bits inside it are wrong, libraries guess differently, or refuse, and nobody can know.
    """
    is_jpeg = content.startswith(b'\xff\xd8')
    try:
        with Image.open(io.BytesIO(content)) as file:
            expected = np.asarray(file.convert('RGB'))[..., ::-1]
    except OSError:
        assert image.shape == (*SIZE[::-1], 3) and is_jpeg
    else:
        assert image.shape == expected.shape
        assert is_jpeg or np.array_equal(image, expected)


@pytest.mark.parametrize('suffix', ['.jpg', '.png'])
def test_image_bytes(fuzz, tmp_path, suffix):
    load = TRANSFORMS.build(dict(type='LoadReadableImage'))
    coarse = np.random.default_rng(0).integers(0, 256, (5, 6, 3), np.uint8)
    content = cv2.imencode(suffix, cv2.resize(coarse, SIZE, interpolation=cv2.INTER_CUBIC))[1].tobytes()
    fuzz.bytes(tmp_path / f'image{suffix}', content, lambda path: load(dict(img_path=str(path)))['img'], check)
