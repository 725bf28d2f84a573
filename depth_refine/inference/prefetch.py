"""Work ahead of whoever iterates."""

import queue
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import TypeVar

T = TypeVar('T')
_END = object()


def prefetch(items: Iterable[T], size: int, newest: bool = False) -> Iterator[T]:
    """Iterate over ``items`` in a thread of its own, a bounded number of items ahead.

    The thread ends when the items do, when they raise, or when the consumer stops iterating and closes the generator.

    Args:
        items: what to iterate over.
        size: so many items wait at most.
        newest: when as many wait, drop the oldest instead of pausing; for cameras, which do not wait.

    Yields:
        The items, in order.

    Raises:
        BaseException: whatever iterating over ``items`` raises, after the items before it.
    """
    waiting: queue.Queue = queue.Queue(size)
    closed = threading.Event()

    def put(entry: object, drops: bool = False) -> bool:
        while not closed.is_set():
            try:
                waiting.put(entry, timeout=0 if drops else 0.05)
                return True
            except queue.Full:
                if drops:
                    with suppress(queue.Empty):  # taken meanwhile
                        waiting.get_nowait()
        return False

    def work() -> None:
        last: object = _END
        try:
            for item in items:
                if not put(item, drops=newest):
                    return
        except BaseException as error:
            last = _Failure(error)
        finally:
            if hasattr(items, 'close'):  # generators free files and cameras here
                items.close()
        put(last)

    thread = threading.Thread(target=work, name='prefetch', daemon=True)
    thread.start()
    try:
        while (entry := waiting.get()) is not _END:
            if isinstance(entry, _Failure):
                raise entry.error
            yield entry
    finally:
        closed.set()
        thread.join()


class _Failure:
    """An exception on its way to the consumer."""

    def __init__(self, error: BaseException) -> None:
        self.error = error
