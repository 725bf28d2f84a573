import argparse
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from reproduction import experiment
from reproduction.cell import Row
from reproduction.experiment import run_experiment
from reproduction.summary import missing_cells
from reproduction.tables import ablations, beyond, table1, table2

from depth_refine.utils.errors import InputError

pytestmark = pytest.mark.usefixtures('cells_without_workers')

CONFIGS = Path(__file__).parents[3] / 'configs'
ROW_2D, ROW, GT_ROW = (table1.row(kind, 1) for kind in ('2d', '2d_depth_noise', 'gt2d'))
BROKEN = ROW_2D._replace(name='broken', options=ROW_2D.options | {'model.backbone.in_channels': 51})


class Killed(BaseException):
    """As a signal."""


def killed(*_, **__):
    raise Killed


@pytest.fixture
def arguments(data_root, stores, tmp_path):
    parser = argparse.ArgumentParser()
    experiment.add_arguments(parser)

    def parse(*extra, stores=stores):
        given = ['--data-root', data_root, '--out', tmp_path / 'out', '--schedule', 'short', '--epochs', 1]
        given += ['--stores', stores] if stores else []
        given += ['--resume'] if (tmp_path / 'out').exists() else []
        return parser.parse_args([*map(str, given), '--seeds', '1', *map(str, extra)])

    return parse


@pytest.mark.slow
def test_a_broken_row_does_not_stop_the_others_and_results_are_kept(arguments, tmp_path):
    rows = [Row('nowhere'), ROW_2D, BROKEN, ROW]
    done = run_experiment(CONFIGS, rows, arguments())
    assert list(done.results[ROW_2D.name]) == list(done.results[ROW.name]) == [0]
    assert done.missing['broken'][0].startswith('InputError: TemporalConvNet takes 51 channels, got')
    assert '- broken, seed 0: InputError: TemporalConvNet takes 51' in missing_cells(done)
    assert 'nowhere' in done.missing['nowhere'][0] and done.failed == 2
    result = tmp_path / 'out/table1/2d_1/seed_0/result.json'
    metrics = json.loads(result.read_text())['metrics']
    assert 10 < metrics['h36m/P-MPJPE_mm'] <= metrics['h36m/MPJPE_mm'] < 2000

    before = result.stat().st_mtime_ns
    again = run_experiment(CONFIGS, rows, arguments('--only', ROW_2D.name))
    assert result.stat().st_mtime_ns == before and again.results[ROW_2D.name][0]['metrics'] == metrics
    assert again.missing['broken'] == {0: 'not run: left out by --only'} and again.failed == 0

    result.write_text(result.read_text().replace(str(metrics['h36m/MPJPE_mm']), 'NaN'))
    lost = run_experiment(CONFIGS, [ROW_2D], arguments()).missing[ROW_2D.name][0]
    assert "result.json: expected finite numbers in 'metrics' and 'by_action', got {'metrics'" in lost

    corrected = run_experiment(CONFIGS, [BROKEN._replace(options=ROW_2D.options)], arguments())
    assert list(corrected.results['broken']) == [0]


@pytest.mark.slow
def test_an_interrupted_cell_goes_on(arguments, tmp_path, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr('mmengine.runner.Runner.test', killed)
        run_experiment(CONFIGS, [ROW_2D], arguments('--epochs', '2'))
    rows = [ROW_2D, GT_ROW]
    left_out = run_experiment(CONFIGS, rows, arguments('--epochs', '2', '--only', GT_ROW.name))
    assert left_out.missing[ROW_2D.name] == {0: 'interrupted after epoch_2: left out by --only'}

    folder = tmp_path / 'out/table1/2d_1/seed_0'
    trained = torch.load(folder / 'epoch_2.pth', weights_only=False)['state_dict']
    assert (folder / 'epoch_1.pth').exists()
    done = run_experiment(CONFIGS, rows, arguments('--epochs', '2'))
    assert done.missing == {row.name: {} for row in rows}
    # a finished cell keeps its weights alone
    for name in ('epoch_1.pth', 'epoch_2.pth'):
        kept = torch.load(folder / name, weights_only=False)
        assert kept.keys() == {'meta', 'state_dict', 'message_hub'}
    torch.testing.assert_close(kept['state_dict'], trained, atol=0, rtol=0)

    # which is enough to make a lost result again
    result = json.loads((folder / 'result.json').read_text())['metrics']
    (folder / 'result.json').unlink()
    again = run_experiment(CONFIGS, rows, arguments('--epochs', '2'))
    assert again.results[ROW_2D.name][0]['metrics'] == pytest.approx(result)


def test_rows_on_true_inputs_need_no_first_stage(arguments, tmp_path, monkeypatch):
    monkeypatch.setattr(experiment, 'make_stores', killed)
    done = run_experiment(CONFIGS, [ROW, GT_ROW], arguments('--only', GT_ROW.name, stores=None))
    assert list(done.results[GT_ROW.name]) == [0]
    assert done.first_stage is done.first_stage_result is None and done.failed == 0
    done = run_experiment(CONFIGS, [ROW, GT_ROW], arguments(stores=tmp_path / 'nowhere'))
    assert list(done.results[GT_ROW.name]) == [0] and done.results[ROW.name] == {}
    for name in (ROW.name, 'first stage'):
        assert 'no depth sequence store' in done.missing[name][0]
    assert f'- {ROW.name}, seed 0: InputError: ' in missing_cells(done)


@pytest.mark.slow
def test_from_images_to_a_table(arguments, data_root, tmp_path, monkeypatch):
    """A first stage of four images of another data root, a row on it, and one with bounding boxes of its own."""
    shutil.copytree(data_root, tmp_path / 'others')
    path = tmp_path / 'others/annotation_body3d/fps50/h36m_train.npz'
    with np.load(path) as arrays:
        halves = {key: array[: len(array) // 2] for key, array in arrays.items()}
    np.savez(path, **halves)
    first_stage_config = tmp_path / 'quick.py'
    first_stage_config.write_text(f"""
_base_ = ['{CONFIGS / 'demo/integral.py'}']
model = dict(
    backbone=dict(stem_channels=8, base_channels=8), head=dict(in_channels=32, deconv_out_channels=(16, 16))
)
train_dataloader = dict(batch_size=4, num_workers=0, persistent_workers=False, dataset=dict(frame_step=24))
test_dataloader = dict(num_workers=0, persistent_workers=False)
train_cfg = dict(max_epochs=1)
""")
    rows = [ROW, Row('boxes', ROW.config, bbox_policy='pelvis_2m')]
    options = ['--first-stage', first_stage_config, '--first-stage-data', tmp_path / 'others']
    done = run_experiment(CONFIGS, rows, arguments(*options, stores=None))
    assert done.missing == {row.name: {} for row in rows} and done.failed == 0
    assert (done.first_stage['config'], done.first_stage['bbox_policy']) == ('quick.py', 'annotation')
    assert done.first_stage_result['metrics']['h36m/MPJPE_mm'] > 10
    for suffix in ('', '_pelvis_2m'):
        for split in ('train', 'test'):
            assert (tmp_path / f'out/depth_sequences{suffix}/h36m_{split}/store.json').exists()

    # nothing is made again, and not in a folder of something else
    monkeypatch.setattr('mmengine.runner.Runner.train', killed)
    again = run_experiment(CONFIGS, rows, arguments(*options, stores=None))
    assert again.results == done.results
    other = run_experiment(CONFIGS, rows, arguments(*options[:2], stores=None))
    assert 'first_stage holds the work of another data' in other.missing['first stage'][0]
    first_stage_config.write_text(first_stage_config.read_text().replace('frame_step=24', 'frame_step=12'))
    other = run_experiment(CONFIGS, rows, arguments(*options, stores=None))
    assert other.results == {row.name: {} for row in rows} and other.failed == 3
    assert 'first_stage holds the work of another config' in other.missing['first stage'][0]


def test_wrong_arguments(arguments, tmp_path):
    for extra, message in (
        (['--only', 'table1/2d_3'], '--only table1/2d_3: expected some of table1/2d_1, table1/gt2d_1'),
        (['--seeds', '0'], '--seeds: expected at least 1, got 0'),
        (['--epochs', '0'], '--epochs: expected at least 1, got 0'),
        (['--first-stage', 'c.py'], 'give --stores, or the --first-stage that is to make them, not both'),
        (['--data-root', tmp_path / 'nowhere'], r'no train annotation .*nowhere'),
    ):
        with pytest.raises(InputError, match=message):
            run_experiment(CONFIGS, [ROW_2D, GT_ROW], arguments(*extra))
    with pytest.raises(InputError, match=r'--first-stage: no config .*nowhere\.py'):
        run_experiment(CONFIGS, [ROW_2D, GT_ROW], arguments('--first-stage', tmp_path / 'nowhere.py', stores=None))
    args = arguments()
    (tmp_path / 'out').mkdir()
    (tmp_path / 'out/notes.txt').write_text('mine')
    with pytest.raises(InputError, match='is not empty: give --resume to go on there, or another --out'):
        run_experiment(CONFIGS, [ROW_2D, GT_ROW], args)


@pytest.mark.parametrize('table', [table1, table2, ablations, beyond])
def test_reports_of_the_tables(table, experiment, tmp_path):
    *others, lost = [row.name for row in table.ROWS]
    results = dict.fromkeys(others, experiment.results['a']) | {lost: {}}
    done = experiment._replace(results=results, missing={lost: {0: 'no power'}})
    text = table.summarise(done)
    assert '40.0 ± 1.0' in text and '–' in text and f'- {lost}, seed 0: no power' in text
    if table is table1:
        assert '50.0 (48.9). Its depths are off by 30.0 mm, on the training data by 20.0 mm.' in text
        row = '| 2D + depth (σ = 0.1) | 40.0 ± 1.0 (48.4) | 40.0 ± 1.0 (46.4) | 40.0 ± 1.0 (45.9) | 40.0 ± 1.0 (45.6) |'
        assert row in text and '| σ = 0.1 against 2D, 243 frames | -4.2 % | +0.0 ± 0.0 % (+0.0 to +0.0) |' in text
    no_results = {name: {} for name in results}
    nothing = done._replace(first_stage=None, first_stage_result=None, results=no_results)
    assert 'seed 0: no power' in table.summarise(nothing)
    for of, name in ((done, 'done.png'), (nothing, 'nothing.png')):
        if hasattr(table, 'draw'):
            table.draw(of, tmp_path / name)
            assert (tmp_path / name).stat().st_size > 9000
