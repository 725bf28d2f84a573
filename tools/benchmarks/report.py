"""Results as Markdown and JSON."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from depth_refine.utils.atomic import whole_file
from depth_refine.utils.errors import InputError

from .comparison import Result, Spread
from .machine import Machine

_HEADER = ('work', 'unit', 'ours', 'peer', "the peer's", 'ratio', 'target', 'of the matrix product', 'verdict')
_VERDICTS = {None: '', True: 'met', False: '**missed**'}


def markdown(machine: Machine, results: Sequence[Result]) -> str:
    """One section: the machine, a table of medians and quartiles, and notes."""
    lines = [
        f'Measured on {machine}.',
        '',
        _row(_HEADER),
        _row(['---'] * 2 + ['---:'] + ['---'] + ['---:'] * 4 + ['---']),
    ]
    lines += [_row(_cells(result)) for result in results]
    notes = [f'- {result.work}: {result.note}.' for result in results if result.note]
    return '\n'.join(lines + ([''] + notes if notes else [])) + '\n'


def to_json(machine: Machine, sections: Mapping[str, Sequence[Result]]) -> dict:
    """All numbers, by section."""
    rows = {name: [dict(asdict(row), met=row.met) for row in results] for name, results in sections.items()}
    for row in (row for results in rows.values() for row in results):
        for key in ('ours', 'theirs', 'ratio'):
            row[key] = row[key] and row[key]._asdict()
    return dict(machine=asdict(machine), sections=rows)


def update_document(path: Path, name: str, block: str) -> None:
    """Put a section between its markers ``<!-- begin NAME -->`` and ``<!-- end NAME -->``.

    Raises:
        InputError: the file or the markers are missing.
    """
    text = check_document(path, name)
    begin, end = _markers(name)
    with whole_file(path) as partial:
        partial.write_text(re.sub(f'{begin}\n.*?{end}', lambda _: f'{begin}\n{block}{end}', text, flags=re.DOTALL))


def check_document(path: Path, name: str) -> str:
    """The text of a document that has a place for a section.

    Raises:
        InputError: see :func:`update_document`.
    """
    begin, end = _markers(name)
    text = path.read_text() if path.is_file() else ''
    if not re.search(f'{begin}\n.*?{end}', text, flags=re.DOTALL):
        raise InputError(f'{path} has no lines {begin!r} and {end!r}, between which the table of {name} would go')
    return text


def _markers(name: str) -> tuple[str, str]:
    return f'<!-- begin {name} -->', f'<!-- end {name} -->'


def _row(cells: Sequence[str]) -> str:
    return f'| {" | ".join(cells)} |'


def _cells(result: Result) -> list[str]:
    sign = '≤' if result.at_most else '≥'
    target = '' if result.target is None else f'{sign} {_number(result.target)}{" ×" if result.ratio else ""}'
    rate = '' if result.share is None else f'{result.flop_rate / 1e9:,.0f} GFLOP/s, {result.share:.0%}'
    ours = '–' if result.ours is None else _spread(result.ours)
    theirs, ratio = ('' if value is None else _spread(value) for value in (result.theirs, result.ratio))
    return [result.work, result.unit, ours, result.peer, theirs, ratio, target, rate, _VERDICTS[result.met]]


def _spread(spread: Spread) -> str:
    if spread.low == spread.high:
        return _number(spread.median)
    return f'{_number(spread.median)} ({_number(spread.low)}–{_number(spread.high)})'


def _number(value: float) -> str:
    """Three significant digits; whole from 100 on."""
    return f'{value:,.0f}' if abs(value) >= 100 else f'{value:.3g}'
