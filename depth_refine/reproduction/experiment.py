"""Runs the cells of a table."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from mmengine.dist import is_main_process
from mmengine.logging import print_log

from depth_refine.atomic import whole_file
from depth_refine.engine.tool import connect_processes
from depth_refine.errors import InputError

from .cell import SCHEDULES, Cell, Settings, cell_config, data_identity, is_finished, run_cell
from .first_stage import first_stage_result, make_stores, provenance

FIRST_STAGES = dict(full='integral_h36m.py', short='demo/integral_many.py')


class Experiment(NamedTuple):
    """What came out of the cells of a table."""

    settings: Settings
    seeds: int
    data: str  # hashes of the annotations
    first_stage: dict  # provenance of the stores
    first_stage_result: dict
    results: dict[str, dict[int, dict]]  # name of the config, seed: result
    missing: dict[str, dict[int, str]]  # name of the config, seed: why it is not there


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
    parser.add_argument('--amp', action='store_true', help='mixed precision; bfloat16 on CPUs')
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0, help=argparse.SUPPRESS)


class Row(NamedTuple):
    """A config, perhaps with changes, that is run with every seed."""

    name: str  # of its folder, and of its config if that is not given
    config: str = ''
    options: dict | None = None
    bbox_policy: str = ''  # of a first stage of its own instead of the shared one


def run_experiment(configs: Path, rows: Sequence[Row], args: argparse.Namespace) -> Experiment:
    """Run every cell of a table that has no result yet; one that fails is named and the others still run.

    Args:
        configs: the folder of all configs.
        rows: the table's.
        args: see :func:`add_arguments`.

    Raises:
        InputError: an argument, the data root or the shared first stage cannot be used.
    """
    names = [row.name for row in rows]
    unknown = sorted(set(args.only or ()) - set(names))
    if unknown:
        raise InputError(f'--only {" ".join(unknown)}: expected some of {", ".join(names)}')
    if args.seeds < 1:
        raise InputError(f'--seeds: expected at least 1, got {args.seeds}')
    if not args.resume and args.out.is_dir() and any(args.out.iterdir()):
        raise InputError(f'{args.out} is not empty: give --resume to go on there, or another --out')
    settings = Settings(configs, args.data_root, args.out, args.schedule, args.epochs, args.amp, args.launcher)
    connect_processes(settings.launcher)
    reference = cell_config(Cell(names[0], 0, rows[0].config), settings, Path())
    data = data_identity(reference)
    shared = args.stores or make_stores(configs / FIRST_STAGES[settings.schedule], settings)
    first_stage = provenance(shared, reference)

    results, missing = {name: {} for name in names}, {name: {} for name in names}
    for row in rows:
        for seed in range(args.seeds):
            cell = Cell(row.name, seed, row.config, row.options)
            if args.only and row.name not in args.only and not is_finished(cell, settings):
                missing[row.name][seed] = 'not run: left out by --only'
                continue
            print_log(f'{row.name}, seed {seed}', logger='current')
            try:
                stores = shared
                if row.bbox_policy:
                    stores = make_stores(configs / FIRST_STAGES[settings.schedule], settings, row.bbox_policy)
                results[row.name][seed] = run_cell(cell, settings, stores, provenance(stores, reference))
            except Exception as error:  # whatever a config or a training may raise: the other rows still run
                missing[row.name][seed] = f'{type(error).__name__}: {error}'
                print_log(f'{row.name}, seed {seed} failed: {missing[row.name][seed]}', logger='current')
    alone = first_stage_result(reference, shared)
    return Experiment(settings, args.seeds, data, first_stage, alone, results, missing)


def reproduce(table: ModuleType, configs: Path, args: argparse.Namespace) -> None:
    """Run a table's cells, then write its Markdown, JSON and picture into ``args.out`` and print the first.

    Args:
        table: a module with ``ROWS``, ``report(experiment)`` and perhaps ``draw(experiment, path)``.
        configs: the folder of all configs.
        args: see :func:`add_arguments`.
    """
    experiment = run_experiment(configs, table.ROWS, args)
    if not is_main_process():
        return
    name = table.__name__.rsplit('.', 1)[-1]
    text = table.report(experiment)
    settings = {key: str(value) if isinstance(value, Path) else value for key, value in args._get_kwargs()}
    with whole_file(args.out / f'{name}.json') as partial:
        partial.write_text(json.dumps(dict(experiment._asdict(), settings=settings), indent=2) + '\n')
    with whole_file(args.out / f'{name}.md') as partial:
        partial.write_text(text)
    if hasattr(table, 'draw'):
        table.draw(experiment, args.out / f'{name}.png')
    print(f'\n{text}\nwrote {args.out / name}.*')
