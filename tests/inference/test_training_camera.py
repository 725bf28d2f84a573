import numpy as np
import pytest

from depth_refine.functional.camera import project
from depth_refine.inference.training_camera import through_training_camera, undistorted
from depth_refine.structures.camera import make_camera


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
    ('size', 'intrinsics'), [((97, 75), (80, 90, 40, 30)), ((1080, 1920), (1500, 1500, 530, 990)), ((200, 200), None)]
)
def test_rays_through_the_training_camera(size, intrinsics):
    rays = np.random.default_rng(0).uniform(-0.4, 0.4, (5, 17, 2))
    camera, _ = make_camera(size, intrinsics)
    pixels = project(np.concatenate([rays, np.ones((5, 17, 1))], axis=-1), camera)
    np.testing.assert_allclose(1000 * through_training_camera(pixels, camera), rays * 1147 + 500, rtol=1e-9)
