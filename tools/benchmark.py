"""Speed and memory beside MMPose and VideoPose3D: ``python tools/benchmark.py --videopose3d DIR``.

Prints tables in Markdown, see docs/performance.md. Let nothing else run meanwhile.
"""

import argparse
import json
import tempfile
from pathlib import Path

from command_line import run_tool

import torch
from benchmarks.machine import measure_machine
from benchmarks.report import check_document, markdown, to_json, update_document
from benchmarks.sections import ON_REQUEST, SECTIONS, expected, run_sections
from benchmarks.setup import Setup, check_videopose3d
from mmengine.registry import init_default_scope

from depth_refine.utils.atomic import whole_file
from depth_refine.utils.errors import InputError

_CONFIGS = Path(__file__).resolve().parents[1] / 'configs'
_SECONDS = 30  # of each comparison


def parse_args() -> argparse.Namespace:
    """What to measure, beside what, and where the tables go."""
    parser = argparse.ArgumentParser(description='Measure speed and memory beside MMPose and VideoPose3D')
    usual = [name for name in SECTIONS if name not in ON_REQUEST]
    parser.add_argument(
        '--only', nargs='+', choices=SECTIONS, default=usual, metavar='SECTION', help=f'some of {", ".join(SECTIONS)}'
    )
    parser.add_argument('--rounds', type=int, default=9, help='most rounds of a comparison; default: 9')
    parser.add_argument('--videopose3d', type=Path, metavar='DIR', help='checkout of VideoPose3D; default: left out')
    for stage in ('--refiner', '--first-stage'):
        parser.add_argument(
            stage, nargs=2, metavar=('CONFIG', 'CHECKPOINT'), help=f'trained {stage[2:]}, for the section precision'
        )
    parser.add_argument(
        '--folder',
        type=Path,
        default=Path(tempfile.gettempdir()),
        help="where made-up data lie meanwhile, gigabytes of them for growth and annotation; default: the system's",
    )
    parser.add_argument(
        '--frames', type=int, help="of annotation, default: as in Human3.6M; of growth's largest, default: what fits"
    )
    parser.add_argument('--out', type=Path, help='JSON file for all numbers')
    parser.add_argument('--update-docs', type=Path, metavar='FILE', help='document whose tables are replaced')
    args = parser.parse_args()
    for name, number in (('--rounds', args.rounds), ('--frames', args.frames)):
        if number is not None and number < 1:
            parser.error(f'{name}: expected 1 or more, got {number}')
    return args


def check_files(args: argparse.Namespace) -> None:
    """Refuse, before anything is measured, what would fail afterwards.

    Raises:
        InputError: a folder, file or place in a document is missing.
    """
    if not args.folder.is_dir():
        raise InputError(f'no folder {args.folder}: give an existing --folder')
    for path in map(Path, (*(args.refiner or ()), *(args.first_stage or ()))):
        if not path.is_file():
            raise InputError(f'no file {path}: --refiner and --first-stage expect a config and a checkpoint')
    if args.out and (args.out.is_dir() or not args.out.absolute().parent.is_dir()):
        raise InputError(f'--out {args.out}: expected the name of a file in an existing folder')
    check_videopose3d(args.videopose3d)
    for name in expected(args.only) if args.update_docs else ():
        check_document(args.update_docs, name)


def main() -> None:
    """Measure the machine, then section by section."""
    args = parse_args()
    check_files(args)
    init_default_scope('mmpose')
    torch.manual_seed(0)
    sections = {}
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        machine = measure_machine('cuda' if torch.cuda.is_available() else 'cpu')
        setup = Setup(
            configs=_CONFIGS,
            folder=Path(folder),
            machine=machine,
            rounds=args.rounds,
            seconds=_SECONDS,
            videopose3d=args.videopose3d,
            refiner=args.refiner,
            first_stage=args.first_stage,
            frames=args.frames,
        )
        for name, results in run_sections(list(dict.fromkeys(args.only)), setup):
            sections[name] = results
            print(f'## {name}\n\n{markdown(machine, results)}', flush=True)
            if args.update_docs:
                update_document(args.update_docs, name, markdown(machine, results))
            if args.out:
                with whole_file(args.out) as partial:
                    partial.write_text(json.dumps(to_json(machine, sections), indent=2) + '\n')


if __name__ == '__main__':
    run_tool(main)
