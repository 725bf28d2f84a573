import json
import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.usefixtures('cells_without_workers')


def test_tables(stores, data_root, tmp_path, run_tool):
    out = tmp_path / 'out'
    shared = ['--data-root', data_root, '--stores', stores, '--out', out, '--schedule', 'short', '--epochs', 1]
    shared += ['--seeds', 1, '--amp', '--resume', '--only']
    for tool, table, row, is_long in (
        ('reproduce_table1', 'table1', 'table1/2d_1', False),
        ('reproduce_table1', 'ablations', 'ablations/flip_test_off', True),
        ('reproduce_table1', 'beyond', 'beyond/dstformer_2d_27', True),
        ('reproduce_table2', 'table2', 'table2/martinez', False),
    ):
        ended = run_tool(tool, *shared, row, *(['--table', table] if tool == 'reproduce_table1' else []))
        text = (out / f'{table}.md').read_text()
        assert f'{text}\nwrote {out / table}.*' in ended.out
        content = json.loads((out / f'{table}.json').read_text())
        assert content['first_stage']['config'] == 'c.py' and content['settings']['seeds'] == 1
        if is_long:  # videos of 12 frames are too short for it
            assert f'1 failed, which {out / table}.md names; all others are in it' in ended.status
            assert f'- {row}, seed 0: InputError: the receptive field, 27 frames' in text
            assert content['results'][row] == {}
        else:
            assert ended.status == 0 and content['results'][row]['0']['metrics']
        assert (out / f'{table}.png').exists() == (table in ('table1', 'ablations'))


def test_first_stage_of_data_that_is_not_there(data_root, tmp_path, run_tool):
    """Each tool looks where its options say."""
    config, out = Path(__file__).parents[3] / 'configs/demo/integral.py', tmp_path / 'out'
    options = ['--data-root', data_root, '--first-stage', config, '--first-stage-data', tmp_path / 'nowhere']
    options += ['--out', out, '--schedule', 'short', '--seeds', 1, '--resume', '--only']
    for tool, row in (('reproduce_table1', 'table1/2d_1'), ('reproduce_table2', 'table2/martinez')):
        ended = run_tool(tool, *options, row)
        assert re.search(r'no first stage: no train annotation .*nowhere', ended.out), ended
