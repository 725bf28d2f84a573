"""Runs the cells of a table."""

import argparse
import functools
import json
import logging
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from mmengine.dist import barrier, is_main_process
from mmengine.logging import print_log

from depth_refine.utils.atomic import whole_file
from depth_refine.utils.checkpoint import latest_checkpoint
from depth_refine.utils.errors import InputError
from depth_refine.utils.runner import connect_processes

from .cell import SCHEDULES, LostProcess, Row, Settings, cell_config, cell_folder, of_test_data, reads_store, run_cell
from .identity import RESULT_FILE, data_identity
from .stores import first_stage_result, make_stores, provenance

FIRST_STAGE = 'first stage'  # its name among missing results
_REFERENCE = Row('refiner_243')  # all rows have its data
# config of the first stage, by schedule
_FIRST_STAGES = dict(full='integral_h36m', short='demo/integral_128')


class Experiment(NamedTuple):
    """The results of a table's cells."""

    settings: Settings
    seeds: int
    data: str  # hashes of the annotations and cameras
    first_stage: dict | None  # provenance of the stores; None without any
    first_stage_result: dict | None  # its own errors
    results: dict[str, dict[int, dict]]  # name of the row, seed: result
    missing: dict[str, dict[int, str]]  # name of the row, or FIRST_STAGE, seed: why there is no result
    failed: int  # number of cells and first stages that failed


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the tools that reproduce the paper's tables."""
    add = parser.add_argument
    add('--data-root', type=Path, required=True, help='data root in Human3.6M layout, real or synthetic')
    add_cell_arguments(parser)
    add('--schedule', choices=SCHEDULES, default='full', help="the paper's size, or a reduced one")
    add('--stores', type=Path, help='folder of the depth sequence stores (default: made by a first stage)')
    add('--first-stage', type=Path, metavar='CONFIG', help="make the stores with this config, not the schedule's")
    add('--first-stage-data', type=Path, metavar='ROOT', help='train the first stage on this data root instead')
    add('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    add('--local_rank', '--local-rank', type=int, default=0, help=argparse.SUPPRESS)


def add_cell_arguments(parser: argparse.ArgumentParser, out: str = 'work_dirs/tables') -> None:
    """Add the arguments of all tools that run the cells of a table."""
    add = parser.add_argument
    add('--out', type=Path, default=Path(out), help='results and checkpoints (default: %(default)s)')
    add('--seeds', type=int, default=3, help='how many seeds, from 0 (default: %(default)s)')
    add('--epochs', type=int, help="number of epochs of refiners, instead of the schedule's")
    add('--only', nargs='+', metavar='ROW', help='run only these rows; finished cells of others are read')
    add('--resume', action='store_true', help='continue in an --out with results; finished cells are kept')
    add('--amp', action='store_true', help='mixed precision; bfloat16 on CPUs')


class Cells:
    """Results of cells so far; a cell that fails is named, and the others still run.

    Args:
        out: the folder of the rows' folders.
        names: names of the rows.
        only: rows to run; finished cells of others are read. All if empty.
    """

    def __init__(self, out: Path, names: Sequence[str], only: Sequence[str] | None) -> None:
        self.out, self.only, self.failed = out, only, 0
        self.results: dict[str, dict[int, dict]] = {name: {} for name in names}
        self.missing: dict[str, dict[int, str]] = {name: {} for name in names}

    def run(self, name: str, seed: int, work: Callable[[], dict]) -> None:
        """Record the result of a cell's work, or why there is none."""
        folder = cell_folder(self.out, name, seed)
        if self.only and name not in self.only and not (folder / RESULT_FILE).exists():
            latest = latest_checkpoint(folder)
            state = f'interrupted after {latest.stem}' if latest else 'not run'
            self.missing[name][seed] = f'{state}: left out by --only'
            return
        print_log(f'{name}, seed {seed}', logger='current')
        try:
            self.results[name][seed] = work()
        except LostProcess:
            raise
        except Exception as error:  # whatever a config or a training may raise: the other rows still run
            self.fail(name, seed, error)

    def fail(self, name: str, seed: int, error: Exception) -> None:
        """Record and log why there is no result."""
        self.missing.setdefault(name, {})[seed] = f'{type(error).__name__}: {error}'
        self.failed += 1
        _log(f'{name}, seed {seed}', error)


class _Stores:
    """The stores that cells read, made on first use."""

    def __init__(self, settings: Settings, args: argparse.Namespace) -> None:
        self.settings, self.args = settings, args
        self.reference = cell_config(_REFERENCE, 0, settings)
        self.found: dict[str, tuple[Path, dict] | Exception] = {}  # by bounding boxes, '' for the config's

    def run(self, row: Row, seed: int) -> dict:
        """The result of a cell."""
        stores, first_stage = Path(), None
        if reads_store(cell_config(row, seed, self.settings)):
            stores, first_stage = self.first_stage(row.bbox_policy)
        cfg = cell_config(row, seed, self.settings, stores)
        schedule = f'{self.settings.schedule}, {cfg.train_cfg.max_epochs} epochs'
        made_from = json.dumps(first_stage, sort_keys=True) if first_stage else 'not used'
        return run_cell(cfg, of_test_data, schedule=schedule, first_stage=made_from)

    def first_stage(self, bbox_policy: str = '') -> tuple[Path, dict]:
        """A folder of stores and their provenance; a failure is raised for every cell that needs them."""
        if bbox_policy not in self.found:
            try:
                stores = None if bbox_policy else self.args.stores
                if not stores:
                    usual = self.settings.configs / f'{_FIRST_STAGES[self.settings.schedule]}.py'
                    config = self.args.first_stage or usual
                    stores = make_stores(config, self.settings, bbox_policy, self.args.first_stage_data)
                self.found[bbox_policy] = stores, provenance(stores, self.reference)
            except LostProcess:
                raise
            except Exception as error:  # whatever a training may raise
                _log('the first stage', error)
                self.found[bbox_policy] = error
        if isinstance(found := self.found[bbox_policy], Exception):
            raise InputError(f'no first stage: {found}') from found
        return found

    def alone(self, cells: Cells) -> tuple[dict | None, dict | None]:
        """Provenance and errors of the shared first stage, if one was given or used."""
        if not self.args.stores and '' not in self.found:
            return None, None
        first_stage = None
        try:
            stores, first_stage = self.first_stage()
            return first_stage, first_stage_result(self.reference, stores)
        except Exception as error:  # whatever a damaged store may raise: the rows have results
            cells.fail(FIRST_STAGE, 0, error)
            return first_stage, None


def _log(what: str, error: Exception) -> None:
    """Log a failure, with its traceback unless it is bad input."""
    trace = '' if isinstance(error, InputError) else '\n' + ''.join(traceback.format_exception(error))
    print_log(f'{what} failed: {type(error).__name__}: {error}{trace}', logger='current', level=logging.ERROR)


def run_experiment(configs: Path, rows: Sequence[Row], args: argparse.Namespace) -> Experiment:
    """Run every cell of a table that has no result yet; a cell that fails is named, and the others still run.

    Args:
        configs: the folder of all configs.
        rows: the table's.
        args: see :func:`add_arguments`.

    Raises:
        InputError: an argument or the data root cannot be used.
        LostProcess: one of several processes failed.
    """
    check_arguments(args, [row.name for row in rows])
    if args.stores and args.first_stage:
        raise InputError('give --stores, or the --first-stage that is to make them, not both')
    if args.first_stage and not args.first_stage.is_file():
        raise InputError(f'--first-stage: no config {args.first_stage.absolute()}')
    settings = Settings(configs, args.data_root, args.out, args.schedule, args.epochs, args.amp, args.launcher)
    connect_processes(settings.launcher)
    stores, cells = _Stores(settings, args), Cells(args.out, [row.name for row in rows], args.only)
    data = data_identity(stores.reference)
    for row in rows:
        for seed in range(args.seeds):
            cells.run(row.name, seed, functools.partial(stores.run, row, seed))
    alone = stores.alone(cells)
    return Experiment(settings, args.seeds, data, *alone, cells.results, cells.missing, cells.failed)


def check_arguments(args: argparse.Namespace, names: list[str]) -> None:
    """Refuse (``InputError``) unusable values of :func:`add_cell_arguments`, before long work."""
    if unknown := sorted(set(args.only or ()) - set(names)):
        raise InputError(f'--only {" ".join(unknown)}: expected some of {", ".join(names)}')
    for name in ('seeds', 'epochs'):
        if (value := getattr(args, name)) is not None and value < 1:
            raise InputError(f'--{name}: expected at least 1, got {value}')
    if not args.resume and args.out.is_dir() and any(args.out.iterdir()):
        raise InputError(f'{args.out} is not empty: give --resume to go on there, or another --out')


def reproduce(table: ModuleType, configs: Path, args: argparse.Namespace) -> None:
    """Run a table's cells, then write its Markdown, JSON and figure into ``args.out``, and print the Markdown.

    Args:
        table: a module with ``ROWS``, ``summarise(experiment)`` and optionally ``draw(experiment, path)``.
        configs: the folder of all configs.
        args: see :func:`add_arguments`.

    Raises:
        InputError: see :func:`run_experiment`; or a cell failed, after all files are written.
    """
    write_table(table, run_experiment(configs, table.ROWS, args), args)


def write_table(table: ModuleType, experiment: Experiment, args: argparse.Namespace) -> None:
    """Write an experiment's results, see :func:`reproduce`."""
    path = args.out / table.__name__.rsplit('.', 1)[-1]
    if is_main_process():
        text, content = table.summarise(experiment), dict(experiment._asdict(), settings=vars(args))
        for suffix, written in (('.json', json.dumps(content, indent=2, default=str) + '\n'), ('.md', text)):
            with whole_file(path.with_suffix(suffix)) as partial:
                partial.write_text(written, encoding='utf-8')
        if hasattr(table, 'draw'):
            table.draw(experiment, path.with_suffix('.png'))
        print(f'\n{text}\nwrote {path}.*')
    barrier()  # a process that exits with an error would end the one that is still writing
    if experiment.failed:
        raise InputError(f'{experiment.failed} failed, which {path}.md names; all others are in it')
