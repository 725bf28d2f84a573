import argparse
import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from depth_refine.errors import InputError
from depth_refine.reproduction import ablations, beyond, experiment, table1, table2
from depth_refine.reproduction.experiment import Row, reproduce, run_experiment
from depth_refine.reproduction.summary import missing_cells

CONFIGS = Path(__file__).parents[2] / 'configs'
ROWS = [
    Row('table1/2d_1'),
    Row('broken', 'table1/2d_1', {'model.backbone.in_channels': 51}),
    Row('table1/2d_depth_noise_1'),
]


@pytest.fixture
def arguments(data_root, stores, tmp_path):
    parser = argparse.ArgumentParser()
    experiment.add_arguments(parser)

    def parse(*extra):
        given = ['--data-root', data_root, '--stores', stores, '--out', tmp_path, '--schedule', 'short', '--epochs', 1]
        given += ['--resume'] if any(tmp_path.iterdir()) else []
        return parser.parse_args([*map(str, given), '--seeds', '1', *extra])

    return parse


def test_a_broken_row_does_not_stop_the_others_and_results_are_kept(arguments, tmp_path):
    done = run_experiment(CONFIGS, ROWS, arguments())
    assert list(done.results['table1/2d_1']) == list(done.results['table1/2d_depth_noise_1']) == [0]
    assert done.missing['broken'][0].startswith('ValueError: TemporalConvNet takes 51 channels (17 joints x 3), got')
    assert '- broken, seed 0: ValueError: TemporalConvNet takes 51' in missing_cells(done)
    result = tmp_path / 'table1/2d_1/seed_0/result.json'
    metrics = json.loads(result.read_text())['metrics']
    assert 10 < metrics['h36m/P-MPJPE_mm'] <= metrics['h36m/MPJPE_mm'] < 2000

    before = result.stat().st_mtime_ns
    again = run_experiment(CONFIGS, ROWS, arguments('--only', 'table1/2d_1'))
    assert result.stat().st_mtime_ns == before and again.results['table1/2d_1'][0]['metrics'] == metrics
    assert again.missing['broken'] == {0: 'not run: left out by --only'}

    other = run_experiment(CONFIGS, ROWS[:1], arguments('--epochs', '2'))
    assert other.results['table1/2d_1'] == {}
    assert (
        'holds the work of another schedule (short, 1 epochs instead of short, 2 epochs)'
        in other.missing[ROWS[0].name][0]
    )


def test_an_interrupted_cell_goes_on(arguments, tmp_path, monkeypatch):
    class Killed(BaseException):
        pass

    def killed(*_):
        raise Killed

    monkeypatch.setattr('mmengine.runner.Runner.test', killed)
    with pytest.raises(Killed):
        run_experiment(CONFIGS, ROWS[:1], arguments())
    checkpoint = tmp_path / 'table1/2d_1/seed_0/epoch_1.pth'
    trained = checkpoint.stat().st_mtime_ns
    monkeypatch.undo()
    done = run_experiment(CONFIGS, ROWS[:1], arguments())
    assert done.missing[ROWS[0].name] == {} and checkpoint.stat().st_mtime_ns == trained


def test_files(arguments, tmp_path, capsys):
    table = SimpleNamespace(__name__='a.b.small', ROWS=ROWS[:1], report=lambda done: f'{len(done.results)} row')
    reproduce(table, CONFIGS, arguments())
    assert (tmp_path / 'small.md').read_text() == '1 row'
    content = json.loads((tmp_path / 'small.json').read_text())
    assert content['results']['table1/2d_1']['0']['metrics'] and content['first_stage']['config'] == 'c.py'
    assert '1 row' in capsys.readouterr().out


def test_wrong_arguments(arguments, tmp_path):
    with pytest.raises(InputError, match='--only table1/2d_3: expected some of table1/2d_1, broken'):
        run_experiment(CONFIGS, ROWS, arguments('--only', 'table1/2d_3'))
    with pytest.raises(InputError, match='--seeds: expected at least 1, got 0'):
        run_experiment(CONFIGS, ROWS, arguments('--seeds', '0'))
    args = arguments()
    (tmp_path / 'notes.txt').write_text('mine')
    with pytest.raises(InputError, match='is not empty: give --resume to go on there, or another --out'):
        run_experiment(CONFIGS, ROWS, args)
    with pytest.raises(InputError, match=r'no train annotation .*nowhere'):
        run_experiment(CONFIGS, ROWS, arguments('--data-root', str(tmp_path / 'nowhere')))


@pytest.mark.parametrize('table', [table1, table2, ablations, beyond])
def test_reports_of_the_tables(table, experiment, tmp_path):
    names = [row.name for row in table.ROWS]
    assert len(set(names)) == len(names)
    assert all((CONFIGS / f'{row.config or row.name}.py').is_file() for row in table.ROWS)
    results = {name: experiment.results['a'] for name in names}
    missing = {name: {} for name in names}
    lost = names[-1]
    results[lost], missing[lost] = {}, {0: 'lost'}
    done = experiment._replace(results=results, missing=missing)
    text = table.report(done)
    assert '40.0 ± 1.0' in text and '–' in text and f'- {lost}, seed 0: lost' in text
    if hasattr(table, 'draw'):
        table.draw(done, tmp_path / 'a.png')
        assert (tmp_path / 'a.png').stat().st_size > 10000


@pytest.mark.parametrize('table', [table1, ablations, beyond])
def test_pictures_of_no_result_at_all(table, experiment, tmp_path):
    names = [row.name for row in table.ROWS]
    nothing = experiment._replace(results={name: {} for name in names}, missing={name: {0: 'lost'} for name in names})
    assert 'seed 0: lost' in table.report(nothing)
    if hasattr(table, 'draw'):
        table.draw(nothing, tmp_path / 'a.png')


def test_table1_shows_the_papers_figures(experiment):
    done = experiment._replace(
        results={row.name: experiment.results['a'] for row in table1.ROWS},
        missing={row.name: {} for row in table1.ROWS},
    )
    text = table1.report(done)
    assert (
        '| 2D + depth (σ = 0.1) | 40.0 ± 1.0 (48.4) | 40.0 ± 1.0 (46.4) | 40.0 ± 1.0 (45.9) | 40.0 ± 1.0 (45.6) |'
        in text
    )
    assert '| σ = 0.1 against 2D, 243 frames | -4.2 % | +0.0 ± 3.5 % (-5.7 to +5.7) |' in text
