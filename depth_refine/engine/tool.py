"""What the command-line tools share: arguments, the config and the runner they make, how they report bad input."""

import argparse
import errno
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import torch
from mmengine.config import Config, DictAction
from mmengine.device import get_device
from mmengine.dist import init_dist
from mmengine.runner import Runner

from depth_refine.errors import InputError

from .freed_memory import keep_freed_memory

_STORAGE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.ENOTDIR, errno.EIO)


def run_tool(main: Callable[[], None]) -> None:
    """Call ``main``; print an :class:`InputError` alone, without a traceback, and exit with status 1.

    The same for a disk that is full or cannot be written, and for a process that worked with this one and was killed.
    """
    keep_freed_memory()
    try:
        main()
        if torch.distributed.is_initialized():  # a process that ends before the others, connected, may abort them
            torch.distributed.barrier()
            torch.distributed.destroy_process_group()
    except InputError as error:
        sys.exit(f'error: {_innermost_message(error)}')
    except (OSError, EOFError, RuntimeError) as error:
        # an error that another was made from says what happened
        if (fault := _fault_outside(error.__cause__ or error)) is None:
            raise
        sys.exit(f'error: {fault}')


def _fault_outside(error: Exception) -> str | None:
    """What happened to the disk or to another process, if that is what an error tells of; nothing for a bug."""
    text = str(error) or type(error).__name__
    lost_connection = any(  # to a worker, while it hands over a tensor
        'multiprocessing' in frame.f_code.co_filename for frame, _ in traceback.walk_tb(error.__traceback__)
    )
    if text.startswith('DataLoader worker') or (lost_connection and not isinstance(error, RuntimeError)):
        return (
            f'a worker process of the data loader was killed ({text}), perhaps for want of memory: take fewer '
            'num_workers, and run again'
        )
    if isinstance(error, OSError) and error.errno in _STORAGE:
        return (
            f'{error.filename or "a file"}: {error.strerror}. What was finished is kept: make room, or give another '
            'folder, and run again'
        )
    if isinstance(error, RuntimeError) and 'gloo' in text:
        return f'another process of this run has ended: see what it says, and run again. {text}'
    return None


def _innermost_message(error: BaseException) -> str:
    """The original message.

    mmengine's registry and PyTorch's worker processes wrap an exception in another of its type.
    """
    while isinstance(error.__context__, InputError):
        error = error.__context__
    return str(error).rsplit(f'{InputError.__name__}: ', 1)[-1].strip()


def add_runner_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of MMPose's own tools that training and testing share."""
    parser.add_argument('config', help='config file')
    parser.add_argument('--work-dir', help='folder for logs and checkpoints; default: work_dirs/<config name>')
    parser.add_argument(
        '--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none', help='job launcher of mmengine'
    )
    parser.add_argument('--show-dir', help='folder for pictures of predictions')
    parser.add_argument('--show', action='store_true', help='show pictures of predictions in a window')
    parser.add_argument('--interval', type=int, default=1, help='a picture of every n-th sample')
    parser.add_argument('--wait-time', type=float, default=1, help='seconds that a window stays')
    add_cfg_options(parser)
    # given by torch.distributed.launch
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0, help=argparse.SUPPRESS)


def add_cfg_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--cfg-options``."""
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        default={},
        help='settings to override in the config, as key=value; lists as key="[a,b]"',
    )


def load_config(path: str, cfg_options: dict) -> Config:
    """Read a config and merge ``--cfg-options`` into it.

    With ``data_root=DIR`` every data set that lies in the config's ``data_root`` moves to DIR. (MMEngine would change
    the variable alone, which the data sets have copied when the config was read.)

    Raises:
        InputError: the file is missing or is not a config, or ``data_root`` is given and no data set lies there.
    """
    if not Path(path).is_file():
        raise InputError(f'no config file {Path(path).absolute()}: expected a Python file as in configs/')
    try:
        cfg = Config.fromfile(path)
        data_root = cfg.get('data_root')
        cfg.merge_from_dict(cfg_options)
    except Exception as error:  # a config is a program and can raise anything
        raise InputError(f'{path} with options {cfg_options} is not a usable config: {error!r}') from error
    if 'data_root' in cfg_options:
        loaders = [cfg[name] for name in ('train_dataloader', 'val_dataloader', 'test_dataloader') if name in cfg]
        if not sum(_move_data_sets(loader, data_root, cfg.data_root) for loader in loaders):
            raise InputError(
                f'--cfg-options data_root={cfg.data_root}: no data set of {path} lies in its data_root, {data_root!r}; '
                'name the data set, as in train_dataloader.dataset.data_root=DIR'
            )
    return cfg


def _move_data_sets(node: object, before: str | None, after: str) -> int:
    """Replace ``data_root`` in all dicts below a node where it is ``before``; how many there were."""
    if isinstance(node, list | tuple):
        return sum(_move_data_sets(child, before, after) for child in node)
    if not isinstance(node, dict):
        return 0
    moved = 'data_root' in node and node['data_root'] == before
    if moved:
        node['data_root'] = after
    return moved + sum(_move_data_sets(child, before, after) for child in node.values())


def load_runner_config(args: argparse.Namespace) -> Config:
    """The config for a runner: the file, the options, then what the other arguments say."""
    cfg = load_config(args.config, args.cfg_options)
    cfg.launcher = args.launcher
    if args.work_dir is not None:
        cfg.work_dir = args.work_dir
    elif cfg.get('work_dir') is None:
        cfg.work_dir = str(Path('work_dirs', Path(args.config).stem))
    if args.show or args.show_dir is not None:
        hook = cfg.setdefault('default_hooks', {}).setdefault('visualization', dict(type='DepthPoseVisualizationHook'))
        hook.update(
            enable=True, show=args.show, out_dir=args.show_dir, interval=args.interval, wait_time=args.wait_time
        )
    return cfg


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
