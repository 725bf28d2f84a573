"""Ours and others, measured in turns."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .machine import seconds_of

_QUEUED = 20  # runs of a round on a GPU, at least
_ROUND = 0.5  # seconds


class Contender(NamedTuple):
    """Something that does ``amount`` items of work (frames, samples, images) each time it is called."""

    run: Callable[[], object]
    amount: float = 1


class Spread(NamedTuple):
    """Median and quartiles."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: np.ndarray | float) -> 'Spread':
        """Of several rounds, or of one number."""
        return cls(*np.quantile(values, [0.5, 0.25, 0.75]).tolist())


@dataclass(frozen=True)
class Result:
    """A row of a table.

    Attributes:
        work: what was done.
        unit: of ``ours`` and ``theirs``.
        ours: None if it could not be measured; ``note`` then says why.
        peer, theirs: who else did it, and how.
        ratio: ours divided by theirs, round by round.
        target: what the ratio, or ``ours`` without a peer, should reach.
        at_most: the target is a limit from above.
        flop_rate: FLOP/s behind ``ours``.
        share: of the machine's measured matrix product that this is.
        note: what one has to know about it.
    """

    work: str
    unit: str
    ours: Spread | None = None
    peer: str = ''
    theirs: Spread | None = None
    ratio: Spread | None = None
    target: float | None = None
    at_most: bool = False
    flop_rate: float | None = None
    share: float | None = None
    note: str = ''

    @property
    def met(self) -> bool | None:
        """Whether the median reaches the target; None without either."""
        value = self.ratio or self.ours
        if value is None or self.target is None:
            return None
        return value.median <= self.target if self.at_most else value.median >= self.target


def take_turns(contenders: Mapping[str, Contender], rounds: int, seconds: float, device: str) -> dict[str, np.ndarray]:
    """Run all contenders once to warm up, once to see how often each runs in half a second, then in turns so often.

    Args:
        contenders: by name.
        rounds: how often each runs.
        seconds: no round begins later than this, but there is at least one.
        device: ``'cpu'`` or ``'cuda'``, where a round queues at least 20 runs, lest the card wait for Python.

    Returns:
        The rate of each, items a second, in each round.
    """
    rates: dict[str, list[float]] = {name: [] for name in contenders}
    calls = {}
    for name, contender in contenders.items():
        contender.run()
        calls[name] = max(math.ceil(_ROUND / seconds_of(contender.run, device)), 1 if device == 'cpu' else _QUEUED)
    start, done = time.perf_counter(), 0
    while done == 0 or (done < rounds and time.perf_counter() - start < seconds):
        for name, contender in contenders.items():
            seconds_spent = seconds_of(lambda name=name, run=contender.run: [run() for _ in range(calls[name])], device)
            rates[name].append(calls[name] * contender.amount / seconds_spent)
        done += 1
    return {name: np.array(values) for name, values in rates.items()}


def compare(
    work: str,
    unit: str,
    ours: np.ndarray | float,
    peer: str = '',
    theirs: np.ndarray | float | None = None,
    flops: float | None = None,
    ceiling: float | None = None,
    target: float | None = None,
    **columns,
) -> Result:
    """A row that sets ours beside a peer's, or ours alone.

    Args:
        work: what was done.
        unit: of both.
        ours: in each round, or one number.
        peer: who else did it.
        theirs: in the same rounds; a peer without numbers was not there, which the row says.
        flops: floating-point operations of an item, where ``ours`` is a rate.
        ceiling: FLOP/s of which a share is reported.
        target: see :class:`Result`.
        columns: other attributes of :class:`Result`.
    """
    if peer and theirs is None:
        target, columns['note'] = None, 'not compared: no `--videopose3d` was given'
    return Result(
        work,
        unit,
        Spread.of(ours),
        peer,
        None if theirs is None else Spread.of(theirs),
        None if theirs is None else Spread.of(np.asarray(ours) / np.asarray(theirs)),
        target=target,
        flop_rate=None if flops is None else float(np.median(ours)) * flops,
        share=None if flops is None or ceiling is None else float(np.median(ours)) * flops / ceiling,
        **columns,
    )
