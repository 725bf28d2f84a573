import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.optim import AmpOptimWrapper, OptimWrapper
from mmengine.runner import Runner
from mmpose.registry import HOOKS, OPTIM_WRAPPERS

from depth_refine.utils.errors import InputError

pytestmark = pytest.mark.usefixtures('short_logs')
CONFIG = Path(__file__).parents[2] / 'configs/demo/refiner.py'
BATCH = 12
SCALED = dict(type='CpuScaledOptimWrapper')
WRAPPERS = (dict(type='OptimWrapper'), dict(type='CpuAmpOptimWrapper'), SCALED, dict(SCALED, enabled=False))


@OPTIM_WRAPPERS.register_module()
class CpuScaledOptimWrapper(AmpOptimWrapper):
    """mmengine's wrapper, which needs a GPU, with a loss scaler for CPUs."""

    def __init__(self, init_scale=1024.0, backoff_factor=0.5, enabled=True, **kwargs):
        OptimWrapper.__init__(self, **kwargs)
        self.loss_scaler = torch.amp.GradScaler('cpu', init_scale, backoff_factor=backoff_factor, enabled=enabled)
        self._scale_update_param = None

    optim_context = OptimWrapper.optim_context


class Spoiler(Hook):
    """Calls a function with the batches of some iterations, counted from 0, and keeps the state before each."""

    def __init__(self, **faults):
        self.faults = {int(name.removeprefix('at_')): fault for name, fault in faults.items()}
        self.states = []

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        self.states.append({name: value.clone() for name, value in runner.model.state_dict().items()})
        if runner.iter in self.faults:
            self.faults[runner.iter](data_batch)


def build(tmp_path, data_root, wrapper=WRAPPERS[0], guard=None, hooks=(), fused=True, **head):
    """A runner of a training in which nothing is random, with 8 iterations an epoch."""
    cfg = Config.fromfile(CONFIG)
    cfg.model.backbone.update(channels=16, num_blocks=1, dropout=0.0)
    cfg.model.head.update(in_channels=16, **head)
    loader, data = cfg.train_dataloader, cfg.train_dataloader.dataset
    loader.update(batch_size=BATCH, num_workers=0, persistent_workers=False)
    loader.sampler = dict(type='DefaultSampler', shuffle=False)
    data.update(data_root=str(data_root), input_source='gt2d+gtdepth', depth_store=None, seq_len=9, frame_step=1)
    data.pipeline = data.pipeline[-3:-2]  # the target
    cfg.optim_wrapper = dict(wrapper, optimizer=dict(type='Adam', lr=1e-3, fused=fused))
    cfg.default_hooks.checkpoint.save_best = None
    cfg.default_hooks.non_finite_guard.update(guard or {})
    cfg.train_cfg.max_epochs = 1
    cfg.update(val_dataloader=None, val_cfg=None, val_evaluator=None, param_scheduler=[], launcher='none')
    cfg.update(work_dir=str(tmp_path), experiment_name=str(tmp_path).replace('/', '_'), custom_hooks=[])
    runner = Runner.from_cfg(cfg)
    for hook in hooks:
        runner.register_hook(hook)
    return runner


def spoil_input(batch):
    batch['inputs'][3, 2, 5, 1] = np.nan


def spoil_label(batch):
    batch['data_samples'][0].gt_instance_labels.lifting_target_label[3, 4, 2] = np.nan


def assert_equal_states(model, expected):
    state = model.state_dict()
    assert all(torch.equal(state[name], value) for name, value in expected.items())


def stops(runner, match):
    with pytest.raises(InputError, match=match) as error:
        runner.train()
    return str(error.value)


@pytest.mark.parametrize('wrapper', WRAPPERS)
@pytest.mark.parametrize(
    ('fault', 'loss', 'found'),
    [
        (spoil_input, 'MPJPELoss', 'inputs of {} holds nan at [2, 5, 1] of [9, 17, 3], 1 such numbers.'),
        (spoil_label, 'L1Loss', 'lifting_target_label of {} holds nan at [0, 4, 2] of [1, 17, 3]'),  # hidden by L1
    ],
)
def test_bad_data_stop_training_and_are_named(tmp_path, data_root, fault, loss, found, wrapper):
    hooks, loss = [spoiler := Spoiler(at_1=fault)], dict(type=loss, use_target_weight=True)
    runner = build(tmp_path, data_root, wrapper, hooks=hooks, loss=loss)
    name, frame = Path(runner.train_dataloader.dataset[BATCH + 3]['target_img_path'][0]).stem.rsplit('_', 1)
    message = stops(runner, r'^training stopped in iteration 2 \(epoch 1\): loss_pose3d is nan. Bad input: ')
    assert found.format(f'{name}, frame {int(frame)}') in message
    weights = {name: spoiler.states[1][name] for name, _ in runner.model.named_parameters()}
    assert_equal_states(runner.model, weights)
    assert any(not torch.equal(weights[name], spoiler.states[0][name]) for name in weights)


@pytest.mark.parametrize(('wrapper', 'fused'), [(WRAPPERS[0], True), (SCALED, True), (SCALED, False)])
def test_a_skipped_batch_is_as_if_it_had_never_been(tmp_path, data_root, wrapper, fused):
    options = dict(data_root=data_root, wrapper=wrapper, fused=fused)
    hooks = [Spoiler(at_2=spoil_input)]
    runner = build(tmp_path / 'skipped', guard=dict(policy='skip'), hooks=hooks, **options)
    skipped = runner.train()
    log = next(Path(runner.work_dir).glob('*/*.log')).read_text()
    assert 'step skipped in iteration 3 (epoch 1), 1 so far, stopping after 10: loss_pose3d is nan. Bad input: ' in log
    assert '1 training steps were skipped' in log

    reference = build(tmp_path / 'left_out', **options)
    loader = reference.train_dataloader
    loader.dataset.data_list = np.delete(loader.dataset.data_list, np.s_[2 * BATCH : 3 * BATCH], axis=0)
    loader.sampler.num_samples = loader.sampler.total_size = 7 * BATCH
    assert_equal_states(skipped, reference.train().state_dict())


def test_accumulated_gradients(tmp_path, data_root):
    """The first of two batches is bad; the step of both is left out."""
    hooks, accumulating = [spoiler := Spoiler(at_2=spoil_input)], dict(WRAPPERS[0], accumulative_counts=2)
    runner = build(tmp_path, data_root, guard=dict(policy='skip'), hooks=hooks, wrapper=accumulating)
    runner.train()
    weights = [state['head.conv.weight'] for state in spoiler.states]
    moved = [not torch.equal(before, after) for before, after in itertools.pairwise(weights)]
    assert moved == [False, True, False, False, False, True, False]
    log = next(Path(runner.work_dir).glob('*/*.log')).read_text()
    assert 'step skipped in iteration 4' in log and 'holds nan at [2, 5, 1]' in log


def test_checkpoints_from_before_stay(tmp_path, data_root):
    """When too many batches were skipped."""
    hooks, guard = [spoiler := Spoiler(at_1=spoil_input, at_9=spoil_input)], dict(policy='skip', max_skipped=1)
    runner = build(tmp_path, data_root, guard=guard, hooks=hooks)
    runner.train_loop._max_epochs = 3
    stops(runner, r'training stopped in iteration 10 \(epoch 2\) after 1 skipped steps: loss_pose')
    assert [path.name for path in tmp_path.glob('*.pth')] == ['epoch_1.pth']
    assert (tmp_path / 'last_checkpoint').read_text().endswith('epoch_1.pth')
    saved = torch.load(tmp_path / 'epoch_1.pth', weights_only=False)['state_dict']
    assert all(torch.equal(saved[name], value) for name, value in spoiler.states[8].items())


@pytest.mark.parametrize('fused', [False, True])
def test_overflow_of_the_loss_scaler_is_no_alarm(tmp_path, data_root, fused):
    wrapper = dict(SCALED, init_scale=2.0**127, backoff_factor=2.0**-40)
    runner = build(tmp_path, data_root, wrapper, hooks=[spoiler := Spoiler()], fused=fused)
    runner.model.head.conv.weight.register_hook(lambda gradient: gradient * 2.0**30)
    runner.train()
    weights = [state['head.conv.weight'] for state in spoiler.states]
    assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[1], weights[2])
    assert runner.optim_wrapper.loss_scaler.get_scale() == 2.0**87


@pytest.mark.parametrize('fused', [False, True])
def test_a_gradient_that_overflows_without_scaling_is_one(tmp_path, data_root, fused):
    runner = build(tmp_path, data_root, dict(SCALED, init_scale=4.0), fused=fused)
    runner.model.head.conv.weight.register_hook(lambda gradient: gradient * np.inf)
    # 4, 2 and 1 may be too large, a half is not
    stops(runner, 'stopped in iteration 3 .*the loss is finite, its gradient is not. All inputs')


def test_no_checkpoint_of_weights_that_are_not_finite(tmp_path, data_root):
    runner = build(tmp_path, data_root, hooks=[spoiler := Spoiler()])
    statistics = next(buffer for name, buffer in runner.model.named_buffers() if name.endswith('running_var'))
    spoiler.faults[7] = lambda _: statistics.fill_(np.inf)
    stops(runner, r'1 of \d+ weights and statistics are not finite in epoch 1, first backbone\.\S+running_var')
    assert not list(tmp_path.glob('*.pth'))


@pytest.mark.parametrize('options', [dict(policy='ignore'), dict(policy='skip', max_skipped=-1)])
def test_unknown_policy(options):
    with pytest.raises(InputError, match="needs policy='stop' or 'skip' and max_skipped >= 0, got"):
        HOOKS.build(dict(type='NonFiniteGuardHook', **options))
