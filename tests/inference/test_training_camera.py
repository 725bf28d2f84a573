import numpy as np
import pytest

from depth_refine.functional.camera import project
from depth_refine.inference.training_camera import through_training_camera, undistorted
from depth_refine.structures.camera import H36M_CAMERA, make_camera, normalised_cameras
from depth_refine.structures.intrinsics import Intrinsics


def test_lens_distortion():
    # Human3.6M's own camera 54138969
    numbers = 1145.05, 1143.78, 512.54, 515.45
    lens = Intrinsics(numbers, ('h36m', -0.20710, 0.24777, -0.0030752, -0.00097570, -0.0014245))
    (camera, _), (plain, _) = make_camera((1000, 1002), lens), make_camera((1000, 1002), numbers)
    points = np.random.default_rng(0).uniform([-1.5, -1.5, 4], [1.5, 1.5, 6], (5, 17, 3))
    seen, expected = project(points, camera), project(points, plain)
    assert np.abs(seen - expected).max() > 3
    np.testing.assert_allclose(undistorted(seen, camera), expected, atol=1e-6)
    through, there = (
        through_training_camera(pixels, lens, normalised_cameras([plain]))
        for pixels, lens in ((seen, camera), (expected, plain))
    )
    np.testing.assert_allclose(through[0], there[0], atol=1e-9)
    folded = dict(f=[100, 100], c=[50, 50], k=[-0.5, 0, 0])  # no ray is seen beyond 54 px
    np.testing.assert_allclose(undistorted(np.array([[150.0, 50.0], [50, 50]]), folded), [[150, 50], [50, 50]])


@pytest.mark.parametrize(
    ('size', 'intrinsics'), [((97, 75), (80, 90, 40, 30)), ((1080, 1920), (1500, 1500, 530, 990)), ((200, 200), None)]
)
def test_rays_through_the_training_camera(size, intrinsics):
    rays = np.random.default_rng(0).uniform(-0.4, 0.4, (5, 17, 2))
    camera, _ = make_camera(size, intrinsics)
    pixels = project(np.concatenate([rays, np.ones((5, 17, 1))], axis=-1), camera)
    through, frame = through_training_camera(pixels, camera, [H36M_CAMERA])
    np.testing.assert_allclose(1000 * through, rays * 1147 + 500, rtol=1e-9)
    assert frame == dict(w=1, h=1)


def test_a_camera_of_the_training_leaves_pixels_as_they_are():
    lenses = [((1145, 1143, 512, 515), ('h36m', -0.2, 0.25, 0, -1e-3, -1e-3), (1000, 1002)),
              ((147, 150, 30, 70), (), (72, 128)),
              ((1300, 1310, 700, 500), ('h36m', -0.1, 0.01, 0, 1e-3, 2e-3), (1920, 1080))]  # fmt: skip
    cameras = [make_camera(lens[-1], Intrinsics(*lens))[0] for lens in lenses]
    for camera in cameras:
        pixels = np.random.default_rng(0).uniform(0, [camera['w'], camera['h']], (5, 17, 2))
        through, frame = through_training_camera(pixels, camera, normalised_cameras(cameras))
        np.testing.assert_allclose(through * camera['w'], pixels, atol=1e-6)
        assert frame == dict(w=1, h=camera['h'] / camera['w'])
