"""Refiners that the package ships; the model card is README.md beside them."""

from pathlib import Path

from depth_refine.utils.errors import InputError

_FOLDER = Path(__file__).parent
_NAMES = {'2d': 'mocap_2d_27', '2d+depth': 'mocap_27'}  # by what they read


def shipped_refiner(reads: str) -> tuple[Path, Path]:
    """Config and checkpoint of a refiner of 27 frames, trained on motion capture through random cameras.

    Args:
        reads: ``'2d'`` or ``'2d+depth'``.

    Raises:
        InputError: there is no such refiner.
    """
    if reads not in _NAMES:
        raise InputError(f'no shipped refiner reads {reads!r}: expected one of {sorted(_NAMES)}')
    return _FOLDER / f'{_NAMES[reads]}.py', _FOLDER / f'{_NAMES[reads]}.pth'
