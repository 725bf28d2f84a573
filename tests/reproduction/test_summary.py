import numpy as np
import pytest

from depth_refine.reproduction.summary import (
    PROTOCOL2,
    Estimate,
    change,
    conditions,
    estimate,
    markdown,
    missing_cells,
    of_cell,
    per_action,
)


def test_estimates():
    assert estimate([1.0, 2.0, 4.0]) == (pytest.approx(7 / 3), pytest.approx(np.sqrt(7 / 3)))
    assert [str(estimate(values)) for values in ([], [1.0], [1.0, 2.0])] == ['–', '1.0', '1.5 ± 0.7']


def test_cells(experiment):
    assert of_cell(experiment, 'a') == (40, 1)
    assert of_cell(experiment, 'a', PROTOCOL2) == (20, 0.5)
    assert np.isnan(of_cell(experiment, 'c')).all()


def test_changes(experiment):
    assert change(experiment, 'a', Estimate(50.0, 1.0)) == '-20.0 ± 2.8 %'  # sqrt(1 + 1) of 50
    assert change(experiment, 'a', Estimate(40.5, 1.0)) == '-1.2 ± 3.5 % (within the spread)'
    assert change(experiment, 'b', Estimate(50.0, np.nan)) == '-10.0 % (one seed)'
    assert change(experiment, 'c', Estimate(50.0, 1.0)) == '–'


def test_text(experiment):
    assert markdown(['x', 'y'], [['1', Estimate(2.0, 0.5)]]) == '| x | y |\n| --- | --- |\n| 1 | 2.0 ± 0.5 |\n'
    assert '- b, seed 1: InputError: no\n- b, seed 2: not run\n- c, seeds 0, 1, 2: lost\n' in missing_cells(experiment)
    assert missing_cells(experiment._replace(missing={'a': {}})) == ''
    text = conditions(experiment)
    assert 'annotations abc def' in text and 'checkpoint 0123456789abcdef, boxes: annotation' in text
    assert per_action(experiment, {'a': 'A', 'c': 'C'}).splitlines()[2:] == [
        '| first stage | 51.0 | 49.0 |',
        '| A | 41.0 ± 1.0 | 39.0 ± 1.0 |',
        '| C | – | – |',
    ]
