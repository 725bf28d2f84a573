"""Errors on a video of a real person with measured truth, of poses or of refiners.

The poses that ``tools/infer_video.py`` has written, by the number of the camera in the clip, beside the estimator's own
landmarks: ``python tools/real_video.py balancing.npz --poses 1=cam01/poses.npz 2=cam02/poses.npz``

Refiners, of the landmarks and with the intrinsics that the clip has, as ``TITLE=CONFIG:CHECKPOINTS``:
``python tools/real_video.py balancing.npz 2D=configs/mocap/refiner_2d_27.py:work_dirs/2d/seed_*/epoch_8.pth``
"""

import argparse
import glob
from collections.abc import Sequence
from pathlib import Path

from command_line import run_tool

import numpy as np
from reproduction.motion.mocap import metrics_of
from reproduction.motion.real_video import MODELS, errors_of_poses, scenes_of_clip
from reproduction.motion.scenes import MEASURES
from reproduction.summary import estimate, markdown

from depth_refine.inference.stages import SecondStage
from depth_refine.utils.errors import InputError

_UNITS = 'MPJPE / P-MPJPE, mm / acceleration error, m/s²'


def _refiners(row: str) -> tuple[str, list[SecondStage | None]]:
    title, _, files = row.partition('=')
    config, _, pattern = files.partition(':')
    if not (checkpoints := sorted(glob.glob(pattern))):
        raise InputError(f'{row}: expected TITLE=CONFIG:CHECKPOINTS, and there are no checkpoints {pattern!r}')
    return title, [SecondStage(config, checkpoint, 'cpu') for checkpoint in checkpoints]


def _table_of_refiners(clip: Path, given: Sequence[str]) -> str:
    scenes = {model: list(scenes_of_clip(clip, model)) for model in MODELS}
    rows = []
    for title, refiners in [('the estimator', [None]), *map(_refiners, given)]:
        found = [metrics_of(refiner, scenes) for refiner in refiners]
        names = list(found[0])
        of_seeds = [str(estimate([metrics[name] for metrics in found])) for name in names]
        rows.append([title, *map(' / '.join, np.reshape(of_seeds, (-1, len(MEASURES))))])
    columns = [name.rpartition('/')[0] for name in names[:: len(MEASURES)]]
    return f'Means of the cameras: {_UNITS}\n\n{markdown(["", *columns], rows)}'


def _table_of_poses(clip: Path, given: Sequence[str]) -> str:
    files = {}
    for text in given:
        camera, _, file = text.partition('=')
        if not camera.isdecimal() or not file or int(camera) in files:
            raise InputError(f'{text}: expected CAMERA=FILE, each camera once, such as 1=cam01/poses.npz')
        files[int(camera)] = Path(file)
    rows = [
        [name, *(' / '.join(str(estimate([value])) for value in camera) for camera in [*errors, errors.mean(axis=0)])]
        for name, errors in errors_of_poses(clip, files).items()
    ]
    return f'{_UNITS}\n\n{markdown(["", *(f"camera {camera}" for camera in files), "mean"], rows)}'


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('clip', type=Path, help='npz, see docs/data_files.md')
    help_of_rows = 'TITLE=CONFIG:CHECKPOINTS, a pattern of one checkpoint for each seed'
    parser.add_argument('rows', nargs='*', metavar='ROW', help=help_of_rows)
    help_of_poses = 'poses.npz of each camera, from 1, in the place of refiners'
    parser.add_argument('--poses', nargs='+', metavar='CAMERA=FILE', help=help_of_poses)
    args = parser.parse_args()
    if args.poses and args.rows:
        parser.error('give refiners or --poses, not both')
    print(_table_of_poses(args.clip, args.poses) if args.poses else _table_of_refiners(args.clip, args.rows))


if __name__ == '__main__':
    run_tool(main)
