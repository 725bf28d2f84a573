"""Projection against a loop written from Human3.6M's formula, and against OpenCV."""

import cv2
import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from depth_refine.functional.camera import (
    back_project,
    camera_to_world,
    has_rays,
    pixel_rays,
    project,
    project_rays,
    world_to_camera,
)
from depth_refine.structures.camera import make_camera
from depth_refine.structures.intrinsics import Intrinsics

WIDTH, HEIGHT = 1000, 762


@pytest.fixture
def camera():
    """Human3.6M-like lens, but anisotropic and not square, so that swapped axes show."""
    return dict(
        R=Rotation.from_euler('xyz', [95, -20, 37], degrees=True).as_matrix(),
        T=np.array([[1.8], [-4.9], [1.6]]),
        f=np.array([[1145.0], [1093.0]]),
        c=np.array([[512.5], [365.4]]),
        k=np.array([[-0.21], [0.25], [-0.003]]),
        p=np.array([[-0.0009], [-0.0016]]),
        w=WIDTH,
        h=HEIGHT,
    )


@pytest.fixture
def points():
    """Points (5, 17, 3) in camera metres that fill the image at 2 to 7 m."""
    rng = np.random.default_rng(0)
    z = rng.uniform(2, 7, (5, 17))
    return np.stack([rng.uniform(-0.43, 0.43, z.shape) * z, rng.uniform(-0.33, 0.33, z.shape) * z, z], axis=-1)


def _reference_project(point, camera):
    """One point at a time, term by term, as in the dataset's own release."""
    x, y = point[0] / point[2], point[1] / point[2]
    r2 = x * x + y * y
    k1, k2, k3 = camera['k'].ravel()
    p1, p2 = camera['p'].ravel()
    factor = 1 + k1 * r2 + k2 * r2 * r2 + k3 * r2 * r2 * r2 + p1 * y + p2 * x
    (fx, fy), (cx, cy) = camera['f'].ravel(), camera['c'].ravel()
    return [fx * (x * factor + p2 * r2) + cx, fy * (y * factor + p1 * r2) + cy]


def test_project_against_loop(points, camera):
    expected = [[_reference_project(point, camera) for point in frame] for frame in points]
    np.testing.assert_allclose(project(points, camera), expected, rtol=0, atol=1e-9)


def test_project_differs_from_opencv_by_the_tangential_term_counted_twice(points, camera):
    matrix = np.array([[camera['f'][0, 0], 0, camera['c'][0, 0]], [0, camera['f'][1, 0], camera['c'][1, 0]], [0, 0, 1]])
    (k1, k2, k3), (p1, p2) = camera['k'].ravel(), camera['p'].ravel()
    flat = points.reshape(-1, 3)
    opencv, _ = cv2.projectPoints(flat, np.zeros(3), np.zeros(3), matrix, np.array([k1, k2, p1, p2, k3]))
    x, y = (flat[:, :2] / flat[:, 2:]).T
    once_more = camera['f'].ravel() * np.stack([x, y], axis=1) * (p1 * y + p2 * x)[:, None]
    np.testing.assert_allclose(opencv[:, 0] - project(flat, camera), once_more, rtol=0, atol=1e-9)
    assert 0.01 < np.abs(once_more).max() < 0.5


def test_opencv_lens(points):
    """OpenCV's own formula, forwards and backwards, with coefficients in its order."""
    coefficients = -0.21, 0.25, -0.0009, -0.0016, -0.3
    numbers = Intrinsics((1145, 1143, 512.5, 365.4), ('opencv', *coefficients), (WIDTH, HEIGHT))
    camera, _ = make_camera((WIDTH, HEIGHT), numbers)
    matrix, flat = np.array([[1145, 0, 512.5], [0, 1143, 365.4], [0, 0, 1.0]]), points.reshape(-1, 3)
    expected, _ = cv2.projectPoints(flat, np.zeros(3), np.zeros(3), matrix, np.array(coefficients))
    np.testing.assert_allclose(project(flat, camera), expected[:, 0], rtol=0, atol=1e-9)
    np.testing.assert_allclose(back_project(expected[:, 0], flat[:, 2], camera), flat, rtol=0, atol=1e-9)
    np.testing.assert_allclose(pixel_rays(expected[:, 0], camera), flat[:, :2] / flat[:, 2:], rtol=0, atol=1e-9)
    by_human36m = np.abs(project(flat, {key: camera[key] for key in 'fckp'}) - expected[:, 0]).max()
    assert 0.1 < by_human36m < 0.5, 'px, if the same numbers are put into the other formula'


def test_back_project_inverts_project(points, camera):
    pixels = project(points, camera)
    np.testing.assert_allclose(back_project(pixels, points[..., 2], camera), points, rtol=0, atol=1e-9)
    assert back_project(np.zeros((0, 2)), np.zeros(0), camera).shape == (0, 3)


def test_back_project_reaches_the_corners_and_far_outside(camera):
    corners = np.array([[0, 0], [1, 0], [0, 1], [1, 1], [-1, -1], [3, 2], [0.5, 4]])
    pixels = corners * [WIDTH, HEIGHT]
    points = back_project(pixels, np.full(7, 4.0), camera)
    np.testing.assert_allclose(points[:, 2], 4.0)
    np.testing.assert_allclose(project(points, camera), pixels, rtol=0, atol=1e-6)


def test_back_project_of_a_pixel_that_no_ray_meets(camera):
    # this lens model folds over: no point is seen beyond 0.86 focal lengths
    camera.update(k=np.array([[-0.2], [0], [0]]), p=np.zeros((2, 1)))
    focal, center = camera['f'].ravel(), camera['c'].ravel()
    points = back_project(np.stack([center, center + [2 * focal[0], 0]]), np.ones(2), camera)
    np.testing.assert_allclose(points[0], [0, 0, 1], atol=1e-9)
    assert np.isnan(points[1, 0])


def test_world_and_camera_against_the_formula(camera):
    world = np.random.default_rng(1).normal(size=(3, 2, 3))
    seen = world_to_camera(world, camera)
    for index in np.ndindex(3, 2):
        expected = camera['R'].T @ (world[index][:, None] - camera['T'])
        np.testing.assert_allclose(seen[index], expected[:, 0], atol=1e-12)
    np.testing.assert_allclose(camera_to_world(seen, camera), world, atol=1e-12)


@pytest.mark.parametrize('z', [0.0, -1.25])
def test_project_refuses_points_behind_the_camera(camera, z):
    with pytest.raises(ValueError, match=rf'behind the camera: expected every z > 0, got {z:.3f} m'):
        project(np.array([[0.1, 0.1, 3.0], [0.1, 0.1, z]]), camera)


@pytest.mark.parametrize('kind', ['array', 'tensor'])
def test_rays_of_pixels(points, camera, kind):
    pixels, rays = project(points, camera), points[..., :2] / points[..., 2:]
    np.testing.assert_allclose(project_rays(rays, camera), pixels, atol=1e-9)
    given = pixels.astype(np.float32) if kind == 'array' else torch.from_numpy(pixels)
    found = pixel_rays(given, camera)
    assert type(found) is type(given) and found.dtype == given.dtype
    np.testing.assert_allclose(found, rays, atol=1e-5 if kind == 'array' else 1e-9)


def test_rays_of_many_cameras_and_of_lenses_without_distortion(points, camera):
    plain = {key: camera[key] for key in 'fc'}
    flat = {key: np.stack([camera[key].ravel(), np.ravel(plain.get(key, 0 * camera[key]))]) for key in 'fckp'}
    pixels = torch.from_numpy(np.stack([project(points, camera)] * 2))
    together = pixel_rays(pixels, flat)
    for index, one in enumerate((camera, plain)):
        np.testing.assert_allclose(together[index], pixel_rays(pixels[index], one), atol=1e-12)
    np.testing.assert_allclose(
        back_project(pixels[1].numpy(), np.ones((5, 17)), plain)[..., :2], together[1], atol=1e-12
    )


def test_pixels_beyond_the_lens_model_get_rays_without_distortion():
    folded = dict(f=[100, 100], c=[50, 50], k=[-0.5, 0, 0])  # no ray is seen beyond 54 px
    np.testing.assert_allclose(pixel_rays(np.array([[150.0, 50], [50, 50]]), folded), [[1, 0], [0, 0]])
    assert np.isnan(back_project(np.array([150.0, 50]), 1.0, folded)[0])
    assert has_rays(np.array([[150.0, 50], [50, 50], [50, 103], [50, 105]]), folded).tolist() == [
        False,
        True,
        True,
        False,
    ]
