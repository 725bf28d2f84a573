"""Two processes without GPUs, as ``tools/dist_train.sh`` and ``tools/dist_test.sh`` start them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import FUNCTIONS
from mmengine.runner import Runner
from mmpose.registry import DATASETS, MODELS

import depth_refine  # noqa: F401  # registers everything

pytestmark = [pytest.mark.slow, pytest.mark.posix]

ROOT = Path(__file__).parents[1]

# Nothing is random, and every process writes down its losses.
CONFIG = """
_base_ = ['{root}/configs/{base}.py']
custom_imports = dict(imports=['depth_refine', 'loss_recorder'])

target = dict(type='GenerateSequenceTarget', encoder={{{{_base_.codec}}}})
plain = dict(num_workers=0, persistent_workers=False)
data = dict(data_root='{data_root}', input_source='gt2d+gtdepth', {data})
train_dataloader = dict(
    batch_size={batch_size}, sampler=dict(shuffle=False), dataset=dict(pipeline={pipeline}, **data), **plain
)
test_dataloader = dict(dataset=dict(indices=7, **data), **plain)  # four for one process, three for the other
val_dataloader = val_cfg = val_evaluator = None

model = dict(backbone=dict({backbone}), head=dict({head}))
load_from = '{checkpoint}'
optim_wrapper = dict(optimizer=dict(lr=1e-3))
param_scheduler = []
train_cfg = dict(max_epochs=2)
default_hooks = dict(checkpoint=dict(save_best=None))
custom_hooks = [dict(type='SyncBuffersHook'), dict(type='LossRecorder')]
"""
RECORDER = """
from pathlib import Path
from mmengine.hooks import Hook
from mmpose.registry import HOOKS

@HOOKS.register_module()
class LossRecorder(Hook):
    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        with Path(runner.work_dir, f'losses_{runner.rank}.txt').open('a') as file:
            print(float(outputs['loss']), file=file)
"""
CONVOLUTIONS = dict(
    base='refiner_27',
    batch_size=12,
    data='seq_len=9',
    pipeline='[target]',
    backbone='channels=32, num_blocks=1, dropout=0',
    head='in_channels=32',
)
TRANSFORMER = dict(  # which has no batch norm
    base='beyond/dstformer_2d_depth_27',
    batch_size=2,
    data='clip_len=6',
    pipeline='[target]',
    backbone='feat_size=16, depth=1, num_heads=2, seq_len=6',
    head='in_channels=16, embedding_size=16',
)


class Experiment:
    """A config, its initial weights and runs of it."""

    def __init__(self, folder, data_root, parts):
        self.folder, self.path, checkpoint = folder, folder / 'config.py', folder / 'initial.pth'
        (folder / 'loss_recorder.py').write_text(RECORDER)
        self.path.write_text(CONFIG.format(root=ROOT, data_root=data_root, checkpoint=checkpoint, **parts))
        self.cfg = Config.fromfile(self.path, import_custom_modules=False)
        torch.manual_seed(0)
        self.model = MODELS.build(self.cfg.model)
        torch.save(self.model.state_dict(), checkpoint)

    def launch(self, tool, *arguments):
        """Two processes by the launcher."""
        command = [ROOT / f'tools/dist_{tool}.sh', self.path, *arguments, '--work-dir', self.folder / 'two']
        variables = dict(os.environ, PYTHON=sys.executable, PYTHONPATH=f'{ROOT}:{self.folder}', OMP_NUM_THREADS='1')
        done = subprocess.run(
            list(map(str, command)), cwd=self.folder, env=variables, capture_output=True, text=True, timeout=600
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]

    def losses(self):
        """What the two processes wrote down, (2, iterations)."""
        return np.array([np.loadtxt(self.folder / f'two/losses_{rank}.txt') for rank in range(2)])

    def train_here(self, parts):
        """Losses of a plain loop over double batches, (parts, iterations): the mean of the parts' losses is minimised.

        Two parts are what two processes would get.
        """
        loader = self.cfg.train_dataloader
        dataset, collate = DATASETS.build(loader.dataset), FUNCTIONS.get(loader.collate_fn.type)
        optimiser = build_optim_wrapper(self.model, self.cfg.optim_wrapper)
        double, losses = 2 * loader.batch_size, []
        for first in 2 * list(range(0, len(dataset), double)):
            shares = [list(range(first + part, first + double, parts)) for part in range(parts)]
            inputs = [self.model.data_preprocessor(collate(dataset.__getitems__(share)), True) for share in shares]
            outputs = [self.model.parse_losses(self.model(**batch, mode='loss'))[0] for batch in inputs]
            optimiser.update_params(sum(outputs) / parts)
            losses.append([loss.item() for loss in outputs])
        return np.transpose(losses)


def test_two_processes_equal_one_with_the_double_batch(tmp_path, data_root):
    experiment = Experiment(tmp_path, data_root, TRANSFORMER)
    experiment.launch('train', 2)
    two, (one,) = experiment.losses(), experiment.train_here(parts=1)
    assert one.shape == (8,) and (one[4:] < one[:4] - 0.01).all()  # the weights have moved
    assert np.abs(two[0] - two[1]).max() > 1e-3  # each had its half
    np.testing.assert_allclose(two.mean(0), one, rtol=1e-5)


def test_batch_norm_of_each_process_is_its_own(tmp_path, data_root):
    experiment = Experiment(tmp_path, data_root, CONVOLUTIONS)
    experiment.launch('train', 2)
    losses = experiment.losses()
    np.testing.assert_allclose(losses, experiment.train_here(parts=2), rtol=1e-4)
    assert losses.shape == (2, 8) and (losses[:, 4:] < losses[:, :4] - 0.01).all()

    checkpoint = tmp_path / 'two/epoch_2.pth'
    experiment.launch('test', checkpoint, 2, '--out', tmp_path / 'metrics.json')
    experiment.cfg.update(work_dir=str(tmp_path / 'one'), load_from=str(checkpoint), custom_hooks=[])
    expected = Runner.from_cfg(experiment.cfg).test()
    assert json.loads((tmp_path / 'metrics.json').read_text()) == pytest.approx(expected, rel=1e-6)
