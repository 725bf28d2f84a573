"""The frame rate of an annotation."""

import re
from pathlib import Path

import numpy as np

from depth_refine.utils.errors import InputError

from .npz_stream import NpzStream

_RATES = 0.1, 1000.0  # frames a second; 0.04 would be the seconds of a frame, 40000 its microseconds
_RATE_OF_FOLDER = re.compile(r'fps(\d+(?:\.\d+)?)')


def rate_of_folder(path: Path) -> float | None:
    """Frames a second in the name of a folder above a file, such as ``fps16.667``; None if no name has them."""
    rates = [float(found[1]) for part in path.parts[:-1] if (found := _RATE_OF_FOLDER.fullmatch(part))]
    return rates[-1] if rates else None


def read_frame_rate(npz: NpzStream, count: int) -> float | None:
    """Frames a second, from the key ``frame_rate`` or the name of a folder above; None if neither says it.

    Args:
        npz: the annotation.
        count: number of its frames.

    Raises:
        InputError: the rates have a wrong shape or type, are out of range, differ, or contradict the folder's name.
    """
    if 'frame_rate' not in npz.keys:
        return rate_of_folder(npz.path)
    header = npz.header('frame_rate')
    if header.shape not in ((), (count,)) or header.dtype.kind not in 'fiu':
        raise InputError(
            f"{npz.path}: expected 'frame_rate' of shape () or {(count,)}, numbers, got {header.dtype} of "
            f'shape {header.shape}'
        )
    with np.load(npz.path) as archive:
        rates = np.unique(archive['frame_rate'])
    for rate in rates[[0, -1]].tolist():
        require_frame_rate(npz.path, rate)
    if rates[-1] / rates[0] > 1 + 1e-6:
        raise InputError(
            f"{npz.path}: 'frame_rate' is {rates[0]:g} to {rates[-1]:g} frames a second: write an annotation for each"
        )
    return float(rates[0])


def require_frame_rate(path: Path, rate: float) -> None:
    """Refuse (``InputError``) a rate of the annotation ``path`` that no video has, or contradicts the folder's name."""
    if not _RATES[0] <= rate <= _RATES[1]:
        raise InputError(
            f"{path}: expected 'frame_rate' of {_RATES[0]:g} to {_RATES[1]:g} frames a second, got {rate:g}"
        )
    named = rate_of_folder(path)
    if named and abs(named / rate - 1) > 0.01:
        raise InputError(f"{path}: 'frame_rate' is {rate:g} frames a second, but its folder says {named:g}")
