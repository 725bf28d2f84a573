import pytest
import torch
from mmengine.config import Config
from mmpose.registry import DATASETS

from depth_refine.datasets import H36MDepthSequenceDataset
from depth_refine.utils import runner
from depth_refine.utils.errors import InputError
from depth_refine.utils.runner import build_runner, leave_cores_to, put_data_on_device, scale_learning_rate


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(launcher='pytorch'), 'torchrun .* did not start this one: use tools/dist_train.sh'),
        (dict(launcher='slurm'), '--launcher slurm needs a GPU for every process'),
        (dict(launcher='none', compile=True), 'the config says compile'),
    ],
)
def test_runs_that_cannot_start(monkeypatch, options, message):
    monkeypatch.delenv('LOCAL_RANK', raising=False)
    monkeypatch.setattr(runner, 'get_device', lambda: 'cpu')
    with pytest.raises(InputError, match=message):
        build_runner(Config(options))


@pytest.mark.parametrize(
    ('has_gpu', 'has_bfloat16', 'expected'),
    [
        (False, False, dict(type='CpuAmpOptimWrapper')),
        (True, True, dict(type='AmpOptimWrapper', dtype='bfloat16', loss_scale=dict(enabled=False))),
        (True, False, dict(type='AmpOptimWrapper', loss_scale='dynamic')),
    ],
)
def test_mixed_precision_scales_the_loss_where_it_must(monkeypatch, has_gpu, has_bfloat16, expected):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: has_gpu)
    monkeypatch.setattr(torch.cuda, 'is_bf16_supported', lambda including_emulation: has_bfloat16)
    cfg = Config(dict(optim_wrapper=dict(type='OptimWrapper')))
    runner.use_mixed_precision(cfg)
    assert cfg.optim_wrapper == expected


@pytest.fixture
def small_config(tiny_training, tmp_path):
    return Config(dict(tiny_training(tmp_path), auto_scale_lr=dict(base_batch_size=2), launcher='none'))


@pytest.mark.parametrize(('accumulated', 'expected'), [(None, 0.2), (2, 0.4)])
def test_learning_rate_scales_with_the_batch_of_a_step(small_config, accumulated, expected):
    """A batch of 4, and two of them, for a learning rate of 0.1 for 2."""
    no_workers = dict(num_workers=0, persistent_workers=True, prefetch_factor=2, multiprocessing_context='spawn')
    small_config.train_dataloader.update(no_workers)  # PyTorch takes none of these options then
    if accumulated:
        small_config.optim_wrapper.accumulative_counts = accumulated
    scale_learning_rate(small_config)
    runner = build_runner(small_config)
    runner.train()
    assert runner.optim_wrapper.get_lr() == {'lr': [pytest.approx(expected)]}


def test_learning_rate_without_its_batch(small_config):
    small_config.auto_scale_lr.base_batch_size = None
    with pytest.raises(InputError, match=r'--auto-scale-lr: .* needs auto_scale_lr = dict\(base_batch_size=...\), the'):
        scale_learning_rate(small_config)


@pytest.mark.parametrize('split', ['train', 'val', 'test'])
def test_without_workers(monkeypatch, split):
    """Whatever the config inherited for workers."""
    monkeypatch.setattr(runner.Runner, 'from_cfg', lambda cfg: cfg)
    name = f'{split}_dataloader'
    loader = dict(num_workers=0, persistent_workers=True, prefetch_factor=4, batch_size=2)
    cfg = Config(dict(launcher='none', model=dict(type='A'), **{name: loader}))
    assert not {'persistent_workers', 'prefetch_factor'} & build_runner(cfg)[name].keys()


@pytest.mark.parametrize(
    ('cores', 'workers', 'variable', 'threads'),
    [(2, 2, None, [1]), (2, 0, None, [2]), (16, 4, None, [8]), (8, 2, None, [6])]
    + [(8, 2, name, []) for name in ('OMP_NUM_THREADS', 'MKL_NUM_THREADS')],
)
def test_threads_leave_cores_to_the_workers(monkeypatch, cores, workers, variable, threads):
    monkeypatch.setattr('os.environ', {variable: '3'})
    chosen = []
    monkeypatch.setattr('os.sched_getaffinity', lambda _: set(range(cores)))
    monkeypatch.setattr(torch, 'get_num_threads', lambda: min(cores, 8))
    monkeypatch.setattr(torch, 'set_num_threads', chosen.append)
    leave_cores_to(workers)
    assert chosen == threads


def test_copies_to_a_gpu(monkeypatch):
    """From pinned memory, asynchronously, unless the config or the data say otherwise."""
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    monkeypatch.setattr(runner.Runner, 'from_cfg', lambda cfg: cfg)
    model = dict(type='A', data_preprocessor=dict(type='PoseDataPreprocessor'))
    there = dict(dataset=dict(device='cuda'))
    loaders = dict(train_dataloader=dict(pin_memory=False), test_dataloader=dict(num_workers=2), val_dataloader=there)
    cfg = build_runner(Config(dict(launcher='none', model=model, **loaders)))
    assert cfg.test_dataloader.pin_memory is True
    assert cfg.train_dataloader.pin_memory is False and cfg.val_dataloader == there
    assert cfg.model.data_preprocessor == dict(type='PoseDataPreprocessor', non_blocking=True)


@pytest.mark.parametrize(
    ('has_gpu', 'kind', 'message'),
    [
        (True, 'H36MDepthSequenceDataset', None),
        (True, 'OwnSequences', None),
        (False, 'H36MDepthSequenceDataset', '--data-on-device needs a GPU, and PyTorch finds none'),
        (True, 'CombinedDataset', 'type DepthSequenceDataset, and the config says CombinedDataset'),
    ],
)
def test_data_on_device(monkeypatch, has_gpu, kind, message):
    monkeypatch.setitem(DATASETS.module_dict, 'OwnSequences', type('OwnSequences', (H36MDepthSequenceDataset,), {}))
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: has_gpu)
    cfg = Config(dict(train_dataloader=dict(num_workers=8, persistent_workers=True, dataset=dict(type=kind))))
    if message:
        with pytest.raises(InputError, match=message):
            put_data_on_device(cfg)
    else:
        put_data_on_device(cfg)
        loader = dict(num_workers=0, persistent_workers=False, pin_memory=False, dataset=dict(type=kind, device='cuda'))
        assert cfg.train_dataloader == loader
