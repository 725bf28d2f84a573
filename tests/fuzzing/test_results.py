"""Results that experiments leave, and logs of trainings."""

import copy
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from reproduction.cell import Row, Settings, run_cell
from reproduction.stores import provenance

from depth_refine.utils.config import load_config
from depth_refine.visualization import plot_training_curves

METRICS = {'h36m/MPJPE_mm': 41.5, 'h36m/P-MPJPE_mm': 32.25, 'h36m/MPJAE_mm_per_frame2': 3.0}
RESULT = dict(metrics=METRICS, by_action=dict(Walking=dict(MPJPE=41.5)), seconds=12.5)
LOG = [dict(loss=0.5 / step, step=step, epoch=1) for step in range(1, 5)] + [{'h36m/MPJPE_mm': 50.5, 'step': 1}]


def interrupt(*_):
    raise KeyboardInterrupt


@pytest.fixture
def cell(data_root, tmp_path, monkeypatch):
    """A cell whose work is done: reading its result is all that is left, but for its config, which is read once."""
    configs = Path(__file__).parents[2] / 'configs/demo'
    cfg = load_config(str(configs / 'refiner_gt2d.py'), {})
    monkeypatch.setattr('reproduction.cell.load_config', lambda *_: copy.deepcopy(cfg))
    settings = Settings(configs, data_root, tmp_path / 'out')
    row = Row('refiner_gt2d')
    folder = settings.folder(row, 0)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr('reproduction.cell.build_runner', interrupt)
        run_cell(row, 0, settings, tmp_path, {})
    (folder / 'result.json').write_text(json.dumps(RESULT))
    assert run_cell(row, 0, settings, tmp_path, {}) == RESULT
    return folder, lambda: run_cell(row, 0, settings, tmp_path, {})


def test_result(fuzz, damaged, cell):
    folder, read = cell

    def judge(case, result):
        assert result['metrics'] == case['metrics'] and result.get('by_action') == case.get('by_action')
        assert np.isfinite(list(result['metrics'].values())).all()

    fuzz(
        damaged.tree(RESULT),
        lambda case: (folder / 'result.json').write_text(json.dumps(case)),
        read,
        judge,
        names=folder,
    )


@pytest.mark.parametrize('name', ['result.json', 'identity.json'])
def test_result_bytes(fuzz, damaged, cell, name):
    folder, read = cell

    def judge(case, result):
        assert result == RESULT if name == 'identity.json' else result == json.loads(case)

    fuzz(damaged.bytes((folder / name).read_bytes()), (folder / name).write_bytes, read, judge, names=folder)


def test_provenance(fuzz, damaged, tmp_path):
    made = dict(
        config='integral.py',
        checkpoint=dict(sha256='ab', file='a.pth'),
        flip_test=True,
        amp=False,
        bbox_policy='annotation',
    )
    cfg = Config(
        {
            f'{split}_dataloader': dict(dataset=dict(data_root=str(tmp_path), ann_file=f'h36m_{split}.npz'))
            for split in ('train', 'test')
        }
    )
    for split in ('train', 'test'):
        annotation = tmp_path / f'h36m_{split}.npz'
        annotation.write_text(split)
        meta = dict(made, annotation=dict(sha256=hashlib.sha256(split.encode()).hexdigest()), sha256=dict(a=split))
        (tmp_path / f'h36m_{split}').mkdir()
        (tmp_path / f'h36m_{split}/store.json').write_text(json.dumps(meta))
    path = tmp_path / 'h36m_test/store.json'
    contents = provenance(tmp_path, cfg)['content']

    def judge(case, found):
        content = found.pop('content')
        assert found == made and all(case[key] == made[key] for key in made)
        assert case['annotation']['sha256'] == meta['annotation']['sha256']
        same = json.dumps(case.get('sha256'), sort_keys=True) == json.dumps(meta['sha256'], sort_keys=True)
        assert (content == contents) == same

    fuzz(
        damaged.tree(meta),
        lambda case: path.write_text(json.dumps(case)),
        lambda: provenance(tmp_path, cfg),
        judge,
        names=tmp_path,
    )


def test_training_log(fuzz, damaged, tmp_path, monkeypatch):
    log, drawn = tmp_path / 'scalars.json', []

    def save(figure, path, **_):
        drawn[:] = [axes.lines[0].get_xydata().tolist() for axes in figure.axes]
        path.touch()

    monkeypatch.setattr('matplotlib.figure.Figure.savefig', save)

    def judge(case, _):
        """Every number of the log, NaN included, which a training that failed writes."""
        entries = [entry for entry in case if isinstance(entry, dict)]
        for points, key in zip(drawn, ('loss', 'h36m/MPJPE_mm'), strict=True):
            expected = [(float(entry['step']), float(entry[key])) for entry in entries if key in entry]
            np.testing.assert_array_equal(np.reshape(points, (-1, 2)), np.reshape(expected, (-1, 2)))

    fuzz(
        damaged.tree(LOG),
        lambda case: log.write_text('\n'.join(json.dumps(entry) for entry in case)),
        lambda: plot_training_curves({'a run': log}, tmp_path / 'curves.svg'),
        judge,
        names=log,
    )
