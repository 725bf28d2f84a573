"""Checks of the options that configs give to modules, data sets and transforms."""

from numbers import Integral, Real
from typing import Any

from depth_refine.utils.errors import InputError

_MOST = 2.0**53  # beyond, floating-point numbers skip whole ones


def require_number(where: str, value: Any, low: float, high: float = _MOST, whole: bool = False) -> None:
    """Refuse an option that is not a number of a range.

    Args:
        where: the option and whose it is.
        value: as the config has it.
        low: the smallest that makes sense.
        high: the largest.
        whole: whether it must be a whole number.

    Raises:
        InputError: it is not.
    """
    is_kind = isinstance(value, Integral if whole else Real) and not isinstance(value, bool)
    if not is_kind or not low <= value <= high:  # NaN is in no range
        kind = 'a whole number' if whole else 'a number'
        limits = f'of at least {low:g}' if high == _MOST else f'from {low:g} to {high:g}'
        raise InputError(f'{where}: expected {kind} {limits}, got {value!r}')
