"""Files and folders that appear only when they are complete."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from depth_refine.utils.errors import InputError

_LOCK = 'lock'
_WITHOUT_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP)  # errors of file systems without locks
_ATTEMPTS = 100


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Write to a temporary file that takes its final name when the block ends without an error.

    Args:
        path: the final name; its folder is made if missing, a file already there is replaced.

    Yields:
        A path of the same name in a :func:`hidden_folder`.

    Raises:
        InputError: see :func:`hidden_folder`.
    """
    path = Path(path)
    with hidden_folder(path) as folder:
        yield folder / path.name
        (folder / path.name).replace(path)


@contextmanager
def whole_folder(path: str | Path) -> Iterator[Path]:
    """Fill a temporary folder that takes its final name when the block ends without an error.

    Args:
        path: the final name, which must not exist; the folder it lies in is made if missing.

    Yields:
        A :func:`hidden_folder`.

    Raises:
        InputError: see :func:`hidden_folder`.
    """
    path = Path(path)
    with hidden_folder(path) as folder:
        yield folder
        folder.rename(path)


@contextmanager
def hidden_folder(path: str | Path) -> Iterator[Path]:
    """An empty hidden folder beside ``path`` for the length of a block; what is left of it is removed at the end.

    It is ``content`` in ``.NAME.partial``, beside a locked file. A killed process leaves both behind, with a free lock:
    the next process that writes ``path`` empties the folder and uses it.

    Args:
        path: what is being written; the folder it lies in is made if missing.

    Raises:
        InputError: the folder cannot be made, or another running process is writing ``path``.
        OSError: of the block; one without a file name, as when the disk is full, gets ``path``.
    """
    path = Path(path)
    outer = path.with_name(f'.{path.name}.partial')
    try:
        lock = _make_and_lock(outer)
    except Timeout as error:
        raise InputError(f'another process is writing {path}: wait for its end, or give another name') from error
    except OSError as error:
        raise InputError(f'{path} cannot be made: {error.filename or path}: {error.strerror}') from error
    try:
        _empty(outer)
        (outer / 'content').mkdir()
        yield outer / 'content'
    except OSError as error:
        if error.errno is not None and error.filename is None:  # a failed write does not name its file
            error.filename = str(path)
        raise
    finally:
        with suppress(OSError):
            _empty(outer)
            (outer / _LOCK).unlink()  # while locked: a process that has just opened it sees that it is gone
        lock.release()
        with suppress(OSError):  # the next process may be there already
            outer.rmdir()


def _make_and_lock(folder: Path) -> FileLock:
    """Make a folder unless it is there, and lock a file in it, unless the file system has no locks."""
    lock = FileLock(folder / _LOCK, blocking=False)
    for attempts_left in reversed(range(_ATTEMPTS)):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock.acquire()
            break
        except (FileNotFoundError, FileExistsError):  # another process has just finished, unless the error stays
            if not attempts_left:
                raise
        except OSError as error:
            if error.errno in _WITHOUT_LOCKS:
                break
            raise
    return lock


def _empty(folder: Path) -> None:
    """Remove all but the lock."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != _LOCK:
            path.unlink()
