import pytest
from mmengine.registry import init_default_scope

import depth_refine  # noqa: F401  # registers everything, and makes MMPose importable
from depth_refine.synthetic import make_synthetic


@pytest.fixture(autouse=True)
def mmpose_scope():
    """Look names up as a runner does whose config says ``default_scope = 'mmpose'``, whatever ran before."""
    init_default_scope('mmpose')


@pytest.fixture(scope='session')
def data_root(tmp_path_factory):
    """A small synthetic Human3.6M.

    One training and one test subject, two activities, four cameras, 12 frames of 64 px.
    """
    return make_synthetic(
        tmp_path_factory.mktemp('data') / 'h36m',
        frames=12,
        image_size=64,
        workers=1,
        subjects=('S1', 'S9'),
        activities=('Walking', 'Greeting'),
    )
