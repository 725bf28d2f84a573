import numpy as np
import pytest

from depth_refine.functional.camera import camera_to_world, project
from depth_refine.structures.camera import make_camera
from depth_refine.utils.errors import InputError

QUARTER = [[0, 0, 1], [-1, 0, 0], [0, -1, 0]]  # a camera that looks along the world's x, with z up
NO_INTRINSICS = r'expected the intrinsics fx, fy, cx and cy in px, fx and fy above 0, .*, got \('
NO_EXTRINSICS = r'expected extrinsics with R \(3, 3\) and T \(3,\), got'


def test_given():
    camera, source = make_camera((97, 75), (80, 90, 40, 30))
    assert source == 'given' and (camera['w'], camera['h']) == (97, 75) and 'R' not in camera
    np.testing.assert_allclose(project(np.array([0.5, -0.2, 4]), camera), [40 + 80 / 8, 30 - 90 / 20])
    camera, _ = make_camera((97, 75), extrinsics=dict(R=QUARTER, T=[1, 2, 3]))
    np.testing.assert_allclose(camera_to_world(np.array([[0.0, 0, 5], [1, 0, 0]]), camera), [[6, 2, 3], [1, 1, 3]])


@pytest.mark.parametrize('size', [(97, 75), (75, 97)])
def test_assumed_and_said(size):
    camera, source = make_camera(size)
    np.testing.assert_allclose(project(np.array([1.0, -1, 2]), camera), [size[0] / 2 + 55.6295, size[1] / 2 - 55.6295])
    assert source.startswith('assumed: focal length 111 px, 1.147 times the longer side, and no lens distortion.')


@pytest.mark.parametrize(
    ('intrinsics', 'extrinsics', 'message'),
    [
        ((80, 90, 40), None, NO_INTRINSICS),
        ((0, 90, 40, 30), None, NO_INTRINSICS),
        ((80, np.nan, 40, 30), None, NO_INTRINSICS),
        ((50, 50, 960, 540), None, r'fx and fy of the intrinsics reaches .*; looks like millimetres or image w'),
        (None, dict(R=QUARTER, T=[1, 2]), NO_EXTRINSICS),
        (None, [1, 2], NO_EXTRINSICS),
        (None, dict(R=np.diag([1, 1, -1]), T=[1, 2, 3]), r'expected a rotation as R of the extrinsics, got'),
        (None, dict(R=np.eye(3) * 2, T=[1, 2, 3]), r'expected a rotation as R of the extrinsics, got'),
    ],
)
def test_impossible(intrinsics, extrinsics, message):
    with pytest.raises(InputError, match=message):
        make_camera((1920, 1080), intrinsics, extrinsics)
