"""Files and folders that appear only when they are complete."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from depth_refine.errors import InputError


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


@contextmanager
def whole_folder(path: str | Path) -> Iterator[Path]:
    """Fill a temporary sibling that takes its final name when the block ends without an error.

    Args:
        path: the final name, which must not exist; the folder it lies in is made if missing.

    Yields:
        An empty hidden folder beside ``path``, removed with its content if the block raises.

    Raises:
        InputError: the folder cannot be made.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f'.{path.name}.partial-', dir=path.parent))
    except OSError as error:
        raise InputError(f'{path} cannot be made: {error.strerror}') from error
    try:
        yield partial
        partial.chmod(0o755)  # mkdtemp's folders are private
        partial.rename(path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
