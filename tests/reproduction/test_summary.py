import numpy as np
import pytest
from scipy import stats

from depth_refine.reproduction.summary import (
    PROTOCOL1,
    PROTOCOL2,
    Estimate,
    change,
    conditions,
    estimate,
    markdown,
    missing_cells,
    of_cell,
    of_first_stage,
    per_action,
)


def test_estimates():
    assert estimate([1.0, 2.0, 4.0]) == (pytest.approx(7 / 3), pytest.approx(np.sqrt(7 / 3)), 3)
    assert [str(estimate(values)) for values in ([], [1.0], [1.0, 2.0])] == ['–', '1.0', '1.5 ± 0.7']


def test_cells(experiment):
    assert of_cell(experiment, 'a') == (40, 1, 3)
    assert of_cell(experiment, 'a', PROTOCOL2) == (20, 0.5, 3)
    assert np.isnan(of_cell(experiment, 'c')[:2]).all()


def test_changes(experiment):
    # of 50: spread sqrt(1 + 1), margin t(0.975, 4 degrees of freedom) * sqrt(1 / 3 + 1 / 3) = 2.776 * 0.816
    assert change(experiment, 'a', Estimate(50.0, 1.0, 3)) == '-20.0 ± 2.8 % (-24.5 to -15.5)'
    # an exact reference, which is 50: t(0.975, 2) * sqrt(1 / 3) = 4.303 * 0.577
    assert change(experiment, 'a', of_first_stage(experiment)) == '-20.0 ± 2.0 % (-25.0 to -15.0)'
    assert change(experiment, 'a', Estimate(50.0, np.nan, 1)) == '-20.0 % (one seed)'
    assert change(experiment, 'b', of_first_stage(experiment)) == '-10.0 % (one seed)'
    assert change(experiment, 'a', of_first_stage(experiment._replace(first_stage_result=None))) == '–'
    assert change(experiment, 'c', Estimate(50.0, 1.0, 3)) == '–'


@pytest.mark.parametrize('others', [[3.0, 4.5], [3.0, 4.5, 9.0, 2.0, 5.0], [7.0, 7.0, 7.0]])
def test_interval_against_scipy(others, experiment):
    values = [result['metrics'][PROTOCOL1] for result in experiment.results['a'].values()]
    interval = stats.ttest_ind(values, others, equal_var=False).confidence_interval()
    low, high = (100 * end / np.mean(others) for end in interval)
    assert change(experiment, 'a', estimate(others)).endswith(f'({low:+.1f} to {high:+.1f})')


def test_seeds_that_agree(experiment):
    results = {seed: dict(metrics={PROTOCOL1: 40.0}) for seed in range(2)}
    agreeing = experiment._replace(results={'a': results})
    assert change(agreeing, 'a', Estimate(50.0, 0.0, 2)) == '-20.0 ± 0.0 % (-20.0 to -20.0)'


def test_text(experiment):
    assert markdown(['x', 'y'], [['1', Estimate(2.0, 0.5, 3)]]) == '| x | y |\n| --- | --- |\n| 1 | 2.0 ± 0.5 |\n'
    assert '- b, seed 1: InputError: no\n- b, seed 2: not run\n- c, seeds 0, 1, 2: lost\n' in missing_cells(experiment)
    assert missing_cells(experiment._replace(missing={'a': {}})) == ''
    text = conditions(experiment)
    assert 'annotations and cameras abc def' in text and 'float32, processes: 1' in text
    assert 'No first stage.' in conditions(experiment._replace(first_stage=None))
    assert 'boxes: annotation' in text and 'checkpoint 0123456789abcdef, boxes: annotation' in text
    assert per_action(experiment, {'a': 'A', 'c': 'C'}).splitlines()[2:] == [
        '| first stage | 51.0 | 49.0 |',
        '| A | 41.0 ± 1.0 | 39.0 ± 1.0 |',
        '| C | – | – |',
    ]
