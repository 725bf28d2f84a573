from dataclasses import replace

import numpy as np
import pytest

from depth_refine.synthetic.body import CHEST, HEAD, PLAIN, Limbs
from depth_refine.synthetic.shading import Light, dot, shade
from depth_refine.synthetic.subjects import make_appearance

LOOK = replace(make_appearance(0, seed=0), shirt_kind='plain')
LIGHT = Light(np.array([0.6, 0.0, 0.8]), np.array([0.0, 0, 1]), 0.6, 0.3, np.ones(3))


def one_limb(pattern=PLAIN, flatness=1.0):
    as_array = lambda *rows: np.array(rows, np.float32)  # noqa: E731
    return Limbs(
        as_array([0, 0, 0]), as_array([0, 0, 0.5]), as_array([1, 0, 0]), as_array([0.2, 0.2]), np.array([flatness]),
        as_array([0.5, 0.4, 0.3]), np.array([pattern]),
    )  # fmt: skip


def shade_at(limbs, points, s):
    points = np.array(points, np.float32)
    return shade(limbs, LOOK, LIGHT, points, np.zeros(len(points), int), np.full(len(points), s, np.float32))


def test_dot_takes_single_vectors_and_rows():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 5, 3))
    np.testing.assert_allclose(dot(a, b), np.sum(a * b, axis=-1))
    np.testing.assert_allclose(dot(a, b[0]), a @ b[0])


def test_light_falls_by_the_angle_to_the_lamp():
    angles = np.linspace(0, np.pi, 9)
    normals = np.outer(np.cos(angles), LIGHT.direction) + np.outer(np.sin(angles), [0.8, 0, -0.6])
    without_sky = replace(LIGHT, ambient=0.0).on(normals)[:, 0]
    assert without_sky[0] == pytest.approx(0.6) and without_sky[-1] == 0
    assert np.all(np.diff(without_sky[:5]) < 0)


def test_sides_of_a_limb_are_lit_by_their_normals():
    right, left = shade_at(one_limb(), [[0.2, 0, 0.25], [-0.2, 0, 0.25]], 0.5)
    expected = [0.5 * LIGHT.on(np.array([[x, 0.0, 0]]))[0, 0] for x in (1, -1)]
    assert [right[0], left[0]] == pytest.approx(expected, rel=1e-5) and right[0] > 1.5 * left[0]


def test_flattened_limbs_have_the_normals_of_an_ellipse():
    # Ellipse with half axes 0.1 along x and 0.2 along y; at 45 degrees of its parameter.
    point = np.array([0.1, 0.2, 0]) * np.sqrt(0.5) + [0, 0, 0.25]
    normal = np.array([1 / 0.1, 1 / 0.2, 0])
    normal /= np.linalg.norm(normal)
    (colour,) = shade_at(one_limb(flatness=0.5), [point], 0.5)
    assert colour[0] == pytest.approx(0.5 * LIGHT.on(normal[None])[0, 0], rel=1e-5)


@pytest.mark.parametrize(('pattern', 'colour'), [(CHEST, LOOK.emblem), (HEAD, (0.5, 0.4, 0.3))])
def test_front_and_back_look_different(pattern, colour):
    front, back = shade_at(one_limb(pattern), [[0.2, 0, 0.25], [-0.2, 0, 0.25]], 0.5)
    light = LIGHT.on(np.array([[1.0, 0, 0], [-1, 0, 0]]))
    np.testing.assert_allclose(front, colour * light[0], rtol=1e-5)
    np.testing.assert_allclose(back, (LOOK.hair if pattern == HEAD else (0.5, 0.4, 0.3)) * light[1], rtol=1e-5)


def test_light_changes_frame_with_the_camera():
    rotation = np.array([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]])
    seen = LIGHT.seen_by({'R': rotation})
    normals = np.random.default_rng(0).normal(size=(6, 3))
    np.testing.assert_allclose(seen.on(normals @ rotation), LIGHT.on(normals))


def test_random_lights_differ_and_come_from_above():
    lights = [Light.random(np.random.default_rng(seed)) for seed in range(20)]
    directions = np.array([light.direction for light in lights])
    np.testing.assert_allclose(np.linalg.norm(directions, axis=1), 1)
    assert directions[:, 2].min() > 0.5 and np.ptp(directions[:, 0]) > 0.8
