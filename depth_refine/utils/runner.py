"""Runners from configs: processes, threads, precision, and the device of batches."""

import os

import torch
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.dist import init_dist
from mmengine.runner import Runner

from depth_refine.utils.config import check_codecs, is_dataset_type
from depth_refine.utils.errors import InputError
from depth_refine.utils.options import require_number

_LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')
_OF_WORKERS = ('persistent_workers', 'prefetch_factor', 'multiprocessing_context')  # refused by PyTorch without workers


def connect_processes(launcher: str, **dist_cfg) -> None:
    """Connect the processes of a distributed run, unless they are connected: on GPUs by mmengine, else by gloo.

    Args:
        launcher: the name of one of mmengine's launchers.
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
        InputError: see :func:`connect_processes` and :func:`check_codecs`; the config says ``compile``; or a batch
            size, or a number of workers or epochs, is out of range.
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
    check_codecs(cfg)
    for option in ('max_epochs', 'max_iters', 'val_interval'):
        if option in (cfg.get('train_cfg') or {}):
            require_number(f'train_cfg.{option}', cfg.train_cfg[option], 1, whole=True)
    check_loaders(cfg)
    loaders = [cfg[name] for name in _LOADERS if cfg.get(name)]
    for loader in loaders:
        if not loader.get('num_workers'):
            for option in _OF_WORKERS:
                loader.pop(option, None)
    leave_cores_to(max((loader.get('num_workers', 0) for loader in loaders), default=0))
    return Runner.from_cfg(cfg)


def check_loaders(cfg: Config) -> None:
    """Refuse (``InputError``) a batch size below 1, or a negative number of workers."""
    for name in _LOADERS:
        for option, least in (('batch_size', 1), ('num_workers', 0)):
            if option in (cfg.get(name) or {}):
                require_number(f'{name}.{option}', cfg[name][option], least, whole=True)


def leave_cores_to(workers: int) -> None:
    """Limit PyTorch's threads to the cores that a loader's workers leave, at least one.

    More threads would wait for one another whenever a worker or another program has one of their cores: with a busy
    program on each core, two spinning threads take several times as long. If ``OMP_NUM_THREADS`` or ``MKL_NUM_THREADS``
    is set, that counts.
    """
    if not {'OMP_NUM_THREADS', 'MKL_NUM_THREADS'} & os.environ.keys():
        cores = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()
        torch.set_num_threads(max(1, min(torch.get_num_threads(), cores - workers)))


def copy_while_computing(cfg: Config) -> None:
    """Make a config copy batches to the GPU while it computes, from pinned memory, which needs a GPU."""
    for name in _LOADERS:
        loader = cfg.get(name)
        if loader and loader.get('dataset', {}).get('device', 'cpu') == 'cpu':
            loader.setdefault('pin_memory', True)
    usual = dict(type='BaseDataPreprocessor', non_blocking=True)
    cfg.model.data_preprocessor = usual | (cfg.model.get('data_preprocessor') or {})


def use_mixed_precision(cfg: Config) -> None:
    """Make a config train in bfloat16, whose losses need no scaling; on GPUs without it, in float16."""
    if not torch.cuda.is_available():
        cfg.optim_wrapper.update(type='CpuAmpOptimWrapper')
    elif torch.cuda.is_bf16_supported(including_emulation=False):
        cfg.optim_wrapper.update(type='AmpOptimWrapper', dtype='bfloat16', loss_scale=dict(enabled=False))
    else:
        cfg.optim_wrapper.update(type='AmpOptimWrapper', loss_scale='dynamic')


def scale_learning_rate(cfg: Config) -> None:
    """Make MMEngine scale the learning rate with the batch size over all processes and accumulated gradients.

    Raises:
        InputError: the config does not say for which batch size its learning rate is.
    """
    base = (cfg.get('auto_scale_lr') or {}).get('base_batch_size')
    if not isinstance(base, int) or base < 1 or 'batch_size' not in cfg.train_dataloader:
        raise InputError(
            f'--auto-scale-lr: {cfg.filename} needs auto_scale_lr = dict(base_batch_size=...), the samples of a step '
            'that its learning rate is for, and train_dataloader.batch_size'
        )
    accumulated = cfg.optim_wrapper.get('accumulative_counts', 1)  # MMEngine does not count them
    cfg.auto_scale_lr = dict(
        enable=True, base_batch_size=base / accumulated if base % accumulated else base // accumulated
    )


def put_data_on_device(cfg: Config) -> None:
    """Hold the training sequences on this process's GPU and assemble windows there.

    Raises:
        InputError: there is no GPU, or the training data are not sequences.
    """
    if not torch.cuda.is_available():
        raise InputError('--data-on-device needs a GPU, and PyTorch finds none: leave it out')
    loader = cfg.train_dataloader
    if not is_dataset_type(loader.dataset, 'DepthSequenceDataset'):
        raise InputError(
            '--data-on-device is for training data of the type DepthSequenceDataset, and the config says '
            f'{loader.dataset.type}: leave it out'
        )
    loader.dataset.device = 'cuda'  # a launcher makes each process's GPU its current one
    loader.update(num_workers=0, persistent_workers=False, pin_memory=False)
