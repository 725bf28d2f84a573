"""Results that experiments leave."""

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

METRICS = {'h36m/MPJPE_mm': 41.5, 'h36m/P-MPJPE_mm': 32.25, 'h36m/MPJAE_mm_per_frame2': 3.0}
RESULT = dict(metrics=METRICS, by_action=dict(Walking=dict(MPJPE=41.5)), seconds=12.5)


def interrupt(*_):
    raise KeyboardInterrupt


@pytest.fixture
def cell(data_root, tmp_path, monkeypatch):
    """A cell whose work is done: reading its result is all that is left, but for its config, which is read once."""
    configs = Path(__file__).parents[2] / 'configs/demo'
    cfg = load_config(str(configs / 'refiner_gt2d.py'), {})
    monkeypatch.setattr('reproduction.cell.load_config', lambda *_: copy.deepcopy(cfg))
    settings, row = Settings(configs, data_root, tmp_path / 'out'), Row('refiner_gt2d')
    folder = settings.folder(row, 0)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr('reproduction.cell.build_runner', interrupt)
        run_cell(row, 0, settings, tmp_path, {})
    (folder / 'result.json').write_text(json.dumps(RESULT))
    return folder, lambda _: run_cell(row, 0, settings, tmp_path, {})


def test_result(fuzz, cell):
    folder, read = cell

    def judge(case, result):
        assert result['metrics'] == case['metrics'] and result.get('by_action') == case.get('by_action')
        assert np.isfinite(list(result['metrics'].values())).all()

    fuzz.tree(folder, RESULT, fuzz.json, read, judge, folder / 'result.json')


@pytest.mark.parametrize('name', ['result.json', 'identity.json'])
def test_result_bytes(fuzz, cell, name):
    folder, read = cell

    def judge(case, result):
        assert result == RESULT if name == 'identity.json' else result == json.loads(case)

    fuzz.bytes(folder, (folder / name).read_bytes(), read, judge, file=folder / name)


def test_provenance(fuzz, tmp_path):
    made = dict(config='integral.py', checkpoint=dict(sha256='ab', file='a.pth'), flip_test=True, amp=False)
    made['bbox_policy'] = 'annotation'
    cfg, metas = Config(), {}
    for split in ('train', 'test'):
        cfg[f'{split}_dataloader'] = dict(dataset=dict(data_root=str(tmp_path), ann_file=f'h36m_{split}.npz'))
        (tmp_path / f'h36m_{split}.npz').write_text(split)
        sha256 = hashlib.sha256(split.encode()).hexdigest()
        metas[split] = dict(made, annotation=dict(sha256=sha256), sha256=dict(a=split))
        (tmp_path / f'h36m_{split}').mkdir()
        (tmp_path / f'h36m_{split}/store.json').write_text(json.dumps(metas[split]))
    meta, contents = metas['test'], provenance(tmp_path, cfg)['content']

    def judge(case, found):
        content = found.pop('content')
        assert found == made and all(case[key] == made[key] for key in made)
        assert case['annotation']['sha256'] == meta['annotation']['sha256']
        same = json.dumps(case.get('sha256'), sort_keys=True) == json.dumps(meta['sha256'], sort_keys=True)
        assert (content == contents) == same

    file = tmp_path / 'h36m_test/store.json'
    fuzz.tree(tmp_path, meta, fuzz.json, lambda folder: provenance(folder, cfg), judge, file)
