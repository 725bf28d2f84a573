import re

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from depth_refine.data_tools.conversion.depths import check_spread, depth_of_landmarks, relative_depth, scale_note
from depth_refine.utils.errors import InputError

RNG = np.random.default_rng(0)


def test_units():
    depth = RNG.normal(5, 1, (4, 17))
    np.testing.assert_allclose(relative_depth(1000 * depth, 'mm'), depth - depth[:, :1])
    np.testing.assert_allclose(relative_depth(100 * depth, 'cm'), depth - depth[:, :1])
    np.testing.assert_allclose(relative_depth(depth, 'rtmpose3d_bin'), (depth - depth[:, :1]) * 2.1744869 / 144)
    check_spread(0.1 * depth, 'm')
    with pytest.raises(InputError, match=r"in the unit 'mm' a person's joints would spread over 0\.00"):
        check_spread(depth / 1000, 'mm')


def test_depth_of_landmarks_along_the_view():
    """The reference rotates about the axis at right angles to both directions, by the angle between them."""
    landmarks, rays = RNG.normal(size=(6, 33, 3)), RNG.uniform(-1, 1, (6, 2))
    rays[0] = 0
    for person, ray, depth in zip(landmarks, rays, depth_of_landmarks(landmarks, rays), strict=True):
        axis = np.cross([0, 0, 1], [*ray, 1])
        angle = np.arctan(np.linalg.norm(ray))
        turned = Rotation.from_rotvec(angle * axis / max(np.linalg.norm(axis), 1e-9)).apply(person)
        np.testing.assert_allclose(depth, turned[:, 2], atol=1e-12)


@pytest.mark.parametrize(
    ('unit', 'scale', 'note'),
    [
        ('mm', 10.0, r"In the unit 'mm' depths look about 10 times too small .* shows them\. What would fit: cm \("),
        ('m', 1e-3, r"In the unit 'm' depths look about 1e\+03 times too large .* fit: mm \("),
        ('mm', 14.0, r'fit: rtmpose3d_bin or cm \('),
        ('mm', 4.5, r'fit: pixels, which are no unit of depth \('),
        (
            'm',
            2.0,
            r'2 times too small .*, unless people are about 0\.8 m tall\. No known unit fits \(--depth-unit\)\.$',
        ),
    ],
)
def test_units_that_would_fit(unit, scale, note):
    assert re.search(note, scale_note(unit, scale, 0.005))
