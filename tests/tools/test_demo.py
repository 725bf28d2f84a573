import runpy
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest

from depth_refine.utils.errors import InputError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def demo(monkeypatch):
    monkeypatch.chdir(ROOT)
    return SimpleNamespace(**runpy.run_path('tools/demo.py'))


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


@pytest.mark.parametrize('end', ['', 'error: no such file'])
def test_progress_is_shown_the_rest_logged_and_its_end_shown_after_a_failure(demo, tmp_path, capsys, end):
    tool, log, progress = tmp_path / 'tool.py', tmp_path / 'log', 'Epoch(train) [1][50/90] eta: 0:01'
    tool.write_text(f"print('2026 - mmengine - INFO - {progress}')\nprint('dump')\nraise SystemExit({end!r} or 0)\n")
    failure = pytest.raises(InputError, match=rf'(?s)Train failed; .*log ends with:\n.*{end}') if end else nullcontext()
    with failure:
        demo.run(demo.Step('Train', 1, [str(tool)], tmp_path / 'epoch_1.pth'), log)
    assert capsys.readouterr().out == f'  {progress}\n' and 'dump' in log.read_text()
