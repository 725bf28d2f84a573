from dataclasses import replace

import numpy as np
import pytest

from depth_refine.synthetic.body import CHEST, HEAD, PLAIN, THIGH_BAND, WRIST_BAND, Limbs
from depth_refine.synthetic.shading import Light, shade
from depth_refine.synthetic.subjects import make_appearance

LOOK = replace(make_appearance(0, seed=0), shirt_kind='plain', stripe=0.1)
LIGHT = Light(np.array([0.6, 0.0, 0.8]), np.array([0.0, 0, 1]), 0.6, 0.3, np.ones(3))
PAINT = (0.5, 0.4, 0.3)


def shade_at(point, normal, s=0.5, pattern=PLAIN, flatness=1.0):
    """Colour of a point on an upright limb of 0.5 m and a radius of 0.2 m that faces x, over the light there."""
    vectors = (np.float32([vector]) for vector in ([0, 0, 0], [0, 0, 0.5], [1, 0, 0], [0.2, 0.2]))
    limbs = Limbs(*vectors, np.array([flatness]), np.float32([PAINT]), np.array([pattern]))
    (colour,) = shade(limbs, LOOK, LIGHT, np.float32([point]), np.zeros(1, int), np.float32([s]))
    return colour / LIGHT.on(np.array([normal], float))[0]


def test_light_falls_by_the_angle_to_the_lamp():
    angles = np.linspace(0, np.pi, 9)
    normals = np.outer(np.cos(angles), LIGHT.direction) + np.outer(np.sin(angles), [0.8, 0, -0.6])
    without_sky = replace(LIGHT, ambient=0.0).on(normals)[:, 0]
    rotation = np.array([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]])
    np.testing.assert_allclose(LIGHT.seen_by({'R': rotation}).on(normals @ rotation), LIGHT.on(normals))
    assert without_sky[0] == pytest.approx(0.6) and without_sky[-1] == 0
    assert np.all(np.diff(without_sky[:5]) < 0)


def test_flattened_limbs_have_the_normals_of_an_ellipse():
    # Ellipse with half axes 0.1 along x and 0.2 along y; at 45 degrees of its parameter.
    normal = np.array([1 / 0.1, 1 / 0.2, 0]) / np.hypot(1 / 0.1, 1 / 0.2)
    point = np.array([0.1, 0.2, 0]) * np.sqrt(0.5) + [0, 0, 0.25]
    assert shade_at(point, normal, flatness=0.5) == pytest.approx(PAINT, rel=1e-5)


@pytest.mark.parametrize(
    ('pattern', 'side', 's', 'colour'),
    [
        (CHEST, 1, 0.5, LOOK.emblem),
        (CHEST, -1, 0.5, PAINT),
        (HEAD, 1, 0.5, PAINT),
        (HEAD, -1, 0.5, LOOK.hair),
        (WRIST_BAND, 1, 0.9, LOOK.band),
        (THIGH_BAND, -1, 0.45, LOOK.band),
        (THIGH_BAND, -1, 0.9, PAINT),
    ],
)
def test_patterns_tell_front_and_left(pattern, side, s, colour):
    assert shade_at([0.2 * side, 0, 0.5 * s], [side, 0, 0], s, pattern) == pytest.approx(colour, rel=1e-5)
