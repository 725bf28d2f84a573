"""One config, trained and tested with one seed."""

import functools
import hashlib
import json
import time
from pathlib import Path
from typing import NamedTuple

from mmengine.config import Config
from mmengine.dist import is_main_process

from depth_refine.atomic import whole_file
from depth_refine.engine import resume_latest
from depth_refine.engine.tool import build_runner, load_config, use_mixed_precision
from depth_refine.errors import InputError

from .result_files import check_result, read_json

SCHEDULES = ('full', 'short')
_IDENTITY_FILE, _RESULT_FILE = 'identity.json', 'result.json'


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


def run_cell(cell: Cell, settings: Settings, stores: Path, first_stage: dict) -> dict:
    """Train and test a cell, go on with an interrupted one, or read the result of a finished one.

    Args:
        cell: which.
        settings: the experiment's.
        stores: folder of the depth sequence stores, one for each annotation.
        first_stage: what the stores were made from.

    Returns:
        ``metrics``, ``by_action`` and ``seconds``, the time of training and testing since the last interruption.

    Raises:
        InputError: the config cannot be used, or its folder holds the work of another config, schedule, first stage or
            data root.
    """
    cfg = cell_config(cell, settings, stores)
    folder = cell.folder(settings)
    _claim(folder, _identity(cfg, settings, first_stage))
    if (folder / _RESULT_FILE).exists():
        result = read_json(folder / _RESULT_FILE)
        check_result(folder / _RESULT_FILE, result)
        return result
    start = time.monotonic()
    resume_latest(cfg)
    runner = build_runner(cfg)
    runner.train()
    metrics = runner.test()
    (metric,) = runner.test_evaluator.metrics
    result = dict(metrics=metrics, by_action=metric.by_action, seconds=time.monotonic() - start)
    if is_main_process():
        with whole_file(folder / _RESULT_FILE) as partial:
            partial.write_text(json.dumps(result, indent=2) + '\n')
    return result


def is_finished(cell: Cell, settings: Settings) -> bool:
    """Whether a cell's result is there."""
    return (cell.folder(settings) / _RESULT_FILE).exists()


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


def _identity(cfg: Config, settings: Settings, first_stage: dict) -> dict[str, str]:
    """What a result was made from, part by part."""
    dataset = cfg.train_dataloader.dataset
    uses_store = not dataset.get('input_source', '').startswith('gt')
    parts = ('model', 'train_dataloader', 'optim_wrapper', 'param_scheduler', 'train_cfg', 'custom_hooks')
    network = {key: cfg[key] for key in parts}
    return dict(
        data=data_identity(cfg),
        schedule=f'{settings.schedule}, {cfg.train_cfg.max_epochs} epochs',
        first_stage=json.dumps(first_stage, sort_keys=True) if uses_store else 'not used',
        config=hashlib.sha256(_without_paths(network).encode()).hexdigest(),
    )


def data_identity(cfg: Config) -> str:
    """Hash of the annotations that a config trains and tests on."""
    hashes = []
    for split in ('train', 'test'):
        dataset = cfg[f'{split}_dataloader'].dataset
        path = Path(dataset.data_root, dataset.ann_file)
        if not path.is_file():
            raise InputError(f'no {split} annotation {path.absolute()}: give a data root in Human3.6M layout')
        hashes.append(_sha256(path)[:16])
    return ' '.join(hashes)


@functools.cache  # every cell asks for the same files, of gigabytes
def _sha256(path: Path) -> str:
    with path.open('rb') as file:
        return hashlib.file_digest(file, 'sha256').hexdigest()


def _without_paths(node) -> str:
    """Text of a piece of config, the same wherever the data are and however they are loaded."""
    if isinstance(node, dict):
        skipped = {'data_root', 'depth_store', 'num_workers', 'persistent_workers'}
        return '{' + ','.join(f'{k}:{_without_paths(v)}' for k, v in sorted(node.items()) if k not in skipped) + '}'
    if isinstance(node, list | tuple):
        return '[' + ','.join(map(_without_paths, node)) + ']'
    return repr(node)


def _claim(folder: Path, identity: dict[str, str]) -> None:
    """Record what the work in a folder is made from; refuse one that is made from something else."""
    path = folder / _IDENTITY_FILE
    if path.exists():
        found = read_json(path)
        differing = [part for part in identity if found.get(part) != identity[part]]
        if differing:
            part = differing[0]
            raise InputError(
                f'{folder} holds the work of another {part.replace("_", " ")} ({found.get(part)} instead of '
                f'{identity[part]}): remove it, or give another --out'
            )
    elif is_main_process():
        with whole_file(path) as partial:
            partial.write_text(json.dumps(identity, indent=2) + '\n')
