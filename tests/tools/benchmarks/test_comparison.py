import numpy as np
import pytest
from benchmarks import comparison
from benchmarks.comparison import Contender, Result, Spread, compare, take_turns


def test_contenders_run_in_turns_after_a_warm_up():
    calls = []
    contenders = {name: Contender(lambda name=name: calls.append(name), 3) for name in 'ab'}
    rates = take_turns(contenders, rounds=4, seconds=60, device='cpu')
    assert calls == ['a', 'a', 'b', 'b'] + ['a', 'b'] * 4
    assert rates.keys() == {'a', 'b'} and all(values.shape == (4,) for values in rates.values())


@pytest.mark.parametrize(('device', 'runs'), [('cpu', (3, 1)), ('cuda', (20, 20))])
def test_rates_are_items_a_second(device, runs, monkeypatch):
    monkeypatch.setattr(comparison, '_ROUND', 0.5)
    seconds = iter([0.2, 2.0, 0.5, 2.0, 0.25, 8.0])  # a run of each, then two rounds
    calls = dict(a=0, b=0)

    def seconds_of(work, device):
        work()
        return next(seconds)

    def count(name):
        calls[name] += 1

    monkeypatch.setattr(comparison, 'seconds_of', seconds_of)
    contenders = dict(a=Contender(lambda: count('a'), 10), b=Contender(lambda: count('b')))
    rates = take_turns(contenders, rounds=2, seconds=60, device=device)
    assert tuple(calls.values()) == tuple(2 + 2 * number for number in runs), 'runs of 0.2 and 2 s fill half a second'
    assert rates['a'].tolist() == [20 * runs[0], 40 * runs[0]] and rates['b'].tolist() == [
        0.5 * runs[1],
        0.125 * runs[1],
    ]


def test_no_round_begins_when_time_is_up():
    calls = []
    take_turns(dict(a=Contender(lambda: calls.append(1))), rounds=100, seconds=0, device='cpu')
    assert len(calls) == 3, 'two to warm up, and one round'


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
