import json

import numpy as np
import pytest
import torch
from benchmarks import data_sets, first_stage, metric, refiner
from benchmarks import setup as benchmark_setup
from benchmarks.turns import HEADER, Row

from depth_refine.utils.errors import InputError

SECTIONS = {
    (refiner, 'measure_inference'): 'inference',
    (refiner, 'measure_training'): 'training',
    (refiner, 'measure_streaming'): 'streaming',
    (data_sets, 'measure_windows'): 'windows',
    (first_stage, 'measure'): 'first_stage',
    (metric, 'measure'): 'metric',
    (data_sets, 'measure_annotation'): 'annotation',
}
USUAL = [name for name in SECTIONS.values() if name != 'annotation']


@pytest.fixture
def run(monkeypatch, run_tool):
    """Run the tool with sections that return at once; returns how it ended and the setups."""
    setups = []

    for (module, attribute), name in SECTIONS.items():
        rows = [Row(f'work of {name}', 'm', np.array([2.0, 3.0]))]
        monkeypatch.setattr(module, attribute, lambda setup, rows=rows: setups.append(setup) or iter(rows))
    monkeypatch.setattr(benchmark_setup, 'matrix_rates', lambda device, rows: dict(fp32=1e9, bf16=4e9))
    threads = torch.get_num_threads()
    yield lambda *arguments: (run_tool('benchmark', *arguments), setups)
    torch.set_num_threads(threads)


def test_table_and_numbers(run, tmp_path):
    (tmp_path / 'common').mkdir()
    for name in ('model', 'generators'):
        (tmp_path / f'common/{name}.py').touch()
    options = ['--videopose3d', tmp_path, '--out', tmp_path / 'numbers.json', '--rounds', 5, '--threads', 1]
    ended, setups = run('--only', *USUAL, *USUAL, *options)
    assert ended.status == 0
    machine, _, header, _, *rows = ended.out.splitlines()
    assert machine.startswith('Measured on ') and 'threads: 1' in machine
    assert header == f'| {" | ".join(HEADER)} |'
    assert [row.split(' | ')[0] for row in rows] == [f'| work of {name}' for name in USUAL], 'each once'
    sections = json.loads((tmp_path / 'numbers.json').read_text())['sections']
    assert list(sections) == USUAL and sections['metric'][0]['ours'] == [2, 3]
    assert setups[0].rounds == 5 and setups[0].videopose3d == tmp_path and not setups[0].folder.exists()


def test_nothing_is_measured_in_vain(run, tmp_path, monkeypatch):
    (status, _, _), setups = run('--videopose3d', tmp_path)
    assert status.startswith(f'error: no {tmp_path}/common/model.py: --videopose3d expects a checkout')
    for out in (tmp_path, tmp_path / 'absent' / 'numbers.json'):
        (status, _, _), _ = run('--out', out)
        assert status == f'error: --out {out}: expected the name of a file in an existing folder'
    for option, number in (('--rounds', 0), ('--threads', -5)):
        (status, _, _), _ = run(option, number)
        assert status == f'error: {option}: expected 1 or more, got {number}'
    monkeypatch.setattr(data_sets, 'ANNOTATION_BYTES', 1e18)
    (status, _, _), _ = run('--only', 'annotation')
    assert status.startswith('error: annotation needs 1000000000.0 GB in ') and 'set TMPDIR' in status
    (status, _, printed), _ = run('--only', 'everything')
    assert status == 2 and "invalid choice: 'everything'" in printed
    assert setups == []


def test_finished_sections_are_kept(run, monkeypatch, tmp_path):
    def fail(setup):
        raise InputError('no more')

    monkeypatch.setattr(data_sets, 'measure_windows', fail)
    ended, _ = run('--only', 'metric', 'windows', '--out', tmp_path / 'numbers.json')
    assert ended.status == 'error: no more' and 'work of metric' in ended.out
    assert list(json.loads((tmp_path / 'numbers.json').read_text())['sections']) == ['metric']
