from pathlib import Path

import cv2
import matplotlib
import numpy as np
import pytest

from depth_refine.inference.blazepose.model_files import model_files
from depth_refine.utils.errors import InputError


@pytest.fixture(scope='session')
def models():
    """The files of the detector and of the landmark network 'full', fetched if they are not in the cache folder."""
    try:
        return model_files('full')
    except InputError as error:  # no network
        pytest.skip(str(error))


@pytest.fixture(scope='session')
def photo():
    """(600, 512, 3) BGR, head and shoulders of Grace Hopper: Matplotlib's sample, in the public domain."""
    return cv2.imread(str(Path(matplotlib.get_data_path(), 'sample_data', 'grace_hopper.jpg')))


@pytest.fixture(scope='session')
def place():
    """A function that shows a picture on a grey one of some size, by a similarity (2, 3)."""

    def show(picture, size, similarity):
        canvas = np.full((size[1], size[0], 3), 128, np.uint8)
        return cv2.warpAffine(picture, similarity, size, canvas, borderMode=cv2.BORDER_TRANSPARENT)

    return show
