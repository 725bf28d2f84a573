from types import SimpleNamespace

import numpy as np
import pytest
import torch
from benchmarks import turns
from benchmarks.turns import HEADER, Contender, Row, take_turns


def test_turns_alternate_after_a_warm_up_of_each():
    calls = []
    contenders = {name: Contender(lambda name=name: calls.append((name, torch.get_num_threads()))) for name in 'ab'}
    rates = take_turns(contenders, rounds=3, threads=1)
    order = [name for name, following in zip(calls, [*calls[1:], None], strict=True) if name != following]
    assert order == [('a', 1), ('b', 1)] * 3 and len(calls) >= 2 * len(order)
    assert rates.keys() == {'a', 'b'} and all(values.shape == (3,) and (values > 0).all() for values in rates.values())


def test_rates_are_items_a_second(monkeypatch):
    seconds = iter([0.5, 2, 0.25, 4])
    monkeypatch.setattr(turns.Timer, 'blocked_autorange', lambda *_, **__: SimpleNamespace(median=next(seconds)))
    rates = take_turns(dict(a=Contender(None, 10), b=Contender(None)), rounds=2)
    assert rates['a'].tolist() == [20, 40] and rates['b'].tolist() == [0.5, 0.25]


PEER = dict(peer='P', theirs=np.array([1.0, 4, 3]))  # the ratio of the medians would be 4 / 3


@pytest.mark.parametrize(
    ('columns', 'cells'),
    [
        (dict(), ('', '', '', '', '')),
        (dict(target=4), ('', '', '', '≥ 4 u: met', '')),
        (dict(target=3.5, at_most=True), ('', '', '', '≤ 3.5 u: **missed**', '')),
        (dict(ideal=0.2), ('', '', '', '', '80%')),
        (PEER | dict(target=2), ('P', '3 u', '2 (1.5–2.5)', '≥ 2 ×: met', '')),
        (PEER | dict(target=1, at_most=True), ('P', '3 u', '2 (1.5–2.5)', '≤ 1 ×: **missed**', '')),
        (dict(peer='P', target=1), ('P', 'not given', '', '', '')),
    ],
)
def test_row(columns, cells):
    line = Row('w', 'u', np.array([2.0, 4, 9]), **columns).as_markdown()
    assert line == f'| {" | ".join(["w", "4 u", *cells])} |' and len(cells) + 2 == len(HEADER)
    line = Row('w', 'MB', 12_345.6, 'P', 10_000.0, target=1, at_most=True).as_markdown()
    assert line == '| w | 12,346 MB | P | 10,000 MB | 1.23 (1.23–1.23) | ≤ 1 ×: **missed** |  |'
