"""Measurement of several contenders in turns, and the rows of the resulting table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch.utils.benchmark import Timer

HEADER = ('work', 'ours', 'peer', "the peer's", 'ratio (quartiles)', 'target', 'of the matrix product')
_ROUND = 0.5  # seconds that a contender runs in each round, at least


class Contender(NamedTuple):
    """Something that does ``amount`` items of work (frames, windows, images) each time it is called."""

    run: Callable[[], object]
    amount: float = 1


def take_turns(contenders: Mapping[str, Contender], rounds: int, threads: int | None = None) -> dict[str, np.ndarray]:
    """Run all contenders in turns; each turn is a warm-up and half a second or more.

    Args:
        contenders: by name.
        rounds: how often each has its turn.
        threads: number of PyTorch's threads; unchanged if None.

    Returns:
        The rate of each, items a second, in each round: (rounds,).
    """
    rates: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, (run, amount) in contenders.items():
            timer = Timer('run()', globals=dict(run=run), num_threads=threads or torch.get_num_threads())
            rates[name].append(amount / timer.blocked_autorange(min_run_time=_ROUND).median)
    return {name: np.array(values) for name, values in rates.items()}


@dataclass
class Row:
    """A row of the table: medians over rounds, and the median and quartiles of the ratio in each round.

    Attributes:
        work: what was done.
        unit: of ``ours`` and ``theirs``.
        ours: in each round, (rounds,), or measured once.
        peer: the other contender.
        theirs: in the same rounds; None if the peer is not installed.
        target: what the ratio, or ``ours`` where there is no peer, should reach.
        at_most: whether the target is an upper limit.
        ideal: seconds an item at the rate of the large matrix product, where ``ours`` is a rate.
    """

    work: str
    unit: str
    ours: np.ndarray | float
    peer: str = ''
    theirs: np.ndarray | float | None = None
    target: float | None = None
    at_most: bool = False
    ideal: float | None = None

    def as_markdown(self) -> str:
        """A line of the table that :data:`HEADER` begins."""
        theirs = ratio = target = share = ''
        value, unit = np.median(self.ours), self.unit
        if self.theirs is not None:
            value, *quartiles = np.quantile(self.ours / self.theirs, [0.5, 0.25, 0.75])
            theirs = f'{_number(np.median(self.theirs))} {unit}'
            ratio, unit = f'{_number(value)} ({"–".join(map(_number, quartiles))})', '×'
        elif self.peer:
            theirs = 'not given'
        if self.target is not None and theirs != 'not given':
            met = value <= self.target if self.at_most else value >= self.target
            target = f'{"≤" if self.at_most else "≥"} {self.target:g} {unit}: {"met" if met else "**missed**"}'
        if self.ideal is not None:
            share = f'{np.median(self.ours) * self.ideal:.0%}'
        ours = f'{_number(np.median(self.ours))} {self.unit}'
        return markdown_row([self.work, ours, self.peer, theirs, ratio, target, share])


def markdown_row(cells: list[str] | tuple[str, ...]) -> str:
    """A line of a table."""
    return f'| {" | ".join(cells)} |'


def _number(value: float) -> str:
    """Three significant digits; whole from 100 on."""
    return f'{value:,.0f}' if value >= 100 else f'{value:.3g}'
