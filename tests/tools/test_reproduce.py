"""``tools/reproduce_table1.py``, ``tools/reproduce_table2.py`` and ``tools/make_metafiles.py``, one after the other."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml

from depth_refine.datasets import H36MAnnotation, write_sequence_store

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.usefixtures('cells_without_workers')


@pytest.fixture
def stores(data_root, tmp_path):
    """The truth, as if a first stage had said it, 5 cm too far."""
    for split in ('train', 'test'):
        annotations = data_root / 'annotation_body3d'
        annotation = H36MAnnotation(annotations / f'fps50/h36m_{split}.npz', annotations / 'cameras.pkl')
        depth = annotation.keypoints_3d[..., 2:] - annotation.keypoints_3d[:, :1, 2:] + 0.05
        keypoints = np.concatenate([annotation.keypoints, depth], axis=-1)
        meta = dict(config='integral_many.py', checkpoint=dict(file='c.pth', sha256='0' * 64), flip_test=False)
        with write_sequence_store(tmp_path / f'stores/h36m_{split}', annotation, 'annotation', meta) as writer:
            writer.write(np.arange(len(annotation)), keypoints, np.ones((len(annotation), 17)))
    return tmp_path / 'stores'


def test_tables_and_metafiles(stores, data_root, tmp_path, run_tool):
    out = tmp_path / 'out'
    shared = ['--data-root', data_root, '--stores', stores, '--out', out, '--schedule', 'short', '--epochs', 1]
    shared += ['--seeds', 1, '--resume', '--only']
    for tool, table, row, is_long in (
        ('reproduce_table1', 'table1', 'table1/2d_1', False),
        ('reproduce_table1', 'ablations', 'ablations/flip_test_off', True),
        ('reproduce_table1', 'beyond', 'beyond/first_stage_noise_27', True),
        ('reproduce_table2', 'table2', 'table2/martinez', False),
    ):
        ended = run_tool(tool, *shared, row, *(['--table', table] if tool == 'reproduce_table1' else []))
        text = (out / f'{table}.md').read_text()
        assert f'{text}\nwrote {out / table}.*' in ended.out
        results = json.loads((out / f'{table}.json').read_text())['results']
        if is_long:  # videos of 12 frames are too short for it
            assert f'1 failed, which {out / table}.md names' in ended.status
            assert f'- {row}, seed 0: InputError: the receptive field, 27 frames' in text and results[row] == {}
        else:
            assert ended.status == 0 and list(results[row]) == ['0']
        assert len(list(out.glob(f'{table}*.png'))) == dict(table1=1, ablations=4).get(table, 0)

    # the tool writes into the repository that it is in
    repository = tmp_path / 'repository'
    shutil.copytree(ROOT / 'configs', repository / 'configs')
    (repository / 'tools').mkdir()
    shutil.copy(ROOT / 'tools/make_metafiles.py', repository / 'tools')
    files = [out / f'{table}.json' for table in ('table1', 'table2', 'beyond')]
    ended = run_tool(repository / 'tools/make_metafiles', '--dataset', 'X', *files)
    assert ended.status == 0, ended.err
    index = yaml.safe_load((repository / 'model-index.yml').read_text())['Import']
    assert index == [f'configs/{folder}/metafile.yml' for folder in ('demo', 'table1', 'table2')]
    for path in index:
        for model in yaml.safe_load((repository / path).read_text())['Models']:
            assert (repository / model['Config']).is_file()
    assert 'expected a name and JSON files' in str(run_tool('make_metafiles', '--dataset', 'X').status)
