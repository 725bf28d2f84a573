"""Files of a folder in natural order, and numbers in their names."""

import re
from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

Key = tuple[list[str | int], str]
_DECIMAL = re.compile(r'(.*?)(?<![\d.,])(\d+)(?:[.,](\d+))?(\D*)', re.DOTALL)
_HEXADECIMAL = re.compile(r'[0-9a-f]+', re.IGNORECASE)


def natural_order(name: str | Path) -> Key:
    """A sort key that compares numbers in names by their values: ``frame_9.png`` comes before ``frame_10.png``."""
    parts = re.split(r'(\d+)', str(name))  # text, number, text and so on
    return [int(part) if at % 2 else part.casefold() for at, part in enumerate(parts)], str(name)


def list_files(folder: Path, *suffixes: str) -> list[Path]:
    """The files of a folder whose names end in one of ``suffixes``, given in lower case, in natural order.

    Hidden files are left out: on disks of other systems, macOS puts a ``._x.jpg`` that is not an image beside each
    ``x.jpg``.
    """
    files = (path for path in folder.iterdir() if path.name.lower().endswith(suffixes) and path.name[0] != '.')
    return sorted((path for path in files if path.is_file()), key=lambda path: natural_order(path.name))


def decimal_numbers(stems: Sequence[str]) -> list[Decimal] | None:
    """The numbers of names that differ in one number alone, some with a decimal point or comma: ``t_0.10``, ``t_0.5``.

    Returns:
        A number for each name. None if names have another form, if the digits behind the point are a counter, as in
        ``1.8``, ``1.9``, ``1.10``, or if two names have the same value, as ``1.1`` and ``1.10``.

    Example:
        >>> from depth_refine.utils.file_names import decimal_numbers
        >>> decimal_numbers(['t_0.10', 't_0.5'])
        [Decimal('0.10'), Decimal('0.5')]
    """
    found = [_DECIMAL.fullmatch(stem) for stem in stems]
    if not all(found) or len({(match[1], match[4]) for match in found}) > 1 or not any(match[3] for match in found):
        return None
    numbers = [Decimal(f'{match[2]}.{match[3] or 0}') for match in found]
    pairs = sorted((int(match[2]), int(match[3] or 0)) for match in found)
    steps = [after[1] - before[1] for before, after in pairwise(pairs) if before[0] == after[0]]
    counts = len(steps) > 1 and set(steps) == {1} and len({len(match[3] or '') for match in found}) > 1
    return None if counts or len(set(numbers)) < len(numbers) else numbers


def may_be_hexadecimal(stems: Sequence[str]) -> bool:
    """Whether names differ in digits and the letters a to f alone, and some in digits alone: ``x_9``, ``x_a``."""
    letters = enumerate(zip(*stems, strict=False))
    begin = next((at for at, each in letters if len(set(each)) > 1), min(map(len, stems)))
    tails = [stem[begin:] for stem in stems if stem[begin:]]
    return all(map(_HEXADECIMAL.fullmatch, tails)) and 0 < sum(tail.isdecimal() for tail in tails) < len(tails)
