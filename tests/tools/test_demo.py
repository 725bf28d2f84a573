import runpy
import sys
from contextlib import nullcontext, redirect_stdout
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import pytest
from motion_file import write_motion

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
    refiners = [(config, str(seed)) for config, seeds in demo.REFINERS.values() for seed in range(seeds)]
    assert tools == first_stage + ['train', 'test'] * len(refiners)
    assert all((ROOT / step.command[0]).is_file() for step in steps)
    assert all((ROOT / step.command[1]).is_file() for step in steps[1:])
    assert steps[0].command[-2:] == ['--motion', 'clips.npz']
    # what a step reads, one before it has made
    extraction = steps[3].command
    assert str(steps[1].result) == extraction[2] and str(tmp_path / 'data/depth_sequences/integral') in extraction
    trained = [step for step in steps[4:] if step.title.startswith('Train')]
    assert [step.result.parts[-3:-1] for step in trained] == [(config, f'seed_{seed}') for config, seed in refiners]
    seeds = [[word.split('=')[1] for word in step.command if word.startswith('randomness.seed=')] for step in trained]
    assert seeds == [[seed] * (seed != '0') for _, seed in refiners], 'which the configs set to 0'
    assert sum(step.seconds for step in steps) < 15 * 60


@pytest.mark.parametrize('end', ['', 'error: no such file'])
def test_progress_is_shown_the_rest_logged_and_its_end_shown_after_a_failure(demo, tmp_path, capsys, end):
    tool, log, progress = tmp_path / 'tool.py', tmp_path / 'log', 'Epoch(train) [1][50/90] eta: 0:01'
    tool.write_text(f"print('2026 - mmengine - INFO - {progress}')\nprint('dump')\nraise SystemExit({end!r} or 0)\n")
    failure = pytest.raises(InputError, match=rf'(?s)Train failed; .*log ends with:\n.*{end}') if end else nullcontext()
    with failure:
        demo.run(demo.Step('Train', 1, [str(tool)], tmp_path / 'epoch_1.pth'), log)
    assert capsys.readouterr().out == f'  {progress}\n' and 'dump' in log.read_text()


SMALL = """
_base_ = ['{path}']
loader = dict(num_workers=0, persistent_workers=False)
train_dataloader = dict(batch_size=32, **loader)
val_dataloader = test_dataloader = loader
model = dict(backbone=dict({backbone}), head=dict({head}))
train_cfg = dict(max_epochs=1)
"""


@pytest.fixture
def small_configs(demo, tmp_path):
    """The demo's configs with few channels and one epoch."""
    folder = tmp_path / 'configs'
    folder.mkdir()
    first = dict(backbone='base_channels=4, stem_channels=4', head='in_channels=16, deconv_out_channels=(8, 8)')
    refiner = dict(backbone='channels=16', head='in_channels=16')
    for name in ('integral', *(config for config, _ in demo.REFINERS.values())):
        parts = first if name == 'integral' else refiner
        (folder / f'{name}.py').write_text(SMALL.format(path=ROOT / f'configs/demo/{name}.py', **parts))
    return folder


@pytest.mark.slow
def test_from_motion_to_the_table(demo, small_configs, run_tool, short_logs, tmp_path, monkeypatch):
    """All steps, in this process; the same command again does nothing that was done."""

    def run(step, log):
        tool, *arguments = step.command
        steps.append(step.title)
        ended = run_tool(Path(tool).stem, *arguments)
        assert ended.status == 0, ended

    write_motion(tmp_path / 'clips.npz', lengths=(28, 30))
    monkeypatch.setitem(demo.main.__globals__, 'CONFIGS', small_configs)
    monkeypatch.setitem(demo.main.__globals__, 'run', run)
    options = ['--motion', tmp_path / 'clips.npz', '--data', tmp_path / 'data', '--out', tmp_path / 'out']
    monkeypatch.setattr(sys, 'argv', ['demo.py', *map(str, options)])
    table, steps = [], []
    for _ in range(2):
        with redirect_stdout(StringIO()) as printed:
            demo.main()
        table.append([line for line in printed.getvalue().splitlines() if line.startswith('| ')])
    assert [row.split(' | ')[0] for row in table[0]] == [
        '| input',
        '| ---',
        '| first stage',
        *(f'| {row}' for row in demo.REFINERS),
    ]
    assert table[0] == table[1] and steps[26:] == ['Extract depth sequences'], 'which keeps its stores'
    assert {path.name for path in (tmp_path / 'out').glob('*.*')} == {
        'table.md',
        'curves.png',
        'poses.png',
        'poses.mp4',
    }
