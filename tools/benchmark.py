"""Speed and memory compared with MMPose and VideoPose3D: ``python tools/benchmark.py --videopose3d DIR``.

Prints a table in Markdown, see docs/performance.md. Nothing else should run meanwhile.
"""

import argparse
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from command_line import run_tool

import torch
from benchmarks import data_sets, first_stage, memory, metric, refiner
from benchmarks.setup import CONFIGS, Setup, check_videopose3d, describe, has_amx, matrix_rates
from benchmarks.turns import HEADER, Row, markdown_row
from mmengine.registry import init_default_scope

from depth_refine.synthetic import make_synthetic
from depth_refine.utils.atomic import whole_file
from depth_refine.utils.errors import InputError


def measure_crowd(setup: Setup) -> Iterator[Row]:
    """Seconds of a training iteration beside one busy process per core, and alone."""
    from benchmarks.crowd import measure_crowd as measure

    root = make_synthetic(setup.folder / 'crowd', frames=32, image_size=128, subjects=('S1', 'S9'))
    found = measure(CONFIGS / 'demo' / 'integral.py', root)
    work = "iteration of the demo's first stage, beside a busy process per core"
    yield Row(work, 's', found.beside, 'alone', found.alone, target=3, at_most=True)


SECTIONS: dict[str, Callable[[Setup], Iterator[Row]]] = dict(
    inference=refiner.measure_inference,
    training=refiner.measure_training,
    streaming=refiner.measure_streaming,
    windows=data_sets.measure_windows,
    first_stage=first_stage.measure,
    metric=metric.measure,
    crowd=measure_crowd,
    annotation=data_sets.measure_annotation,
)
ON_REQUEST = 'annotation'  # writes gigabytes


def parse_args() -> argparse.Namespace:
    """Parse what to measure, the peers, and where the numbers go."""
    parser = argparse.ArgumentParser(description='Compare speed and memory with MMPose and VideoPose3D')
    parser.add_argument(
        '--only',
        nargs='+',
        choices=SECTIONS,
        default=[name for name in SECTIONS if name != ON_REQUEST],
        metavar='SECTION',
        help=f'some of {", ".join(SECTIONS)}; default: all but {ON_REQUEST}',
    )
    parser.add_argument('--videopose3d', type=Path, metavar='DIR', help='checkout of VideoPose3D; default: left out')
    parser.add_argument('--rounds', type=int, default=7, help='rounds of a comparison; default: 7')
    parser.add_argument('--threads', type=int, default=torch.get_num_threads(), help="default: PyTorch's own number")
    parser.add_argument('--out', type=Path, metavar='FILE', help='JSON file for the numbers of all rounds')
    return parser.parse_args()


def check(args: argparse.Namespace) -> None:
    """Refuse, before anything is measured, arguments that would fail afterwards.

    Raises:
        InputError: a number is below 1, a folder is missing or too full, or the system is not Linux.
    """
    for option in ('rounds', 'threads'):
        if (number := getattr(args, option)) < 1:
            raise InputError(f'--{option}: expected 1 or more, got {number}')
    if not memory.REFERENCES.exists():
        raise InputError(f'memory is measured through {memory.REFERENCES}, which is not there: run this on Linux')
    if args.out and (args.out.is_dir() or not args.out.absolute().parent.is_dir()):
        raise InputError(f'--out {args.out}: expected the name of a file in an existing folder')
    check_videopose3d(args.videopose3d)
    folder, needed = tempfile.gettempdir(), data_sets.ANNOTATION_BYTES
    if ON_REQUEST in args.only and (free := shutil.disk_usage(folder).free) < needed:
        raise InputError(
            f'{ON_REQUEST} needs {needed / 1e9:.1f} GB in {folder}, which has {free / 1e9:.1f} GB: make room, or set '
            'TMPDIR to another folder'
        )


def main() -> None:
    """Measure the machine, then section by section."""
    args = parse_args()
    check(args)
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    init_default_scope('mmpose')
    device = 'cuda' if torch.cuda.is_available() else 'cpu'
    matrix = matrix_rates(device, rows=8192 if device == 'cuda' else 4096)
    sections: dict[str, list[dict]] = {}
    with tempfile.TemporaryDirectory() as folder:
        setup = Setup(Path(folder), args.rounds, device, has_amx(), matrix, args.videopose3d)
        machine = describe(setup)
        print(f'Measured on {machine}.\n\n{markdown_row(HEADER)}\n{markdown_row(["---"] * len(HEADER))}', flush=True)
        for name in dict.fromkeys(args.only):
            sections[name] = []
            for row in SECTIONS[name](setup):
                print(row.as_markdown(), flush=True)
                sections[name].append(vars(row))
            if args.out:
                content = dict(machine=machine, matrix=matrix, sections=sections)
                with whole_file(args.out) as partial:
                    partial.write_text(
                        json.dumps(content, indent=2, default=lambda rounds: rounds.tolist()) + '\n', encoding='utf-8'
                    )


if __name__ == '__main__':
    run_tool(main)
