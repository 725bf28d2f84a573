"""Checks of the options that configs and callers give to modules, data sets, transforms and tools."""

from numbers import Integral, Real
from typing import Any

import torch

from depth_refine.utils.errors import InputError

_MOST = 2.0**53  # beyond, floating-point numbers skip whole ones


def require_number(where: str, value: Any, low: float, high: float = _MOST, whole: bool = False) -> None:
    """Refuse an option that is not a number within a range.

    Args:
        where: the option and its owner, for the message.
        value: as the config has it.
        low: the smallest value that makes sense.
        high: the largest.
        whole: whether it must be a whole number.

    Raises:
        InputError: the value is out of range, or not such a number.
    """
    is_kind = isinstance(value, Integral if whole else Real) and not isinstance(value, bool)
    if not is_kind or not low <= value <= high:  # NaN is in no range
        kind = 'a whole number' if whole else 'a number'
        limits = f'of at least {low:g}' if high == _MOST else f'from {low:g} to {high:g}'
        raise InputError(f'{where}: expected {kind} {limits}, got {value!r}')


def usable_device(device: str | torch.device | None = None) -> torch.device:
    """The device that an option names, if this machine has it.

    Args:
        device: as PyTorch names it: ``cpu``, ``cuda``, ``cuda:1``; by default a GPU if there is one.

    Raises:
        InputError: PyTorch knows no such device, or does not find it on this machine.
    """
    if device is None:
        return torch.device('cuda' if torch.cuda.is_available() else 'cpu')
    try:
        found = torch.device(device)
    except (RuntimeError, TypeError):  # no such name
        found = None
    kind = torch.accelerator.current_accelerator().type if torch.accelerator.is_available() else 'cpu'
    count = torch.accelerator.device_count() if kind != 'cpu' else 0
    if found is None or not (found.type == 'cpu' or (found.type == kind and (found.index or 0) < count)):
        there = ', '.join(['cpu', *([kind] if count else []), *(f'{kind}:{index}' for index in range(count))])
        raise InputError(f'device {str(device)!r}: expected one that PyTorch finds on this machine, of {there}')
    return found
