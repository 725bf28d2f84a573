"""Checks of units, by ranges that real data never leave."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from depth_refine.utils.errors import InputError


class Quantity(NamedTuple):
    """A unit, and limits of the largest of some numbers, regardless of sign."""

    unit: str
    low: float
    high: float
    if_below: str  # what numbers look like if all are smaller, and what to do
    if_above: str


_MILLIMETRES = 'looks like millimetres: divide by 1000; or centimetres: divide by 100'
FROM_ROOT = Quantity('metres from the root', 0, 3, '', _MILLIMETRES)
FROM_CAMERA = Quantity('metres from the camera', 0.05, 100, 'looks like kilometres, or divided twice', _MILLIMETRES)
CAMERA_POSITION = Quantity("metres from the world's origin", 0, 100, '', _MILLIMETRES)
DEPTH_RANGE = Quantity('metres', 0.1, 10, 'the configs have 1.5', _MILLIMETRES)
PIXELS = Quantity('pixels', 2, 1e5, 'looks like normalised coordinates: multiply by the image size', 'write it again')
NOISE = Quantity(
    'of the normalised coordinates in [-1, 1]', 0, 1, '', 'looks like pixels or millimetres: divide by half the range'
)


def focal_length(image_width: float) -> Quantity:
    """The quantity of focal lengths, px, from fisheye to telephoto lenses.

    Args:
        image_width: px.
    """
    advice = 'looks like millimetres or image widths: give it in pixels'
    return Quantity('pixels', 0.3 * image_width, 10 * image_width, advice, 'does the image size belong to it?')


def unit_fault(values: ArrayLike, quantity: Quantity) -> str | None:
    """What is wrong with the unit of numbers, as text.

    Args:
        values: any shape; NaN passes.
        quantity: what they should be.

    Returns:
        What was found, what was expected and what to do; None if nothing is wrong.

    Example:
        >>> from depth_refine.utils.units import FROM_ROOT, unit_fault
        >>> unit_fault([-350.0, 420.0], FROM_ROOT).split(';')[0]
        'reaches 420, expected at most 3 metres from the root'
    """
    values = np.asarray(values)
    if not values.size:
        return None
    largest = max(float(np.max(values)), -float(np.min(values)))  # no array of absolute values
    if not (largest < quantity.low or largest > quantity.high):
        return None
    advice = quantity.if_below if largest < quantity.low else quantity.if_above
    limits = f'{quantity.low:g} to {quantity.high:g}' if quantity.low else f'at most {quantity.high:g}'
    return f'reaches {largest:.4g}, expected {limits} {quantity.unit}; {advice}'


def require_unit(where: str, values: ArrayLike, quantity: Quantity) -> None:
    """Refuse numbers in another unit.

    Args:
        where: file and key, or option, for the message.
        values: see :func:`unit_fault`.
        quantity: likewise.

    Raises:
        InputError: the values are outside their range.
    """
    if fault := unit_fault(values, quantity):
        raise InputError(f'{where} {fault}.')
