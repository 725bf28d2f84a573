"""Files of a folder in the order that people mean."""

import re
from pathlib import Path

Key = tuple[list[str | int], str]


def natural_order(name: str | Path) -> Key:
    """A key to sort names by, with numbers in them by their values: ``frame_9.png`` comes before ``frame_10.png``."""
    parts = re.split(r'(\d+)', str(name))  # text, number, text and so on
    return [int(part) if at % 2 else part.casefold() for at, part in enumerate(parts)], str(name)


def list_files(folder: Path, *suffixes: str) -> list[Path]:
    """The files of a folder whose names end in one of ``suffixes``, given in lower case, in natural order.

    Hidden ones are left out; macOS puts a ``._x.jpg``, which is no image, beside each ``x.jpg`` on other disks.
    """
    files = (path for path in folder.iterdir() if path.name.lower().endswith(suffixes) and path.name[0] != '.')
    return sorted((path for path in files if path.is_file()), key=lambda path: natural_order(path.name))
