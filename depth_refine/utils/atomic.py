"""Files and folders that appear only when they are complete."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from depth_refine.utils.errors import InputError

_locks: set[int] = set()  # file descriptors; a worker process that outlives this one must not keep them
os.register_at_fork(after_in_child=lambda: [os.close(_locks.pop()) for _ in range(len(_locks))])


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
    """An empty hidden folder beside ``path`` for the block alone, removed at its end if it is still there.

    A killed process leaves its folder; the next one that writes ``path`` empties and uses it.

    Args:
        path: what is being written; the folder it lies in is made if missing.

    Raises:
        InputError: the folder cannot be made, or another process that lives is writing ``path``.
        OSError: of the block; one without a file name, as when the disk is full, gets ``path``.
    """
    path = Path(path)
    folder = path.with_name(f'.{path.name}.partial')
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = _make_and_lock(folder)
    except BlockingIOError as error:
        raise InputError(f'another process is writing {path}: wait for its end, or give another name') from error
    except OSError as error:
        raise InputError(f'{path} cannot be made: {error.filename or path}: {error.strerror}') from error
    _locks.add(lock)
    try:
        for leftover in folder.iterdir():
            shutil.rmtree(leftover) if leftover.is_dir() and not leftover.is_symlink() else leftover.unlink()
        yield folder
    except OSError as error:
        if error.errno is not None and error.filename is None:  # a failed write does not know its file
            error.filename = str(path)
        raise
    finally:
        if _is_at(folder, lock):
            shutil.rmtree(folder, ignore_errors=True)
        _locks.discard(lock)
        os.close(lock)


def _make_and_lock(folder: Path) -> int:
    """Make a folder unless it is there, and lock it; returns the file descriptor, whose end is the lock's."""
    while True:
        folder.mkdir(exist_ok=True)
        try:
            lock = os.open(folder, os.O_RDONLY)
        except FileNotFoundError:  # another process has just finished
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise
        except OSError:  # a file system without locks
            pass
        if _is_at(folder, lock):
            return lock
        os.close(lock)


def _is_at(folder: Path, descriptor: int) -> bool:
    """Whether a folder is still where it was opened."""
    return folder.exists() and os.path.samestat(folder.stat(), os.fstat(descriptor))
