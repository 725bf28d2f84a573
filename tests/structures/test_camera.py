import numpy as np
import pytest

from depth_refine.functional.camera import camera_to_world, project
from depth_refine.structures.camera import make_camera, through_training_camera, undistorted
from depth_refine.utils.errors import InputError

QUARTER = [[0, 0, 1], [-1, 0, 0], [0, -1, 0]]  # a camera that looks along the world's x, with z up


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


def test_lens_distortion():
    # Human3.6M's own camera 54138969
    numbers = (1145.05, 1143.78, 512.54, 515.45, -0.20710, 0.24777, -0.0030752, -0.00097570, -0.0014245)
    (camera, _), (plain, _) = make_camera((1000, 1002), numbers), make_camera((1000, 1002), numbers[:4])
    points = np.random.default_rng(0).uniform([-1.5, -1.5, 4], [1.5, 1.5, 6], (5, 17, 3))
    seen, expected = project(points, camera), project(points, plain)
    assert np.abs(seen - expected).max() > 3
    np.testing.assert_allclose(undistorted(seen, camera), expected, atol=1e-6)
    through = through_training_camera(seen, camera)
    np.testing.assert_allclose(through, through_training_camera(expected, plain), atol=1e-9)
    folded, _ = make_camera((100, 100), (100, 100, 50, 50, -0.5, 0, 0, 0, 0))  # no ray is seen beyond 54 px
    np.testing.assert_allclose(undistorted(np.array([[150.0, 50.0], [50, 50]]), folded), [[150, 50], [50, 50]])


@pytest.mark.parametrize(
    ('size', 'intrinsics'),
    [((97, 75), (80, 90, 40, 30)), ((1080, 1920), (1500, 1500, 530, 990)), ((200, 200), None)],
)
def test_rays_through_the_training_camera(size, intrinsics):
    rays = np.random.default_rng(0).uniform(-0.4, 0.4, (5, 17, 2))
    camera, _ = make_camera(size, intrinsics)
    pixels = project(np.concatenate([rays, np.ones((5, 17, 1))], axis=-1), camera)
    np.testing.assert_allclose(1000 * through_training_camera(pixels, camera), rays * 1147 + 500, rtol=1e-9)


@pytest.mark.parametrize(
    ('intrinsics', 'extrinsics', 'message'),
    [
        *(
            (numbers, None, r'expected the intrinsics fx, fy, cx and cy in px, fx and fy above 0, .*, got \(')
            for numbers in [(80, 90, 40), (80, 90, 40, 30, 0.1), (0, 90, 40, 30), (80, np.nan, 40, 30)]
        ),
        *(
            (
                (focal, focal, 960, 540),
                None,
                r'fx and fy of the intrinsics reaches .*; looks like millimetres or image w',
            )
            for focal in (1.147, 50)
        ),
        *(
            (None, extrinsics, r'expected extrinsics with R \(3, 3\) and T \(3,\), got')
            for extrinsics in [dict(R=QUARTER), dict(R=QUARTER, T=[1, 2]), [1, 2]]
        ),
        *(
            (None, dict(R=rotation, T=[1, 2, 3]), r'expected a rotation as R of the extrinsics, got')
            for rotation in (np.diag([1, 1, -1]), np.eye(3) * 2)
        ),
    ],
)
def test_impossible(intrinsics, extrinsics, message):
    with pytest.raises(InputError, match=message):
        make_camera((1920, 1080), intrinsics, extrinsics)
