"""Errors of refiners on a video of a real person with measured truth, and of the estimator before them.

``python tools/real_video.py balancing.npz 2D=configs/mocap/refiner_2d_27.py:work_dirs/2d/seed_*/epoch_8.pth``
"""

import argparse
import glob
from pathlib import Path

from command_line import run_tool

import numpy as np
from reproduction.mocap import metrics_of
from reproduction.real_video import MODELS, scenes_of_clip
from reproduction.scenes import MEASURES
from reproduction.summary import estimate, markdown

from depth_refine.inference.stages import SecondStage
from depth_refine.utils.errors import InputError


def _refiners(row: str) -> tuple[str, list[SecondStage | None]]:
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
    scenes = {model: list(scenes_of_clip(args.clip, model)) for model in MODELS}
    rows = []
    for title, refiners in [('the estimator', [None]), *map(_refiners, args.rows)]:
        found = [metrics_of(refiner, scenes) for refiner in refiners]
        names = list(found[0])
        of_seeds = [str(estimate([metrics[name] for metrics in found])) for name in names]
        rows.append([title, *map(' / '.join, np.reshape(of_seeds, (-1, len(MEASURES))))])
    columns = [name.rpartition('/')[0] for name in names[:: len(MEASURES)]]
    print('Means of the cameras: MPJPE / P-MPJPE, mm / acceleration error, m/s²\n')
    print(markdown(['', *columns], rows))


if __name__ == '__main__':
    run_tool(main)
