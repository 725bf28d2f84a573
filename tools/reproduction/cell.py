"""One config, trained and tested with one seed."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import torch
from mmengine.config import Config
from mmengine.dist import get_world_size, is_main_process
from mmengine.runner import CheckpointLoader

from depth_refine.utils.atomic import whole_file
from depth_refine.utils.checkpoint import resume_latest
from depth_refine.utils.config import load_config
from depth_refine.utils.errors import InputError
from depth_refine.utils.runner import build_runner, use_mixed_precision

from .identity import claim, evaluation_identity
from .result_files import RESULT_FILE, check_result, read_json

SCHEDULES = ('full', 'short')


class Settings(NamedTuple):
    """What all cells of an experiment share."""

    configs: Path
    data_root: Path
    out: Path  # a folder for each config in it
    schedule: str = 'full'  # 'short' merges a config's ``short`` dict into it
    epochs: int | None = None  # instead of the schedule's
    amp: bool = False
    launcher: str = 'none'


class Cell(NamedTuple):
    """A config with a seed, and perhaps with changes."""

    name: str  # of its folder: table1/2d_243
    seed: int
    config: str = ''  # path below the configs without .py; the name if empty
    options: dict | None = None  # changes to the config, as --cfg-options

    def folder(self, settings: Settings) -> Path:
        """Where its checkpoints and its result are."""
        return settings.out / self.name / f'seed_{self.seed}'


class LostProcess(RuntimeError):
    """One of several processes may have failed alone, so that they are no longer in step."""


@contextmanager
def in_step(work: str) -> Iterator[None]:
    """Work of several processes, which all end if one may have failed alone."""
    try:
        yield
    except Exception as error:
        if get_world_size() > 1:
            raise LostProcess(f'{work}: {type(error).__name__}: {error}') from error
        raise


def run_cell(cell: Cell, settings: Settings, stores: Path, first_stage: dict | None) -> dict:
    """Train and test a cell, go on with an interrupted one, or read the result of a finished one.

    Args:
        cell: which.
        settings: the experiment's.
        stores: folder of the depth sequence stores, one for each annotation.
        first_stage: what the stores were made from; None for a cell that reads none.

    Returns:
        ``metrics``, ``by_action`` and ``seconds``, the time of training and testing since the last interruption.

    Raises:
        InputError: the config or its data cannot be used, or its folder holds the work of other data, or of another
            config, schedule, first stage, evaluation or number of processes.
        LostProcess: an error that one of several processes may have met alone.
    """
    cfg = cell_config(cell, settings, stores)
    folder = cell.folder(settings)
    claim(
        folder,
        cfg,
        schedule=f'{settings.schedule}, {cfg.train_cfg.max_epochs} epochs',
        first_stage=json.dumps(first_stage, sort_keys=True) if first_stage else 'not used',
        evaluation=evaluation_identity(cfg),
    )
    if (folder / RESULT_FILE).exists():
        result = read_json(folder / RESULT_FILE)
        check_result(folder / RESULT_FILE, result)
        return result
    start = time.monotonic()
    resume_latest(cfg)
    runner = build_runner(cfg)
    _ = runner.train_loop, runner.test_loop  # opens the data: what is wrong with them is so for all processes
    with in_step(f'{cell.name}, seed {cell.seed}'):
        runner.train()
        metrics = runner.test()
    (metric,) = runner.test_evaluator.metrics
    result = dict(metrics=metrics, by_action=metric.by_action, seconds=time.monotonic() - start)
    if is_main_process():
        with whole_file(folder / RESULT_FILE) as partial:
            partial.write_text(json.dumps(result, indent=2) + '\n')
        _drop_optimiser_states(folder)
    return result


def is_finished(cell: Cell, settings: Settings) -> bool:
    """Whether a cell's result is there."""
    return (cell.folder(settings) / RESULT_FILE).exists()


def reads_store(cell: Cell, settings: Settings) -> bool:
    """Whether a cell is made from what a first stage predicts."""
    dataset = cell_config(cell, settings, Path()).train_dataloader.dataset
    return not dataset.get('input_source', '').startswith('gt')


def _drop_optimiser_states(folder: Path) -> None:
    """Make the checkpoints of a finished cell a third of their size; they can be tested again."""
    for path in folder.glob('epoch_*.pth'):
        content = CheckpointLoader.load_checkpoint(str(path), map_location='cpu')
        with whole_file(path) as partial:
            torch.save({key: content[key] for key in ('meta', 'state_dict', 'message_hub')}, partial)


def cell_config(cell: Cell, settings: Settings, stores: Path) -> Config:
    """The config that a cell runs: the file, its reduced version if asked for, and where data and results are."""
    path = settings.configs / f'{cell.config or cell.name}.py'
    cfg = load_config(str(path), {})
    if settings.schedule == 'short':
        if 'short' not in cfg:
            raise InputError(f'{path} has no reduced version: it needs a dict named short')
        cfg.merge_from_dict(cfg.short)
    cfg.merge_from_dict(cell.options or {})
    if settings.epochs is not None:
        _stretch(cfg, settings.epochs)
    if settings.amp:
        use_mixed_precision(cfg)
    for split in ('train', 'test'):
        dataset = cfg[f'{split}_dataloader'].dataset
        dataset.data_root = str(settings.data_root)
        if 'depth_store' in dataset:
            dataset.depth_store = str(stores.absolute() / Path(dataset.depth_store).name)
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None  # the last epoch is tested, none is chosen
    cfg.randomness = dict(seed=cell.seed)
    cfg.work_dir = str(cell.folder(settings))
    cfg.experiment_name = f'{cell.name.replace("/", "_")}_seed_{cell.seed}'
    cfg.launcher = settings.launcher
    return cfg


def _stretch(cfg: Config, epochs: int) -> None:
    """Another number of epochs that ends at the same learning rate."""
    ratio = epochs / cfg.train_cfg.max_epochs
    for scheduler in cfg.param_scheduler:
        if scheduler.type == 'ExponentialLR':
            scheduler.gamma **= 1 / ratio
        elif scheduler.type == 'MultiStepLR':
            scheduler.milestones = [round(milestone * ratio) for milestone in scheduler.milestones]
    cfg.train_cfg.max_epochs = epochs
