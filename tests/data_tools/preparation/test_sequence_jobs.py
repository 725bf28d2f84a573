import pytest

from depth_refine.data_tools.preparation.raw_h36m import SequenceError, SequenceKey
from depth_refine.data_tools.preparation.sequence_jobs import run_jobs

KEYS = [SequenceKey('S1', f'Eating {take}', '54138969') for take in range(4)]


def halve(number):
    if number % 2:
        raise SequenceError(f'{number} is odd')
    return number // 2


@pytest.mark.parametrize('workers', [1, 2])
def test_results_in_order_and_errors_apart(workers, capsys):
    errors = {}
    jobs = dict(zip(KEYS, [(8,), (5,), (4,), (2,)], strict=True))
    amounts = dict.fromkeys(KEYS, 10)
    results = run_jobs(halve, jobs, amounts, workers, errors.__setitem__, desc='halving', unit='half')
    assert list(results.items()) == [(KEYS[0], 4), (KEYS[2], 2), (KEYS[3], 1)]
    assert {key: str(error) for key, error in errors.items()} == {KEYS[1]: '5 is odd'}
    assert 'halving: 100%' in (progress := capsys.readouterr().err) and '40/40' in progress


def test_other_errors_end_it():
    with pytest.raises(TypeError):
        run_jobs(halve, {KEYS[0]: ('x',)}, {KEYS[0]: 1}, 1, lambda *_: None)
