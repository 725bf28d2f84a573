"""The shipped refiners; README.md beside them is their model card."""

from pathlib import Path

from depth_refine.utils.errors import InputError

_FOLDER = Path(__file__).parent
_NAMES = {'2d': 'mocap_2d_27', '2d+depth': 'mocap_27'}  # by their inputs


def shipped_refiner(reads: str) -> tuple[Path, Path]:
    """Paths of the config and checkpoint of a shipped refiner of 27 frames, trained on motion capture.

    Args:
        reads: its inputs, ``'2d'`` or ``'2d+depth'``.

    Raises:
        InputError: there is no such refiner.

    Example:
        >>> from depth_refine.weights import shipped_refiner
        >>> config, checkpoint = shipped_refiner('2d+depth')
        >>> config.name, checkpoint.name
        ('mocap_27.py', 'mocap_27.pth')
    """
    if reads not in _NAMES:
        raise InputError(f'no shipped refiner reads {reads!r}: expected one of {sorted(_NAMES)}')
    return _FOLDER / f'{_NAMES[reads]}.py', _FOLDER / f'{_NAMES[reads]}.pth'
