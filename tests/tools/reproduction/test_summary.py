import numpy as np
from reproduction.summary import PROTOCOL1, change, conditions, estimate, markdown, missing_cells, of_cell, per_action
from scipy import stats


def test_estimates(experiment):
    assert [str(estimate(values)) for values in ([], [1.0], [1.0, 2.0])] == ['–', '1.0', '1.5 ± 0.7']
    assert of_cell(experiment, 'a') == (40, 1)
    assert of_cell(experiment, 'a', 'h36m/P-MPJPE_mm') == (20, 0.5)
    assert np.isnan(of_cell(experiment, 'c')).all()


def with_values(experiment, name, values):
    results = {seed: dict(metrics={PROTOCOL1: value}) for seed, value in values.items()}
    return experiment._replace(results=experiment.results | {name: results})


def test_changes_against_the_first_stage(experiment):
    # which has 50: t(0.975, 2 degrees of freedom) * sqrt(1 / 3) = 4.303 * 0.577
    assert change(experiment, 'a') == '-20.0 ± 2.0 % (-25.0 to -15.0)'
    assert change(experiment, 'b') == '-10.0 % (one seed)'
    assert change(experiment, 'c') == '–'
    assert change(experiment._replace(first_stage_result=None), 'a') == '–'


def test_changes_seed_by_seed(experiment):
    """'a' has 39, 40 and 41."""
    paired = with_values(experiment, 'd', {2: 43.0, 1: 42.0, 0: 41.0})
    assert change(paired, 'a', 'd') == '-4.8 ± 0.0 % (-4.8 to -4.8)'
    assert change(paired, 'd', 'a') == '+5.0 ± 0.0 % (+5.0 to +5.0)'
    assert change(with_values(experiment, 'd', {1: 50.0, 7: 1.0}), 'a', 'd') == '-20.0 % (one seed)'
    assert change(experiment, 'a', 'b') == '-13.3 % (one seed)'
    assert change(experiment, 'a', 'c') == '–'


def test_interval_against_scipy(experiment):
    ours, others = [result['metrics'][PROTOCOL1] for result in experiment.results['a'].values()], [35.0, 44.0, 38.0]
    interval = stats.ttest_rel(ours, others).confidence_interval()
    low, high = (100 * end / np.mean(others) for end in interval)
    text = change(with_values(experiment, 'd', dict(enumerate(others))), 'a', 'd')
    assert text.endswith(f'({low:+.1f} to {high:+.1f})')


def test_text(experiment):
    assert markdown(['x', 'y'], [['1', estimate([1.5, 2.5])]]) == '| x | y |\n| --- | --- |\n| 1 | 2.0 ± 0.7 |\n'
    cells = '- b, seed 1: InputError: no\n- b, seed 2: not run\n- c, seeds 0, 1, 2: lost\n'
    assert missing_cells(experiment).endswith(cells)
    assert missing_cells(experiment._replace(missing={'a': {}})) == ''
    assert missing_cells(experiment._replace(missing={'first stage': {0: 'lost'}})).endswith('\n- first stage: lost\n')
    assert per_action(experiment, {'a': 'A', 'c': 'C'}).splitlines()[2:] == [
        '| first stage | 51.0 | 49.0 |',
        '| A | 41.0 ± 1.0 | 39.0 ± 1.0 |',
        '| C | – | – |',
    ]


def test_conditions(experiment):
    text = conditions(experiment)
    assert 'annotations and cameras abc def' in text and 'float32, processes: 1' in text
    assert 'checkpoint 0123456789abcdef, boxes: annotation' in text
    imported = dict(experiment.first_stage, config=None, checkpoint=None)
    assert 'checkpoint unknown, boxes' in conditions(experiment._replace(first_stage=imported))
    assert 'No first stage.' in conditions(experiment._replace(first_stage=None))
