"""The same seed on the same machine gives the same losses, weights and tables, with loader workers.

That synthetic data are the same bytes is shown in ``synthetic/test_writer.py``.
"""

import hashlib
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner

pytestmark = pytest.mark.usefixtures('short_logs')
ROOT = Path(__file__).parents[1]
SMALL = dict(
    integral=dict(
        model=dict(backbone=dict(depth=18), head=dict(depth_bins=4, deconv_out_channels=(8, 8))),
        train_dataloader=dict(dataset=dict(frame_step=3)),
    ),
    refiner=dict(
        model=dict(backbone=dict(channels=16, num_blocks=1), head=dict(in_channels=16)),
        train_dataloader=dict(dataset=dict(seq_len=9, input_source='gt2d+gtdepth', frame_step=1)),
        test_dataloader=dict(dataset=dict(seq_len=9, input_source='gt2d+gtdepth')),
    ),
)


class Losses(list, Hook):
    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.append(float(outputs['loss']))


def train_and_test(folder, data_root, stage, **changes):
    """Losses of two epochs, a hash of the weights, the metrics and the table, with two loader workers."""
    cfg = Config.fromfile(ROOT / f'configs/demo/{stage}.py')
    cfg.merge_from_dict(SMALL[stage])
    for split in ('train', 'test'):
        cfg[f'{split}_dataloader'].dataset.data_root = str(data_root)
    cfg.train_dataloader.update(batch_size=16, num_workers=2)
    cfg.test_dataloader.update(num_workers=1)
    cfg.train_cfg.max_epochs = 2
    cfg.default_hooks.checkpoint = dict(type='CheckpointHook', interval=-1)
    cfg.update(val_dataloader=None, val_cfg=None, val_evaluator=None)
    cfg.update(work_dir=str(folder), experiment_name=str(folder).replace('/', '_'))  # loggers are known by the name
    cfg.merge_from_dict(changes)
    runner = Runner.from_cfg(cfg)
    runner.register_hook(losses := Losses())
    weights = runner.train().state_dict()
    metrics = runner.test()
    digest = hashlib.sha256(b''.join(value.numpy().tobytes() for value in weights.values())).hexdigest()
    return list(losses), digest, metrics


@pytest.mark.parametrize('stage', ['integral', 'refiner'])
def test_the_same_seed_gives_the_same_training_and_table(tmp_path, data_root, stage):
    first, again = (train_and_test(tmp_path / name, data_root, stage) for name in ('first', 'again'))
    assert first == again
    losses, _, metrics = first
    assert len(set(losses)) == len(losses) >= 4 and metrics['h36m/MPJPE_mm'] > 1
    if stage == 'integral':
        return
    # another seed; and every operation of the refiner's training has a deterministic form on CPUs
    randomness = dict(seed=1, deterministic=True)
    try:
        other, *_ = train_and_test(tmp_path / 'other', data_root, stage, randomness=randomness)
        assert torch.are_deterministic_algorithms_enabled()
    finally:
        torch.use_deterministic_algorithms(False)
        torch.backends.cudnn.deterministic = False
    assert len(other) == len(losses) and set(other).isdisjoint(losses)


def test_a_resumed_training_is_the_uninterrupted_one(tmp_path, data_root, capfd):
    """Noise and flips are drawn in the workers, dropout here; all of them belong to an epoch."""
    hook = dict(type='CheckpointHook', interval=1)
    losses, weights, _ = train_and_test(tmp_path / 'first', data_root, 'refiner', default_hooks=dict(checkpoint=hook))
    resumed = dict(load_from=str(tmp_path / 'first/epoch_1.pth'), resume=True)
    second_epoch, same_weights, _ = train_and_test(tmp_path / 'resumed', data_root, 'refiner', **resumed)
    printed = ''.join(capfd.readouterr())
    assert 'resumed epoch: 1' in printed and 'correctness' not in printed and 'resuming' not in printed, (
        'nothing differs'
    )
    assert second_epoch == losses[len(losses) // 2 :] and same_weights == weights
