"""Shared parts of the command-line tools: arguments, and reports of bad input.

Tools import this before PyTorch (see ``isort`` in pyproject.toml): waiting threads must not keep busy the cores that
other programs need, and OpenMP reads its wait policy when it is loaded.
"""

import argparse
import errno
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault('OMP_WAIT_POLICY', 'passive')

import mmengine.dataset.dataset_wrapper
import mmengine.registry.build_functions
import mmpose.datasets
import torch
from mmengine.config import Config, DictAction

from depth_refine.utils.config import load_config
from depth_refine.utils.errors import InputError
from depth_refine.utils.freed_memory import keep_freed_memory

_LOST_WORKER = 'DataLoader worker'
_STORAGE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.ENOTDIR, errno.EIO)


def run_tool(main: Callable[[], None]) -> None:
    """Call ``main``; print the message of an :class:`InputError` without a traceback, and exit with status 1.

    The same holds for a disk that is full or cannot be written, for another process of the run that was killed, for
    data sets that MMEngine does not concatenate, and for a part of a config that cannot be built.
    """
    keep_freed_memory()
    try:
        _run_reporting(main)
    except RuntimeError as error:
        # PyTorch raises this when it notices that a worker has ended, even while another error is reported
        if not str(error).startswith(_LOST_WORKER):
            raise
        sys.exit(f'error: {_fault_outside(error)}')


def _run_reporting(main: Callable[[], None]) -> None:
    try:
        main()
        if torch.distributed.is_initialized():  # a process that ends before the others, connected, may abort them
            torch.distributed.barrier()
            torch.distributed.destroy_process_group()
    except InputError as error:
        sys.exit(f'error: {_innermost_message(error)}')
    except (OSError, EOFError, RuntimeError, TypeError, ValueError, KeyError, AssertionError) as error:
        # the cause of an error, if there is one, says what happened
        if (fault := _fault_outside(error.__cause__ or error)) is None:
            raise
        sys.exit(f'error: {fault}')


def _fault_outside(error: Exception) -> str | None:
    """Message on a fault of the disk, of another process, of a config or of data sets in a wrapper; None for a bug."""
    text = str(error) or type(error).__name__
    files = [frame.f_code.co_filename for frame, _ in traceback.walk_tb(error.__traceback__)] or ['']  # never raised
    if isinstance(error, TypeError | KeyError) and files[-1] == mmengine.registry.build_functions.__file__:
        if isinstance(error, TypeError):
            return f'a part of the config cannot be built: {text}'
        return (
            f'{error.args[0].split(". ")[0]}: expected a registered type; custom_imports of the config names its module'
        )
    if isinstance(error, AssertionError):  # of MMPose's data sets
        missing = text.endswith(('does not exist', 'does not exist.')) and mmpose.datasets.__path__[0] in files[-1]
        return f'{text.rstrip(".")}: --cfg-options data_root=DIR names the folder of the data' if missing else None
    if isinstance(error, TypeError | ValueError | KeyError):
        if files[-1] != mmengine.dataset.dataset_wrapper.__file__:
            return None
        return (
            f'MMEngine does not concatenate the data sets, whose metainfo differs or cannot be compared: {text}. They '
            'need the same joints, root, frame rate and normalisation; what need not be the same is left out by '
            "ignore_keys=['stats_info', 'cameras'] in the ConcatDataset"
        )
    lost_connection = any('multiprocessing' in file for file in files)  # to a worker, while it hands over a tensor
    if text.startswith(_LOST_WORKER) or (lost_connection and not isinstance(error, RuntimeError)):
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
    parser.add_argument('--show-dir', help='folder for figures of predictions')
    parser.add_argument('--show', action='store_true', help='show figures of predictions in a window')
    parser.add_argument('--interval', type=int, default=1, help='draw every n-th sample')
    parser.add_argument('--wait-time', type=float, default=1, help='seconds to show each figure')
    add_cfg_options(parser)
    # given by torch.distributed.launch
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0, help=argparse.SUPPRESS)


class KeepSpaces(DictAction):
    """MMEngine's action, which takes all spaces out of values; a text, such as a path, keeps its own."""

    @staticmethod
    def _parse_iterable(val: str) -> object:
        parsed = DictAction._parse_iterable(val)
        return val.strip('\'" ') if isinstance(parsed, str) else parsed


def add_cfg_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--cfg-options``."""
    text = 'settings to override in the config, as key=value; lists as key="[a,b]"'
    parser.add_argument('--cfg-options', nargs='+', action=KeepSpaces, default={}, help=text)


def load_runner_config(args: argparse.Namespace) -> Config:
    """The config for a runner: the file, with ``--cfg-options`` and then the other arguments applied."""
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
