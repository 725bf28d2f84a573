import numpy as np
import pytest

from depth_refine.synthetic.raycast import cast_round_cone


def reference(rays, start, end, radii, flatness, front):
    """Nearest hit of many explicit spheres, or ellipsoids, along the segment."""
    stretch = np.eye(3) + (1 / flatness - 1) * np.outer(front, front)
    d = np.einsum('ij,j...->...i', stretch, rays)[..., None, :]
    s = np.linspace(0, 1, 4001)
    centre = (start + s[:, None] * (end - start)) @ stretch.T
    radius = radii[0] + s * (radii[1] - radii[0])
    a, b = np.sum(d * d, axis=-1), np.sum(d * centre, axis=-1)
    discriminant = b * b - a * (np.sum(centre**2, axis=-1) - radius**2)
    with np.errstate(invalid='ignore'):
        distance = np.where(discriminant > 0, (b - np.sqrt(discriminant)) / a, np.inf)
    return distance.min(axis=-1), s[distance.argmin(axis=-1)]


def rays_towards(point, spread, shape=(23, 31)):
    y, x = np.meshgrid(*(np.linspace(-spread, spread, n) for n in shape), indexing='ij')
    rays = np.stack([point[0] + x, point[1] + y, np.full(shape, point[2])])
    return (rays / np.linalg.norm(rays, axis=0)).astype(np.float32)


CASES = {
    'across': ([-0.2, 0.1, 4], [0.25, 0, 4.2], [0.05, 0.09], 1.0),
    'towards the camera': ([0.01, 0.02, 4], [0.03, 0.0, 3.4], [0.06, 0.03], 1.0),
    'away from the camera': ([0.0, 0.0, 3.5], [0.05, 0.02, 4.1], [0.04, 0.06], 1.0),
    'a sphere': ([0.1, 0, 4], [0.1, 0, 4], [0.1, 0.1], 1.0),
    'one end inside the other': ([0.1, 0, 4], [0.12, 0, 4], [0.05, 0.2], 1.0),
    'flat': ([0, -0.2, 4], [0.05, 0.2, 4.1], [0.15, 0.12], 0.6),
    'very flat sphere': ([0, 0, 4], [0, 0, 4], [0.2, 0.2], 0.2),
}


@pytest.mark.parametrize('case', CASES)
def test_agrees_with_explicit_spheres(case):
    start, end, radii, flatness = (np.array(value) for value in CASES[case])
    front = np.array([0.36, 0.48, -0.8])
    rays = rays_towards((start + end) / 2, 0.25)
    distance, s = cast_round_cone(rays, start, end, radii, float(flatness), front)
    expected, where = reference(rays.astype(np.float64), start, end, radii, flatness, front)
    hit = np.isfinite(expected)
    assert 20 < hit.sum() < hit.size, 'the case has hits and misses'
    assert np.mean(np.isfinite(distance) == hit) > 0.99  # single precision at the very outline
    both = np.isfinite(distance) & hit
    # Grazing rays lose digits: a tenth of a millimetre nearly everywhere, a few millimetres at the outline.
    error = np.abs(distance[both] - expected[both])
    assert np.median(error) < 1e-4 and error.max() < 5e-3
    if not np.array_equal(start, end) and case != 'one end inside the other':
        assert np.median(np.abs(s - where)[both]) < 2e-3
    assert distance.dtype == np.float32


def test_a_cone_behind_the_camera_is_not_mistaken_for_one_in_front():
    rays = rays_towards(np.array([0.0, 0, 4]), 0.4)
    start, end, radii = np.array([0, 0, -4.0]), np.array([0.3, 0, -4.0]), np.array([0.1, 0.1])
    ahead, _ = cast_round_cone(-rays, start, end, radii, 1.0, np.array([0, 0, 1.0]))
    behind, _ = cast_round_cone(rays, start, end, radii, 1.0, np.array([0, 0, 1.0]))
    assert np.isfinite(ahead).any() and np.isinf(behind).all()
