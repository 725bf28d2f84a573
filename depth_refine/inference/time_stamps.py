"""Time stamps of videos that are missing or do not ascend."""

from collections import deque
from collections.abc import Generator, Iterable, Iterator
from typing import TypeVar

import numpy as np

T = TypeVar('T')

_MOST_WAITING = 4  # in a row, until the next good stamp; a clock that was set back has none
_RECENT = 25


def ascending(items: Iterable[tuple[float | None, T]], usual: float) -> Generator[tuple[float, T], None, int]:
    """Give items whose time stamps are missing or not later than those before times between their neighbours'.

    They follow at the recent median step, or closer where the next good stamp comes sooner.

    Args:
        items: time stamps, seconds, and anything, one after the other.
        usual: seconds from one to the next, as long as no stamps tell.

    Yields:
        The same with times that ascend.

    Returns:
        How many had no good stamp.
    """
    before, waiting, misplaced = None, [], 0
    steps = deque(maxlen=_RECENT)  # seconds between good stamps, for each item

    def between(after: float | None) -> Iterator[tuple[float, T]]:
        nonlocal before
        step = float(np.median(steps)) if steps else usual
        if before is None:
            before = -step if after is None else after - (len(waiting) + 1) * step
        if after is not None:
            room = (after - before) / (len(waiting) + 1)
            step = min(step, room) if steps else room
        for item in waiting:
            before += step
            yield before, item
        waiting.clear()

    for stamp, item in items:
        if stamp is None or (before is not None and stamp <= before):
            misplaced += 1
            waiting.append(item)
            if len(waiting) == _MOST_WAITING:
                yield from between(None)
            continue
        mean = None if before is None else (stamp - before) / (len(waiting) + 1)
        yield from between(stamp)
        yield stamp, item
        before = stamp
        if mean is not None:
            steps.append(mean)
    yield from between(None)
    return misplaced
