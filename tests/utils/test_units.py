import numpy as np
import pytest

from depth_refine.utils import units
from depth_refine.utils.errors import InputError
from depth_refine.utils.units import CAMERA_POSITION, DEPTH_RANGE, FROM_CAMERA, FROM_ROOT, NOISE, PIXELS, focal_length

MILLIMETRES = 'looks like millimetres: divide by 1000'


@pytest.mark.parametrize(
    ('right', 'wrong', 'quantity', 'expected'),
    [
        ([-1.1, 0.9], [[0.2, -740.5]], FROM_ROOT, f'740.5, expected at most 3 metres from the root; {MILLIMETRES}'),
        ([np.nan, 1.0], [0.0, -np.inf], FROM_ROOT, 'inf, expected at most 3 metres'),
        # the smallest whole number has no counterpart above 0 in its type
        (np.array([0, 2], np.uint8), np.array([-(2**63), 0]), FROM_ROOT, r'9.223e\+18, expected at most 3 metres'),
        ([2.1, 8.4], [5200], FROM_CAMERA, f'5200, expected 0.05 to 100 metres from the camera; {MILLIMETRES}'),
        ([], [0.0052], FROM_CAMERA, '0.0052, .*; looks like kilometres, or divided twice'),
        (
            [1.8, -4.9],
            [1841, 4955],
            CAMERA_POSITION,
            f'4955, .* at most 100 .*; {MILLIMETRES}; or centimetres: divide by 100',
        ),
        (1.5, 1500, DEPTH_RANGE, f'1500, expected 0.1 to 10 metres; {MILLIMETRES}'),
        (0.3, 75, NOISE, '75, .*; looks like pixels or millimetres: divide by half the range'),
        ([3.5, 999.0], [-1, 0.98], PIXELS, '1, .*; looks like normalised coordinates: multiply by the image size'),
        ([1145.0, 1143.7], [1.147], focal_length(1000), '1.147, expected 300 to 10000 pixels; looks like millimetres'),
        ([1145.0], [50.0], focal_length(1920), '50, expected 576 to 19200 pixels; looks like millimetres or image w'),
    ],
)
def test_other_units_are_named(right, wrong, quantity, expected):
    with pytest.raises(InputError, match=rf'^a.npz: S reaches {expected}'):
        units.require_unit('a.npz: S', wrong, quantity)
    assert units.unit_fault(right, quantity) is None
