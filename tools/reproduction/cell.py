"""One row of a table, trained and tested with one seed."""

import json
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import torch
from mmengine.config import Config
from mmengine.dist import get_world_size, is_main_process
from mmengine.runner import CheckpointLoader, Runner

from depth_refine.utils.atomic import whole_file
from depth_refine.utils.checkpoint import resume_latest
from depth_refine.utils.config import load_config
from depth_refine.utils.errors import InputError
from depth_refine.utils.runner import build_runner, use_mixed_precision

from .identity import RESULT_FILE, claim, read_json

SCHEDULES = ('full', 'short')
# What --schedule short changes in any row: fewer targets, fewer epochs.
SHORT_TRAINING = {
    'train_dataloader.num_workers': 1,
    'train_dataloader.dataset.frame_step': 6,
    'train_cfg.max_epochs': 12,
    'param_scheduler.0.gamma': 0.825,
    # with the full schedule's last momentum, 0.001, statistics would hardly change in an epoch of 300 iterations
    'custom_hooks.1.end': 0.02,
}
# What it changes besides in rows of our network: a quarter of the channels, less dropout, a larger learning rate.
SHORT = {
    **SHORT_TRAINING,
    'model.backbone.channels': 256,
    'model.backbone.dropout': 0.1,
    'model.head.in_channels': 256,
    'train_dataloader.batch_size': 128,
    'optim_wrapper.optimizer.lr': 4e-3,
}


class Row(NamedTuple):
    """A config that is run with every seed, with optional changes in the form of ``--cfg-options``."""

    name: str  # of its folder and in the results: table1/2d_243
    config: str = ''  # path below the configs without .py; the name if empty
    options: dict[str, Any] = {}
    short: dict[str, Any] = SHORT  # more changes, with --schedule short
    bbox_policy: str = ''  # other bounding boxes, hence a first stage of its own instead of the shared one


class Settings(NamedTuple):
    """Settings that all cells of an experiment share."""

    configs: Path
    data_root: Path
    out: Path  # a folder for each row in it
    schedule: str = 'full'
    epochs: int | None = None  # instead of the schedule's
    amp: bool = False
    launcher: str = 'none'

    def folder(self, row: Row, seed: int) -> Path:
        """The folder of a cell's checkpoints and its result."""
        return cell_folder(self.out, row.name, seed)


def cell_folder(out: Path, name: str, seed: int) -> Path:
    """The folder of a cell below the folder of its table."""
    return out / name / f'seed_{seed}'


class LostProcess(RuntimeError):
    """One of several processes may have failed alone, so that they are no longer in step."""


@contextmanager
def in_step(work: str) -> Iterator[None]:
    """Run a block of work in several processes; all end if one may have failed alone."""
    try:
        yield
    except Exception as error:
        if get_world_size() > 1:
            raise LostProcess(f'{work}: {type(error).__name__}: {error}') from error
        raise


def cell_config(row: Row, seed: int, settings: Settings, stores: Path = Path()) -> Config:
    """The config of a cell: the row's, with the schedule's size and the paths of data and results."""
    cfg = load_config(str(settings.configs / f'{row.config or row.name}.py'), {})
    cfg.merge_from_dict((row.short if settings.schedule == 'short' else {}) | row.options)
    if settings.epochs is not None:  # with the same learning rate at the end
        (scheduler,) = cfg.param_scheduler
        scheduler.gamma **= cfg.train_cfg.max_epochs / settings.epochs
        cfg.train_cfg.max_epochs = settings.epochs
    if settings.amp:
        use_mixed_precision(cfg)
    for split in ('train', 'test'):
        dataset = cfg[f'{split}_dataloader'].dataset
        dataset.data_root = str(settings.data_root)
        dataset.depth_store = str(stores.absolute() / Path(dataset.depth_store).name)
        dataset.bbox_policy = row.bbox_policy or dataset.bbox_policy
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None  # the last epoch is tested, none is chosen
    cfg.randomness = dict(seed=seed)
    cfg.work_dir = str(settings.folder(row, seed))
    cfg.experiment_name = f'{row.name.replace("/", "_")}_seed_{seed}'
    cfg.launcher = settings.launcher
    return cfg


def reads_store(cfg: Config) -> bool:
    """Whether a cell reads a first stage's predictions."""
    return not cfg.train_dataloader.dataset.input_source.startswith('gt')


def run_cell(cfg: Config, evaluate: Callable[[Runner], dict], **conditions: str) -> dict:
    """Train and test a cell, go on with an interrupted one, or read the result of a finished one.

    Args:
        cfg: the config, with a ``work_dir``.
        evaluate: gives ``metrics``, and whatever else is to be kept, of the trained runner.
        conditions: what else the result depends on.

    Returns:
        What ``evaluate`` gives, and ``seconds``, the time of training and testing since the last interruption.

    Raises:
        InputError: the config or its data cannot be used, or its folder holds the work of other data, or of another
            config, evaluation, number of processes or other conditions.
        LostProcess: an error that one of several processes may have met alone.
    """
    path = Path(cfg.work_dir) / RESULT_FILE
    claim(path.parent, cfg, **conditions)
    if path.exists():
        return _read_result(path)
    start = time.monotonic()
    resume_latest(cfg)
    runner = build_runner(cfg)
    _ = runner.train_loop, runner.test_loop  # opens the data, which fails in all processes or in none
    with in_step(cfg.experiment_name):
        runner.train()
        result = dict(evaluate(runner), seconds=time.monotonic() - start)
    if is_main_process():
        with whole_file(path) as partial:
            partial.write_text(json.dumps(result, indent=2) + '\n', encoding='utf-8')
        _drop_optimiser_states(path.parent)
    return result


def of_test_data(runner: Runner) -> dict:
    """Test, and give the ``metrics``, also ``by_action``."""
    metrics = runner.test()
    (metric,) = runner.test_evaluator.metrics
    return dict(metrics=metrics, by_action=metric.by_action)


def _read_result(path: Path) -> dict:
    """Read what :func:`run_cell` wrote; metrics that are not finite numbers are refused."""
    result = read_json(path)
    try:
        numbers = list(result['metrics'].values())
        for metrics in result.get('by_action', {}).values():
            numbers += metrics.values()
        sound = bool(result['metrics']) and all(map(math.isfinite, numbers)) and bool not in map(type, numbers)
    except (KeyError, TypeError, AttributeError, OverflowError):
        sound = False
    if not sound:
        raise InputError(f"{path}: expected finite numbers in 'metrics' and 'by_action', got {str(result)[:300]}")
    return result


def _drop_optimiser_states(folder: Path) -> None:
    """Shrink a finished cell's checkpoints to a third of their size; they can still be tested."""
    for path in folder.glob('epoch_*.pth'):
        content = CheckpointLoader.load_checkpoint(str(path), map_location='cpu')
        with whole_file(path) as partial:
            torch.save({key: content[key] for key in ('meta', 'state_dict', 'message_hub')}, partial)
