"""From a config to a runner: processes, precision, and where batches are made."""

import os

import torch
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.dist import init_dist
from mmengine.runner import Runner

from depth_refine.utils.errors import InputError


def connect_processes(launcher: str, **dist_cfg) -> None:
    """Connect the processes of a distributed run, unless they are: as mmengine does on GPUs, else by gloo.

    Args:
        launcher: of mmengine.
        dist_cfg: arguments of mmengine's ``init_dist``, for GPUs.

    Raises:
        InputError: ``--launcher pytorch`` in a process that ``torchrun`` did not start, or another launcher without a
            GPU.
    """
    if launcher == 'none' or torch.distributed.is_initialized():
        return
    if launcher == 'pytorch' and 'LOCAL_RANK' not in os.environ:
        raise InputError(
            '--launcher pytorch is for processes that torchrun starts, and it did not start this one: use '
            'tools/dist_train.sh or tools/dist_test.sh, or leave out --launcher'
        )
    if get_device() != 'cpu':
        init_dist(launcher, **dist_cfg)
    elif launcher == 'pytorch':
        torch.distributed.init_process_group('gloo')
    else:
        raise InputError(
            f'--launcher {launcher} needs a GPU for every process, and PyTorch finds none; CPU processes are '
            'started by torchrun, with --launcher pytorch'
        )


def build_runner(cfg: Config) -> Runner:
    """The runner of this process; without GPUs, distributed processes average their gradients on the CPU.

    Raises:
        InputError: see :func:`connect_processes`; or the config says ``compile``.
    """
    if cfg.get('compile'):
        raise InputError(
            'the config says compile, by which MMEngine compiles a training step with its data samples, and PyTorch '
            'cannot: leave it out, and call torch.compile on the backbone of a model of your own'
        )
    connect_processes(cfg.launcher, **cfg.get('env_cfg', {}).get('dist_cfg', {}))
    if cfg.launcher != 'none' and get_device() == 'cpu':
        cfg.model_wrapper_cfg = dict(
            type='MMDistributedDataParallel',
            device_ids=None,  # mmengine would name a GPU
            broadcast_buffers=False,
            find_unused_parameters=cfg.get('find_unused_parameters', False),
        )
    if torch.cuda.is_available():
        copy_while_computing(cfg)
    return Runner.from_cfg(cfg)


def copy_while_computing(cfg: Config) -> None:
    """Have a config copy batches to the GPU while it works on others, from pinned memory, which only GPUs have."""
    for split in ('train', 'val', 'test'):
        loader = cfg.get(f'{split}_dataloader')
        if loader and loader.get('dataset', {}).get('device', 'cpu') == 'cpu':
            loader.setdefault('pin_memory', True)
    usual = dict(type='BaseDataPreprocessor', non_blocking=True)
    cfg.model.data_preprocessor = usual | (cfg.model.get('data_preprocessor') or {})


def use_mixed_precision(cfg: Config) -> None:
    """Train in bfloat16, whose losses need no scaling; on GPUs without it in float16."""
    if not torch.cuda.is_available():
        cfg.optim_wrapper.update(type='CpuAmpOptimWrapper')
    elif torch.cuda.is_bf16_supported(including_emulation=False):
        cfg.optim_wrapper.update(type='AmpOptimWrapper', dtype='bfloat16', loss_scale=dict(enabled=False))
    else:
        cfg.optim_wrapper.update(type='AmpOptimWrapper', loss_scale='dynamic')


def evaluate_in_mixed_precision(cfg: Config) -> None:
    """Test under autocast: float16 on GPUs, bfloat16 on CPUs."""
    cfg.test_cfg.fp16 = True


def put_data_on_device(cfg: Config) -> None:
    """Hold the training sequences on this process's GPU and put windows together there.

    Raises:
        InputError: there is no GPU, or the training data are no sequences.
    """
    if not torch.cuda.is_available():
        raise InputError('--data-on-device needs a GPU, and PyTorch finds none: leave it out')
    loader = cfg.train_dataloader
    if loader.dataset.type != 'H36MDepthSequenceDataset':
        raise InputError(
            '--data-on-device is for training data of the type H36MDepthSequenceDataset, and the config says '
            f'{loader.dataset.type}: leave it out'
        )
    loader.dataset.device = 'cuda'  # a launcher makes each process's GPU its current one
    loader.update(num_workers=0, persistent_workers=False, pin_memory=False)
