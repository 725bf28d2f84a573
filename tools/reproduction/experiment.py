"""Runs the cells of a table."""

import argparse
import json
import logging
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from mmengine.dist import barrier, is_main_process
from mmengine.logging import print_log

from depth_refine.utils.atomic import whole_file
from depth_refine.utils.checkpoint import latest_checkpoint
from depth_refine.utils.errors import InputError
from depth_refine.utils.runner import connect_processes

from .cell import SCHEDULES, LostProcess, Row, Settings, cell_config, reads_store, run_cell
from .identity import RESULT_FILE, data_identity
from .stores import first_stage_result, make_stores, provenance

FIRST_STAGE = 'first stage'  # among what is missing
_REFERENCE = Row('refiner_243')  # all rows have its data
# of each schedule: config and changes to it; the short one's learns from some 200,000 frames of many people
_FIRST_STAGES = dict(
    full=('integral_h36m', {}),
    short=('demo/integral', {'train_dataloader.dataset.frame_step': 10, 'train_cfg.max_epochs': 12}),
)


class Experiment(NamedTuple):
    """What came out of the cells of a table."""

    settings: Settings
    seeds: int
    data: str  # hashes of the annotations and cameras
    first_stage: dict | None  # provenance of the stores; None without any
    first_stage_result: dict | None  # its own errors
    results: dict[str, dict[int, dict]]  # name of the row, seed: result
    missing: dict[str, dict[int, str]]  # name of the row, or FIRST_STAGE, seed: why it is not there
    failed: int  # how many cells, and first stages, could not be had


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the tools that reproduce tables."""
    add = parser.add_argument
    add('--data-root', type=Path, required=True, help='data root in Human3.6M layout, real or synthetic')
    add('--out', type=Path, default=Path('work_dirs/tables'), help='results and checkpoints (default: %(default)s)')
    add('--seeds', type=int, default=3, help='how many seeds, from 0 (default: %(default)s)')
    add('--schedule', choices=SCHEDULES, default='full', help="the paper's size, or a reduced one")
    add('--epochs', type=int, help="train the second stage for so many epochs instead of the schedule's")
    add('--only', nargs='+', metavar='ROW', help='run only these rows; the others are read if there')
    add('--resume', action='store_true', help='go on in an --out with results; finished cells are kept')
    add('--stores', type=Path, help='folder of the depth sequence stores (default: made by a first stage)')
    add('--first-stage', type=Path, metavar='CONFIG', help="make the stores with this config, not the schedule's")
    add('--amp', action='store_true', help='mixed precision; bfloat16 on CPUs')
    add('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    add('--local_rank', '--local-rank', type=int, default=0, help=argparse.SUPPRESS)


class _Run:
    """Results so far, and the stores, which are made when a cell first asks for them."""

    def __init__(self, rows: Sequence[Row], settings: Settings, args: argparse.Namespace) -> None:
        self.rows, self.settings, self.args = rows, settings, args
        self.reference = cell_config(_REFERENCE, 0, settings)
        self.results: dict[str, dict[int, dict]] = {row.name: {} for row in rows}
        self.missing: dict[str, dict[int, str]] = {row.name: {} for row in rows}
        self.failed = 0
        self.stores: dict[str, tuple[Path, dict] | Exception] = {}  # by bounding boxes, '' for the config's

    def cell(self, row: Row, seed: int) -> None:
        """Get a result, or say why there is none."""
        folder = self.settings.folder(row, seed)
        if self.args.only and row.name not in self.args.only and not (folder / RESULT_FILE).exists():
            latest = latest_checkpoint(folder)
            state = f'interrupted after {latest.stem}' if latest else 'not run'
            self.missing[row.name][seed] = f'{state}: left out by --only'
            return
        print_log(f'{row.name}, seed {seed}', logger='current')
        try:
            stores, first_stage = Path(), None
            if reads_store(cell_config(row, seed, self.settings)):
                stores, first_stage = self.first_stage(row.bbox_policy)
            self.results[row.name][seed] = run_cell(row, seed, self.settings, stores, first_stage)
        except LostProcess:
            raise
        except Exception as error:  # whatever a config or a training may raise: the other rows still run
            self._fail(row.name, seed, error)

    def first_stage(self, bbox_policy: str = '') -> tuple[Path, dict]:
        """A folder of stores and their provenance; a failure is told to all that ask."""
        if bbox_policy not in self.stores:
            try:
                stores = None if bbox_policy else self.args.stores
                if not stores:
                    name, options = _FIRST_STAGES[self.settings.schedule]
                    config = self.settings.configs / f'{name}.py'
                    if self.args.first_stage:
                        config, options = self.args.first_stage, {}
                    stores = make_stores(config, self.settings, options, bbox_policy)
                self.stores[bbox_policy] = stores, provenance(stores, self.reference)
            except LostProcess:
                raise
            except Exception as error:  # whatever a training may raise
                _log('the first stage', error)
                self.stores[bbox_policy] = error
        if isinstance(found := self.stores[bbox_policy], Exception):
            raise InputError(f'no first stage: {found}') from found
        return found

    def first_stage_alone(self) -> tuple[dict | None, dict | None]:
        """Provenance and errors of the shared first stage, if one was given or asked for."""
        if not self.args.stores and '' not in self.stores:
            return None, None
        first_stage = None
        try:
            stores, first_stage = self.first_stage()
            return first_stage, first_stage_result(self.reference, stores)
        except Exception as error:  # whatever a damaged store may raise: the rows have results
            self._fail(FIRST_STAGE, 0, error)
            return first_stage, None

    def _fail(self, name: str, seed: int, error: Exception) -> None:
        self.missing.setdefault(name, {})[seed] = f'{type(error).__name__}: {error}'
        self.failed += 1
        _log(f'{name}, seed {seed}', error)


def _log(what: str, error: Exception) -> None:
    """With where it was raised, if that is not bad input."""
    trace = '' if isinstance(error, InputError) else '\n' + ''.join(traceback.format_exception(error))
    print_log(f'{what} failed: {type(error).__name__}: {error}{trace}', logger='current', level=logging.ERROR)


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
    run = _Run(rows, settings, args)
    data = data_identity(run.reference)
    for row in rows:
        for seed in range(args.seeds):
            run.cell(row, seed)
    alone = run.first_stage_alone()
    return Experiment(settings, args.seeds, data, *alone, run.results, run.missing, run.failed)


def _check(args: argparse.Namespace, names: list[str]) -> None:
    if unknown := sorted(set(args.only or ()) - set(names)):
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


def reproduce(table: ModuleType, configs: Path, args: argparse.Namespace) -> None:
    """Run a table's cells, then write its Markdown, JSON and picture into ``args.out`` and print the first.

    Args:
        table: a module with ``ROWS``, ``summarise(experiment)`` and perhaps ``draw(experiment, path)``.
        configs: the folder of all configs.
        args: see :func:`add_arguments`.

    Raises:
        InputError: see :func:`run_experiment`; or something failed, after all is written.
    """
    experiment = run_experiment(configs, table.ROWS, args)
    path = args.out / table.__name__.rsplit('.', 1)[-1]
    if is_main_process():
        text, content = table.summarise(experiment), dict(experiment._asdict(), settings=vars(args))
        for suffix, written in (('.json', json.dumps(content, indent=2, default=str) + '\n'), ('.md', text)):
            with whole_file(path.with_suffix(suffix)) as partial:
                partial.write_text(written, encoding='utf-8')
        if hasattr(table, 'draw'):
            table.draw(experiment, path.with_suffix('.png'))
        print(f'\n{text}\nwrote {path}.*')
    barrier()  # a process that ends with an error would end the one that writes
    if experiment.failed:
        raise InputError(f'{experiment.failed} failed, which {path}.md names; all others are in it')
