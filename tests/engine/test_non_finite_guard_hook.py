"""Small trainings of both stages into which faults are put."""

import copy
import functools
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
from torch.nn.modules.batchnorm import _BatchNorm

from depth_refine.utils.errors import InputError

ROOT = Path(__file__).parents[2]
BATCH = 12
STAGES = dict(
    integral=dict(
        model=dict(backbone=dict(depth=18), head=dict(depth_bins=4, deconv_out_channels=(8, 8))),
        train_dataloader=dict(dataset=dict(frame_step=3)),
    ),
    refiner=dict(
        model=dict(backbone=dict(channels=16, num_blocks=1, dropout=0.0), head=dict(in_channels=16)),
        train_dataloader=dict(dataset=dict(frame_step=1)),
    ),
)
WRAPPERS = ('OptimWrapper', 'CpuAmpOptimWrapper', 'CpuScaledOptimWrapper', 'CpuUnscaledOptimWrapper')


@OPTIM_WRAPPERS.register_module()
class CpuScaledOptimWrapper(AmpOptimWrapper):
    """mmengine's wrapper, which wants a GPU, with a loss scaler for CPUs."""

    def __init__(self, init_scale=1024.0, backoff_factor=0.5, **kwargs):
        OptimWrapper.__init__(self, **kwargs)
        self.loss_scaler = torch.amp.GradScaler('cpu', init_scale=init_scale, backoff_factor=backoff_factor)
        self._scale_update_param = None

    optim_context = OptimWrapper.optim_context


@OPTIM_WRAPPERS.register_module()
class CpuUnscaledOptimWrapper(CpuScaledOptimWrapper):
    """As GPUs have it in bfloat16: with a loss scaler that does nothing."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.loss_scaler = torch.amp.GradScaler('cpu', enabled=False)


class Spoiler(Hook):
    """Calls a function with the batches of some iterations, counted from 0, and keeps the state before each."""

    def __init__(self, **faults):
        self.faults = {int(name.removeprefix('at_')): fault for name, fault in faults.items()}
        self.states = []

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        self.states.append({name: value.clone() for name, value in runner.model.state_dict().items()})
        if runner.iter in self.faults:
            self.faults[runner.iter](data_batch)


@functools.cache
def read_config(stage):
    return Config.fromfile(ROOT / f'configs/demo/{stage}.py')


def build(
    tmp_path, data_root, stage='refiner', wrapper='OptimWrapper', guard=None, hooks=(), lr=1e-3, fused=True, **options
):
    """A runner; the training of the refiner has 8 iterations an epoch, of the first stage 3; nothing is random."""
    cfg = copy.deepcopy(read_config(stage))
    cfg.merge_from_dict(STAGES[stage])
    cfg.merge_from_dict(
        dict(
            train_dataloader=dict(
                batch_size=BATCH,
                num_workers=0,
                persistent_workers=False,
                sampler=dict(_delete_=True, type='DefaultSampler', shuffle=False),
                dataset=dict(data_root=str(data_root)),
            ),
            optim_wrapper=dict(_delete_=True, type=wrapper, optimizer=dict(type='Adam', lr=lr, fused=fused), **options),
            default_hooks=dict(non_finite_guard=guard or {}, checkpoint=dict(save_best=None)),
            train_cfg=dict(max_epochs=1),
        )
    )
    target = cfg.train_dataloader.dataset.pipeline[-3 if stage == 'refiner' else -2]
    if stage == 'refiner':
        cfg.train_dataloader.dataset.update(input_source='gt2d+gtdepth', depth_store=None, seq_len=9, pipeline=[target])
    else:
        del cfg.train_dataloader.dataset.pipeline[2:5:2]  # random boxes and colours
    cfg.update(val_dataloader=None, val_cfg=None, val_evaluator=None, param_scheduler=[], launcher='none')
    cfg.update(work_dir=str(tmp_path), experiment_name=str(tmp_path).replace('/', '_'), custom_hooks=[])
    runner = Runner.from_cfg(cfg)
    for hook in hooks:
        runner.register_hook(hook)
    return runner


@pytest.fixture(autouse=True)
def short_logs(monkeypatch):
    """Describing the machine and formatting the config would take most of the time."""
    monkeypatch.setattr(Config, 'pretty_text', '')
    monkeypatch.setattr(Runner, '_log_env', lambda *_: None)


def spoil_input(batch):
    batch['inputs'][3, 2, 5, 1] = np.nan


def spoil_label(batch):
    batch['data_samples'][0].gt_instance_labels.keypoint_labels[3, 4, 2] = np.nan


def path_of(dataset, index):
    """Of the target's image."""
    if hasattr(dataset, 'seq_len'):
        return Path(dataset[index]['target_img_path'][0])
    return Path(dataset.get_data_info(index)['img_path'])


def assert_equal_states(model, expected):
    state = model.state_dict()
    assert all(torch.equal(state[name], value) for name, value in expected.items())


def stops(runner, match):
    """Train; returns the message with which that stops."""
    with pytest.raises(InputError, match=match) as error:
        runner.train()
    return str(error.value)


@pytest.mark.parametrize(
    ('stage', 'fault', 'wrapper'),
    [*(('refiner', spoil_input, wrapper) for wrapper in WRAPPERS)]
    + [('integral', spoil_label, wrapper) for wrapper in WRAPPERS[::2]],  # L1's gradient hides a label
)
def test_bad_data_stop_training_and_are_named(tmp_path, data_root, stage, fault, wrapper):
    runner = build(tmp_path, data_root, stage, wrapper, hooks=[spoiler := Spoiler(at_1=fault)])
    path = path_of(runner.train_dataloader.dataset, BATCH + 3)
    message = stops(runner, r'^training stopped in iteration 2 \(epoch 1\): loss_\w+ is nan. Bad input: ')
    if stage == 'refiner':
        name, frame = path.stem.rsplit('_', 1)
        assert f'inputs of {name}, frame {int(frame)} holds nan at [2, 5, 1] of [9, 17, 3], 1 such numbers.' in message
    else:
        assert f'keypoint_labels of {path} (id ' in message and ' holds nan at [0, 4, 2] of [1, 17, 3]' in message
    weights = {name: spoiler.states[1][name] for name, _ in runner.model.named_parameters()}
    assert_equal_states(runner.model, weights)
    assert any(not torch.equal(weights[name], spoiler.states[0][name]) for name in weights)


@pytest.mark.parametrize(('wrapper', 'fused'), [(WRAPPERS[0], True), (WRAPPERS[2], True), (WRAPPERS[2], False)])
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


def test_too_many_skipped_batches(tmp_path, data_root):
    hooks = [Spoiler(at_1=spoil_input, at_3=spoil_input)]
    runner = build(tmp_path, data_root, guard=dict(policy='skip', max_skipped=1), hooks=hooks)
    stops(runner, r'training stopped in iteration 4 \(epoch 1\) after 1 skipped steps: loss_pose')


def test_accumulated_gradients(tmp_path, data_root):
    """The first of two batches is bad; the step of both is left out."""
    hooks = [spoiler := Spoiler(at_2=spoil_input)]
    runner = build(tmp_path, data_root, guard=dict(policy='skip'), hooks=hooks, accumulative_counts=2)
    runner.train()
    weights = [state['head.conv.weight'] for state in spoiler.states]
    moved = [not torch.equal(before, after) for before, after in itertools.pairwise(weights)]
    assert moved == [False, True, False, False, False, True, False]
    log = next(Path(runner.work_dir).glob('*/*.log')).read_text()
    assert 'step skipped in iteration 4' in log and 'holds nan at [2, 5, 1]' in log


def test_checkpoints_from_before_stay(tmp_path, data_root):
    runner = build(tmp_path, data_root, hooks=[spoiler := Spoiler(at_9=spoil_input)])
    runner.train_loop._max_epochs = 3
    stops(runner, r'training stopped in iteration 10 \(epoch 2\)')
    assert [path.name for path in tmp_path.glob('*.pth')] == ['epoch_1.pth']
    assert (tmp_path / 'last_checkpoint').read_text().endswith('epoch_1.pth')
    saved = torch.load(tmp_path / 'epoch_1.pth', weights_only=False)['state_dict']
    assert all(torch.equal(saved[name], value) for name, value in spoiler.states[8].items())


@pytest.mark.parametrize('fused', [False, True])
def test_overflow_of_the_loss_scaler_is_no_alarm(tmp_path, data_root, fused):
    scales = dict(init_scale=2.0**127, backoff_factor=2.0**-40, fused=fused)
    runner = build(tmp_path, data_root, wrapper='CpuScaledOptimWrapper', hooks=[spoiler := Spoiler()], **scales)
    runner.model.head.conv.weight.register_hook(lambda gradient: gradient * 2.0**30)
    runner.train()
    weights = [state['head.conv.weight'] for state in spoiler.states]
    assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[1], weights[2])
    assert runner.optim_wrapper.loss_scaler.get_scale() == 2.0**87


@pytest.mark.parametrize('fused', [False, True])
def test_a_gradient_that_overflows_without_scaling_is_one(tmp_path, data_root, fused):
    runner = build(tmp_path, data_root, wrapper='CpuScaledOptimWrapper', init_scale=4.0, fused=fused)
    runner.model.head.conv.weight.register_hook(lambda gradient: gradient * np.inf)
    # 4, 2 and 1 may be too large, a half is not
    stops(runner, 'stopped in iteration 3 .*the loss is finite, its gradient is not. All inputs')


def test_divergence_is_not_blamed_on_the_inputs(tmp_path, data_root):
    stops(
        build(tmp_path, data_root, lr=1e25),
        r'training stopped in iteration 2 \(epoch 1\): .*All inputs are finite \(12 samples: S1_\S+, frame 1, .* and 9 '
        r'more\): the network diverged. Its largest weight is 1e\+25 in \S+; the gradient is not finite in \S+',
    )


def test_no_checkpoint_of_weights_that_are_not_finite(tmp_path, data_root):
    runner = build(tmp_path, data_root, hooks=[spoiler := Spoiler()])

    def spoil_statistics(batch):
        next(module for module in runner.model.modules() if isinstance(module, _BatchNorm)).running_var[3] = np.inf

    spoiler.faults[7] = spoil_statistics
    stops(runner, r'1 of \d+ weights and statistics are not finite in epoch 1, first backbone\.\S+running_var')
    assert not list(tmp_path.glob('*.pth'))


@pytest.mark.parametrize('options', [dict(policy='ignore'), dict(policy='skip', max_skipped=-1)])
def test_unknown_policy(options):
    with pytest.raises(InputError, match="needs policy='stop' or 'skip' and max_skipped >= 0, got"):
        HOOKS.build(dict(type='NonFiniteGuardHook', **options))
