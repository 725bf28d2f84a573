import numpy as np
import pytest

from depth_refine.benchmarks import comparison
from depth_refine.benchmarks.comparison import Contender, Result, Spread, compare, take_turns


def test_contenders_run_in_turns_after_a_warm_up():
    calls = []
    contenders = {name: Contender(lambda name=name: calls.append(name), 3) for name in 'ab'}
    rates = take_turns(contenders, rounds=4, seconds=60, device='cpu')
    assert calls == ['a', 'b'] * 5
    assert rates.keys() == {'a', 'b'} and all(values.shape == (4,) for values in rates.values())


def test_rates_are_items_a_second(monkeypatch):
    seconds = iter([0.5, 2.0, 0.25, 8.0])
    monkeypatch.setattr(comparison, 'seconds_of', lambda work, device: next(seconds))
    rates = take_turns(dict(a=Contender(lambda: 0, 10), b=Contender(lambda: 0)), rounds=2, seconds=60, device='cpu')
    assert rates['a'].tolist() == [20, 40] and rates['b'].tolist() == [0.5, 0.125]


def test_no_round_begins_when_time_is_up():
    calls = []
    take_turns(dict(a=Contender(lambda: calls.append(1))), rounds=100, seconds=0, device='cpu')
    assert len(calls) == 2, 'the warm-up and one round'


def test_ratio_is_taken_round_by_round():
    row = compare('w', 'u', np.array([2.0, 4, 9]), 'p', np.array([1.0, 4, 3]), flops=5, ceiling=40, target=2)
    assert row.ratio == Spread(2, 1.5, 2.5), 'the ratio of the medians would be 4 / 3'
    assert row.ours == Spread(4, 3, 6.5) and row.theirs == Spread(3, 2, 3.5)
    assert row.flop_rate == 20 and row.share == 0.5
    assert row.met is True


def test_a_peer_that_is_not_there():
    row = compare('w', 'u', np.array([2.0]), 'p', None, target=1)
    assert row.ratio is row.theirs is row.target is row.met is None and row.peer == 'p'
    assert row.note == 'not compared: no `--videopose3d` was given'


@pytest.mark.parametrize(
    ('ours', 'ratio', 'target', 'at_most', 'met'),
    [
        (5, None, 4, False, True),
        (5, None, 5, True, True),
        (5, None, 4, True, False),
        (5, 0.5, 4, False, False),
        (5, 0.5, 0.6, True, True),
        (5, None, None, False, None),
        (None, None, 4, False, None),
    ],
)
def test_verdict(ours, ratio, target, at_most, met):
    ours, ratio = (value and Spread.of(value) for value in (ours, ratio))
    assert Result('w', 'u', ours, ratio=ratio, target=target, at_most=at_most).met is met
