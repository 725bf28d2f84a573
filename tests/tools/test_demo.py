import importlib.util
import sys
from pathlib import Path

import pytest

from depth_refine.utils.errors import InputError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def demo(monkeypatch):
    monkeypatch.chdir(ROOT)
    spec = importlib.util.spec_from_file_location('demo', ROOT / 'tools/demo.py')
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, 'demo', module)
    spec.loader.exec_module(module)
    return module


def test_plan_goes_from_data_to_the_last_evaluation(demo, tmp_path):
    steps = demo.plan(tmp_path / 'data', tmp_path / 'out', motion='clips.npz')
    tools = [Path(step.command[0]).stem for step in steps]
    first_stage = ['make_synthetic', 'train', 'test', 'extract_depth_sequences']
    assert tools == first_stage + ['train', 'test'] * len(demo.REFINERS)
    assert all((ROOT / step.command[0]).is_file() for step in steps)
    assert all((ROOT / step.command[1]).is_file() for step in steps[1:])
    assert steps[0].command[-2:] == ['--motion', 'clips.npz']
    # what a step reads, one before it has made
    extraction = steps[3].command
    assert str(steps[1].result) == extraction[2] and str(tmp_path / 'data/depth_sequences/integral') in extraction
    assert sum(step.seconds for step in steps) < 15 * 60


def test_a_failing_step_shows_the_end_of_its_log(demo, tmp_path):
    tool = tmp_path / 'tool.py'
    tool.write_text("print('reading')\nraise SystemExit('error: no such file')\n")
    with pytest.raises(InputError, match=r'(?s)Evaluate failed; .*log ends with:\n.*error: no such file'):
        demo.run(demo.Step('Evaluate', 1, [str(tool)], tmp_path / 'metrics.json'), tmp_path / 'log')


def test_progress_is_shown_and_the_rest_only_logged(demo, tmp_path, capsys):
    tool = tmp_path / 'tool.py'
    tool.write_text("print('2026 - mmengine - INFO - Epoch(train) [1][50/90] eta: 0:01')\nprint('config dump')\n")
    demo.run(demo.Step('Train', 1, [str(tool)], tmp_path / 'epoch_1.pth'), tmp_path / 'log')
    assert capsys.readouterr().out == '  Epoch(train) [1][50/90] eta: 0:01\n'
    assert 'config dump' in (tmp_path / 'log').read_text()
