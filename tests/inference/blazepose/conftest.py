import cv2
import numpy as np
import pytest


@pytest.fixture(scope='session')
def place():
    """A function that puts an image on a grey one of some size, by a similarity (2, 3)."""

    def show(image, size, similarity):
        canvas = np.full((size[1], size[0], 3), 128, np.uint8)
        return cv2.warpAffine(image, similarity, size, canvas, borderMode=cv2.BORDER_TRANSPARENT)

    return show
