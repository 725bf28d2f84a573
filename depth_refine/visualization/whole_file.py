"""Files that appear only when they are complete."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Write to a temporary sibling that takes its final name when the block ends without an error.

    Args:
        path: the final name; its folder is made if missing, a file already there is replaced.

    Yields:
        A hidden path in the same folder with the same suffix, removed if the block raises.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f'.partial.{path.name}')
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
