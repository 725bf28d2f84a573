"""What the command-line tools share: their common arguments, the config they make, and how they report bad input."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from mmengine.config import Config, DictAction

from depth_refine.errors import InputError


def run_tool(main: Callable[[], None]) -> None:
    """Call ``main``; print an :class:`InputError` alone, without a traceback, and exit with status 1."""
    try:
        main()
    except InputError as error:
        sys.exit(f'error: {_innermost_message(error)}')


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

    Raises:
        InputError: the file is missing or is not a config.
    """
    if not Path(path).is_file():
        raise InputError(f'no config file {Path(path).absolute()}: expected a Python file as in configs/')
    try:
        cfg = Config.fromfile(path)
        cfg.merge_from_dict(cfg_options)
    except Exception as error:  # a config is a program and can raise anything
        raise InputError(f'{path} with options {cfg_options} is not a usable config: {error!r}') from error
    return cfg


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


def use_mixed_precision(cfg: Config) -> None:
    """Switch the optimiser wrapper to mixed precision: mmengine's on GPUs, bfloat16 on CPUs."""
    if torch.cuda.is_available():
        cfg.optim_wrapper.update(type='AmpOptimWrapper', loss_scale='dynamic')
    else:
        cfg.optim_wrapper.update(type='CpuAmpOptimWrapper')
