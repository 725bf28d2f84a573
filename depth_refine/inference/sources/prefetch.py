"""Iteration in a background thread, ahead of the consumer."""

import threading
from collections import deque
from collections.abc import Generator, Iterator
from typing import TypeVar

T = TypeVar('T')


def prefetch(items: Generator[T, None, None], size: int, newest: bool = False) -> Iterator[T]:
    """The items of a generator that runs in a background thread, a bounded number of items ahead.

    The thread ends when the items do, when they raise, or when the consumer stops iterating and closes the generator.

    Args:
        items: a generator, which is closed in the end.
        size: number of items that may wait.
        newest: if the queue is full, drop the oldest item instead of pausing; for cameras, which do not wait.

    Yields:
        The items, in order.

    Raises:
        BaseException: whatever ``items`` raises, after the items before it.

    Example:
        >>> from depth_refine.inference.sources.prefetch import prefetch
        >>> list(prefetch((number**2 for number in range(4)), size=2))
        [0, 1, 4, 9]
    """
    waiting, change = deque(maxlen=size), threading.Condition()  # a full one drops the oldest
    closed, ended, failure = False, False, None

    def work() -> None:
        nonlocal ended, failure
        try:
            for item in items:
                with change:
                    change.wait_for(lambda: closed or newest or len(waiting) < size)
                    if closed:
                        break
                    waiting.append(item)
                    change.notify_all()
        except BaseException as error:
            failure = error
        items.close()  # frees files and cameras
        with change:
            ended = True
            change.notify_all()

    thread = threading.Thread(target=work, name='prefetch', daemon=True)
    thread.start()
    try:
        while True:
            with change:
                change.wait_for(lambda: waiting or ended)
                if not waiting:
                    break
                item = waiting.popleft()
                change.notify_all()
            yield item
        if failure is not None:
            raise failure
    finally:
        with change:
            closed = True
            change.notify_all()
        thread.join()
