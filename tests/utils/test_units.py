import numpy as np
import pytest

from depth_refine.utils.errors import InputError
from depth_refine.utils.units import (
    CAMERA_POSITION,
    DEPTH_RANGE,
    FROM_CAMERA,
    FROM_ROOT,
    NOISE,
    PIXELS,
    focal_length,
    require_unit,
    unit_fault,
)

MILLIMETRES = 'looks like millimetres: divide by 1000'


@pytest.mark.parametrize(
    ('values', 'quantity', 'expected'),
    [
        ([[0.2, -740.5]], FROM_ROOT, f'reaches 740.5, expected at most 3 metres from the root; {MILLIMETRES}'),
        ([5200], FROM_CAMERA, f'reaches 5200, expected 0.05 to 100 metres from the camera; {MILLIMETRES}'),
        ([0.0052], FROM_CAMERA, 'reaches 0.0052, .*; looks like kilometres, or divided twice'),
        ([1841, 4955, 1563], CAMERA_POSITION, f'reaches 4955, expected at most 100 .*origin; {MILLIMETRES}'),
        (1500, DEPTH_RANGE, f'reaches 1500, expected 0.1 to 10 metres; {MILLIMETRES}'),
        (75, NOISE, 'reaches 75, .*; looks like pixels or millimetres: divide by half the range'),
        ([-1, 0.98], PIXELS, 'reaches 1, .*; looks like normalised coordinates: multiply by the image size'),
        ([1.147], focal_length(1000), 'reaches 1.147, expected 300 to 10000 pixels; looks like millimetres or image w'),
        ([50.0], focal_length(1920), 'reaches 50, expected 576 to 19200 pixels; looks like millimetres or image w'),
    ],
)
def test_other_units_are_named(values, quantity, expected):
    with pytest.raises(InputError, match=rf'^a.npz: S {expected}'):
        require_unit('a.npz: S', values, quantity)


@pytest.mark.parametrize(
    ('values', 'quantity'),
    [
        ([-1.1, 0.9], FROM_ROOT),
        ([2.1, 8.4], FROM_CAMERA),
        ([1.8, -4.9, 1.5], CAMERA_POSITION),
        (1.5, DEPTH_RANGE),
        (0.3, NOISE),
        ([3.5, 999.0], PIXELS),
        ([1145.0, 1143.7], focal_length(1000)),
        ([np.nan, 1.0], FROM_ROOT),
        (np.zeros((0, 4)), PIXELS),
    ],
)
def test_real_data_pass(values, quantity):
    assert unit_fault(values, quantity) is None


def test_infinity_is_refused():
    assert unit_fault([0.0, -np.inf], FROM_ROOT).startswith('reaches inf')


def test_the_smallest_whole_number():
    """It has no counterpart above 0 in its type."""
    assert unit_fault(np.array([-(2**63), 0]), FROM_ROOT).startswith('reaches 9.223e+18, expected at most 3 metres')
    assert unit_fault(np.array([0, 2], np.uint8), FROM_ROOT) is None
