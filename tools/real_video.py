"""Errors of refiners on a video of a real person with measured truth, and of the estimator before them.

``python tools/real_video.py balancing.npz 2D=configs/mocap/refiner_2d_27.py:work_dirs/2d/seed_*/epoch_8.pth``
"""

import argparse
import glob
from pathlib import Path

from command_line import run_tool

from reproduction.real_video import rows_of_table
from reproduction.summary import markdown

from depth_refine.inference.stages import SecondStage
from depth_refine.utils.errors import InputError


def _refiners(row: str) -> tuple[str, list[SecondStage]]:
    title, _, files = row.partition('=')
    config, _, pattern = files.partition(':')
    if not (checkpoints := sorted(glob.glob(pattern))):
        raise InputError(f'{row}: expected TITLE=CONFIG:CHECKPOINTS, and there are no checkpoints {pattern!r}')
    return title, [SecondStage(config, checkpoint, 'cpu') for checkpoint in checkpoints]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('clip', type=Path, help='npz, see tools/reproduction/real_video.py')
    help_of_rows = 'TITLE=CONFIG:CHECKPOINTS, a pattern of one checkpoint for each seed'
    parser.add_argument('rows', nargs='*', metavar='ROW', help=help_of_rows)
    args = parser.parse_args()
    refiners = {'the estimator': [None]} | dict(map(_refiners, args.rows))
    columns = [f'{name}{step}' for name in ('heavy', 'full') for step in ('', ', rays + smoothing')]
    print('Means of the cameras: MPJPE / P-MPJPE, mm / acceleration, m/s²\n')
    print(markdown(['', *columns], list(rows_of_table(args.clip, refiners))))


if __name__ == '__main__':
    run_tool(main)
