"""Ascending times for videos whose time stamps are missing or do not ascend."""

from collections import deque
from collections.abc import Generator, Iterable, Iterator
from typing import TypeVar

import numpy as np

T = TypeVar('T')

_MOST_WAITING = 4  # items that wait for the next good stamp; after a clock was set back, none comes
_RECENT = 25  # steps


def ascending(items: Iterable[tuple[float | None, T]], usual: float) -> Generator[tuple[float, T], None, int]:
    """Items with ascending times: bad time stamps are replaced by times between those of their neighbours.

    A stamp is bad if it is missing or not later than the one before. Its item follows at the recent median step, or
    closer if the next good stamp comes sooner.

    Args:
        items: pairs of a time stamp, seconds, and an item.
        usual: seconds between items, as long as there are no good stamps.

    Yields:
        The same pairs with ascending times.

    Returns:
        How many stamps were bad.

    Example:
        >>> from depth_refine.inference.sources.time_stamps import ascending
        >>> list(ascending([(0.0, 'a'), (0.0, 'b'), (2.0, 'c')], usual=1.0))
        [(0.0, 'a'), (1.0, 'b'), (2.0, 'c')]
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
