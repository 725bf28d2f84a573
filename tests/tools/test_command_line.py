import argparse
import errno
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

from command_line import add_cfg_options, add_runner_arguments, load_runner_config, run_tool

import pytest
from mmpose.registry import DATASETS, MODELS
from torch.utils.data import DataLoader, Dataset

from depth_refine.utils.errors import InputError

TOOLS = Path(__file__).parents[2] / 'tools'


class FailsInItsWorker(Dataset):
    def __len__(self):
        return 2

    def __getitem__(self, index):
        raise InputError('cannot read the image a.jpg: expected a JPEG')


def wrapped():
    try:
        fails(InputError('no annotation file a.npz'))()
    except InputError as error:  # as mmengine's registry does
        raise InputError(f'class `X` in y.py: {error}')  # noqa: B904


def fails(error):
    def main():
        raise error

    return main


def a_connection_to_a_worker_breaks_off():
    ours, others = multiprocessing.Pipe()
    others.close()
    ours.recv()


@pytest.mark.parametrize(
    ('main', 'message'),
    [
        (wrapped, 'no annotation file a.npz$'),
        (lambda: list(DataLoader(FailsInItsWorker(), num_workers=1)), 'cannot read the image a.jpg: expected a JPEG$'),
        (
            lambda: MODELS.build(dict(type='TCN', in_chanels=34)),
            r"a part of the config .* built: .*argument 'in_chanels'$",
        ),
        (
            lambda: MODELS.build(dict(type='Own')),
            'Own is not in the .*model registry: expected a registered .*_imports',
        ),
        (
            lambda: DATASETS.build(dict(type='mmpose.Human36mDataset', ann_file='a.npz', data_root='nowhere')),
            'Annotation file `nowhere/a.npz` does not exist: --cfg-options data_root=DIR names',
        ),
        (fails(OSError(errno.ENOSPC, 'No space left', 'a.npz')), 'a.npz: No space left. What was finished'),
        (fails(OSError(errno.EROFS, 'Read-only')), 'a file: Read-only. What .* is kept: make room, or give'),
        (fails(RuntimeError('DataLoader worker (pid 7) is killed')), r'a worker .* killed \(DataLoader .* again'),
        (a_connection_to_a_worker_breaks_off, r'a worker process of the data loader was killed \(EOFError\), perhaps'),
        (fails(RuntimeError('[gloo/pair.cc:5] Connection closed')), 'another process of this run has ended: .*closed'),
    ],
)
def test_bad_input_storage_and_other_processes_are_one_message(main, message):
    with pytest.raises(SystemExit, match=f'^error: {message}'):
        run_tool(main)


@pytest.mark.parametrize(
    ('tool', 'arguments', 'message'),
    [
        ('check_data', '', 'absent: expected a data root'),
        ('convert_checkpoint', 'out --source videopose3d', 'absent: no such checkpoint file'),
        ('import_predictions', 'out --keypoints . --joint-order h36m --first-frame 0 --estimator a', 'no annotation'),
        ('make_synthetic', '--motion none.npz', 'none.npz'),
        ('prepare_h36m', 'out', 'absent: expected'),
    ],
)
def test_tools_refuse_in_one_line_and_leave_nothing(run_tool, tmp_path, monkeypatch, tool, arguments, message):
    monkeypatch.chdir(tmp_path)
    status, out, _ = run_tool(tool, 'absent', *arguments.split())
    assert status.startswith('error: ') and message in status and '\n' not in status and out == ''
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    'bug', [ZeroDivisionError(), OSError(errno.EBADF, 'Bad file'), RuntimeError('a'), EOFError(), ValueError()]
)
def test_bugs_keep_their_traceback(bug):
    with pytest.raises(type(bug)):
        run_tool(fails(bug))


def test_a_fault_whose_cause_was_never_raised_is_a_bug():
    def main():
        raise ValueError('of a bug') from KeyError('never raised')

    with pytest.raises(ValueError, match='of a bug'):
        run_tool(main)


def test_work_dir_and_figures(tmp_path):
    path, parser = tmp_path / 'config.py', argparse.ArgumentParser()
    path.write_text("default_hooks = dict(visualization=dict(type='X', enable=False))\nmodel = dict(b=1)\n")
    add_runner_arguments(parser)
    cfg = load_runner_config(parser.parse_args([str(path), '--cfg-options', 'model.b=2']))
    assert cfg.work_dir == 'work_dirs/config' and cfg.model.b == 2 and not cfg.default_hooks.visualization.enable
    words = ['--show-dir', 'figures', '--work-dir', 'w', '--interval', '5']
    cfg = load_runner_config(parser.parse_args([str(path), *words]))
    hook = cfg.default_hooks.visualization
    assert (cfg.work_dir, hook.enable, hook.out_dir, hook.interval) == ('w', True, 'figures', 5)


@pytest.mark.parametrize(
    ('given', 'value'),
    [
        ('/tmp/a folder/synth', '/tmp/a folder/synth'),
        ("'a (1) b'", 'a (1) b'),
        ('[a, 2, (b, 0.5)]', ['a', 2, ('b', 0.5)]),
        (' 1e-3', 1e-3),
        ('None', None),
    ],
)
def test_texts_keep_their_spaces(given, value):
    parser = argparse.ArgumentParser()
    add_cfg_options(parser)
    assert parser.parse_args(['--cfg-options', f'a.b={given}']).cfg_options == {'a.b': value}


@pytest.mark.parametrize('given', [None, 'active'])
def test_waiting_is_chosen_before_pytorch_is_loaded(tmp_path, given):
    """In every tool that loads PyTorch; a stand-in for it prints what it finds."""
    (tmp_path / 'torch.py').write_text("import os, sys; sys.exit(os.environ.get('OMP_WAIT_POLICY'))")
    env = {name: value for name, value in os.environ.items() if name != 'OMP_WAIT_POLICY'}
    env |= dict(PYTHONPATH=f'{tmp_path}') | ({'OMP_WAIT_POLICY': given} if given else {})
    for tool in sorted(TOOLS.glob('*.py')):
        found = subprocess.run([sys.executable, tool], env=env, capture_output=True, text=True).stderr
        assert found == f'{given or "passive"}\n', f'{tool.name}: {found}'
