"""Runs the cells of a table."""

import argparse
import json
import logging
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from mmengine.config import Config
from mmengine.dist import barrier, is_main_process
from mmengine.logging import print_log

from depth_refine.utils.atomic import whole_file
from depth_refine.utils.checkpoint import latest_checkpoint
from depth_refine.utils.errors import InputError
from depth_refine.utils.runner import connect_processes

from .cell import SCHEDULES, Cell, LostProcess, Settings, cell_config, is_finished, reads_store, run_cell
from .first_stage import first_stage_result, make_stores, provenance
from .identity import data_identity

FIRST_STAGE = 'first stage'  # among what is missing
FIRST_STAGES = dict(full='integral_h36m.py', short='demo/integral_many.py')


class Experiment(NamedTuple):
    """What came out of the cells of a table."""

    settings: Settings
    seeds: int
    data: str  # hashes of the annotations and cameras
    first_stage: dict | None  # provenance of the stores; None without any
    first_stage_result: dict | None  # its own errors
    results: dict[str, dict[int, dict]]  # name of the config, seed: result
    missing: dict[str, dict[int, str]]  # name of the config, or FIRST_STAGE, seed: why it is not there
    failed: int  # how many cells, and first stages, could not be had


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the tools that reproduce tables."""
    parser.add_argument(
        '--data-root', type=Path, required=True, help='data root in Human3.6M layout, real or synthetic'
    )
    parser.add_argument(
        '--out', type=Path, default=Path('work_dirs/tables'), help='results and checkpoints (default: work_dirs/tables)'
    )
    parser.add_argument('--seeds', type=int, default=3, help='how many seeds, from 0 (default 3)')
    parser.add_argument('--schedule', choices=SCHEDULES, default='full', help="the paper's size, or a reduced one")
    parser.add_argument(
        '--epochs', type=int, help="train the second stage for so many epochs instead of the schedule's"
    )
    parser.add_argument('--only', nargs='+', metavar='ROW', help='run only these configs; the others are read if there')
    parser.add_argument('--resume', action='store_true', help='go on in an --out with results; finished cells are kept')
    parser.add_argument(
        '--stores', type=Path, help='folder of the depth sequence stores (default: made by a first stage)'
    )
    parser.add_argument(
        '--first-stage', type=Path, metavar='CONFIG', help="make the stores with this config instead of the schedule's"
    )
    parser.add_argument('--amp', action='store_true', help='mixed precision; bfloat16 on CPUs')
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0, help=argparse.SUPPRESS)


class Row(NamedTuple):
    """A config, perhaps with changes, that is run with every seed."""

    name: str  # of its folder, and of its config if that is not given
    config: str = ''
    options: dict | None = None
    bbox_policy: str = ''  # of a first stage of its own instead of the shared one


class _FirstStages:
    """The stores of an experiment, each made when a cell first asks for it; a failure is told to all that ask."""

    def __init__(self, config: Path, settings: Settings, given: Path | None, reference: Config) -> None:
        self._config, self._settings, self._given, self._reference = config, settings, given, reference
        self._found: dict[str, tuple[Path, dict] | Exception] = {}

    def __call__(self, bbox_policy: str = '') -> tuple[Path, dict]:
        """A folder of stores and their provenance; with other bounding boxes than the config's if they are named."""
        if bbox_policy not in self._found:
            try:
                stores = self._given
                if bbox_policy or not stores:
                    stores = make_stores(self._config, self._settings, bbox_policy)
                self._found[bbox_policy] = stores, provenance(stores, self._reference)
            except LostProcess:
                raise
            except Exception as error:  # whatever a training may raise
                _log_failure('the first stage', error)
                self._found[bbox_policy] = error
        found = self._found[bbox_policy]
        if isinstance(found, Exception):
            raise InputError(f'no first stage: {found}') from found
        return found


def run_experiment(configs: Path, rows: Sequence[Row], args: argparse.Namespace) -> Experiment:
    """Run every cell of a table that has no result yet; one that fails is named and the others still run.

    Args:
        configs: the folder of all configs.
        rows: the table's.
        args: see :func:`add_arguments`.

    Raises:
        InputError: an argument or the data root cannot be used.
        LostProcess: one of several processes failed.
    """
    _check(args, [row.name for row in rows])
    settings = Settings(configs, args.data_root, args.out, args.schedule, args.epochs, args.amp, args.launcher)
    connect_processes(settings.launcher)
    reference = _first_that_loads(rows, settings)
    data = data_identity(reference)
    config = args.first_stage or configs / FIRST_STAGES[settings.schedule]
    first_stages = _FirstStages(config, settings, args.stores, reference)

    results, missing, failed = {row.name: {} for row in rows}, {row.name: {} for row in rows}, 0
    reads_shared = bool(args.stores)
    for row in rows:
        for seed in range(args.seeds):
            cell = Cell(row.name, seed, row.config, row.options)
            if args.only and row.name not in args.only and not is_finished(cell, settings):
                latest = latest_checkpoint(cell.folder(settings))
                state = f'interrupted after {latest.stem}' if latest else 'not run'
                missing[row.name][seed] = f'{state}: left out by --only'
                continue
            print_log(f'{row.name}, seed {seed}', logger='current')
            try:
                stores, first_stage = Path(), None
                if reads_store(cell, settings):
                    reads_shared = reads_shared or not row.bbox_policy
                    stores, first_stage = first_stages(row.bbox_policy)
                results[row.name][seed] = run_cell(cell, settings, stores, first_stage)
            except LostProcess:
                raise
            except Exception as error:  # whatever a config or a training may raise: the other rows still run
                missing[row.name][seed] = f'{type(error).__name__}: {error}'
                failed += 1
                _log_failure(f'{row.name}, seed {seed}', error)
    first_stage = alone = None
    if reads_shared:
        try:
            stores, first_stage = first_stages()
            alone = first_stage_result(reference, stores)
        except Exception as error:  # whatever a damaged store may raise: the rows have results
            missing[FIRST_STAGE] = {0: f'{type(error).__name__}: {error}'}
            failed += 1
            _log_failure('the first stage', error)
    return Experiment(settings, args.seeds, data, first_stage, alone, results, missing, failed)


def _check(args: argparse.Namespace, names: list[str]) -> None:
    unknown = sorted(set(args.only or ()) - set(names))
    if unknown:
        raise InputError(f'--only {" ".join(unknown)}: expected some of {", ".join(names)}')
    for name in ('seeds', 'epochs'):
        if (value := getattr(args, name)) is not None and value < 1:
            raise InputError(f'--{name}: expected at least 1, got {value}')
    if args.stores and args.first_stage:
        raise InputError('give --stores, or the --first-stage that is to make them, not both')
    if args.first_stage and not args.first_stage.is_file():
        raise InputError(f'--first-stage: no config {args.first_stage.absolute()}')
    if not args.resume and args.out.is_dir() and any(args.out.iterdir()):
        raise InputError(f'{args.out} is not empty: give --resume to go on there, or another --out')


def _first_that_loads(rows: Sequence[Row], settings: Settings) -> Config:
    """A second-stage config: all of them have the same data."""
    for row in rows[:-1]:
        try:
            return cell_config(Cell(row.name, 0, row.config), settings, Path())
        except Exception as error:  # whatever a config may raise; its cells will be named
            print_log(f'{row.name} cannot be read: {error}', logger='current')
    return cell_config(Cell(rows[-1].name, 0, rows[-1].config), settings, Path())


def _log_failure(what: str, error: Exception) -> None:
    """With where it was raised, if that is not bad input."""
    trace = '' if isinstance(error, InputError) else '\n' + ''.join(traceback.format_exception(error))
    print_log(f'{what} failed: {type(error).__name__}: {error}{trace}', logger='current', level=logging.ERROR)


def reproduce(table: ModuleType, configs: Path, args: argparse.Namespace) -> None:
    """Run a table's cells, then write its Markdown, JSON and picture into ``args.out`` and print the first.

    Args:
        table: a module with ``ROWS``, ``report(experiment)`` and perhaps ``draw(experiment, path)``.
        configs: the folder of all configs.
        args: see :func:`add_arguments`.

    Raises:
        InputError: see :func:`run_experiment`; or something failed, after all is written.
    """
    experiment = run_experiment(configs, table.ROWS, args)
    name = table.__name__.rsplit('.', 1)[-1]
    if is_main_process():
        _write(experiment, table, name, args)
    barrier()  # a process that ends with an error would end the one that writes
    if experiment.failed:
        raise InputError(f'{experiment.failed} failed, which {args.out / name}.md names; all others are in it')


def _write(experiment: Experiment, table: ModuleType, name: str, args: argparse.Namespace) -> None:
    settings = {key: str(value) if isinstance(value, Path) else value for key, value in args._get_kwargs()}
    with whole_file(args.out / f'{name}.json') as partial:
        partial.write_text(json.dumps(dict(experiment._asdict(), settings=settings), indent=2) + '\n')
    text = table.report(experiment)
    with whole_file(args.out / f'{name}.md') as partial:
        partial.write_text(text)
    if hasattr(table, 'draw'):
        table.draw(experiment, args.out / f'{name}.png')
    print(f'\n{text}\nwrote {args.out / name}.*')
