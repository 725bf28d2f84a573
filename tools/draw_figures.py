"""The figures of README.md: how the method works, drawn from synthetic data, and a result on a video.

``python tools/make_synthetic.py data/figures --train-subjects 1 --test-subjects S9 --frames 30``
``python tools/draw_figures.py docs/figures --data-root data/figures --poses poses/poses.npz --truth balancing.npz 3``
"""

import argparse
from pathlib import Path

from command_line import run_tool

import numpy as np
from figures.method import draw_method
from figures.motion import draw_motion
from reproduction.motion.real_video import truth_of_poses

from depth_refine.utils.errors import InputError


def main() -> None:
    """Draw what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('out', type=Path, help='folder')
    parser.add_argument('--data-root', type=Path, help='of tools/make_synthetic.py: draws method.png')
    parser.add_argument('--poses', type=Path, help='poses.npz of tools/infer_video.py: draws motion.gif')
    truth = dict(
        nargs=2, metavar=('CLIP', 'CAMERA'), help='clip with the truth of the poses, and the number of the camera'
    )
    parser.add_argument('--truth', **truth)
    args = parser.parse_args()
    if not (args.data_root or args.poses):
        parser.error('nothing to draw: give --data-root, --poses or both')
    if args.truth and not (args.poses and args.truth[1].isdecimal()):
        parser.error('--truth CLIP CAMERA is of --poses, and CAMERA a number')
    args.out.mkdir(parents=True, exist_ok=True)
    if args.data_root:
        draw_method(args.data_root, args.out / 'method.png')
    if args.poses:
        try:
            with np.load(args.poses) as poses:
                arrays = dict(poses)
        except Exception as error:  # whatever zipfile, zlib and numpy raise on damaged bytes
            raise InputError(f'{args.poses}: expected a poses.npz of tools/infer_video.py, got {error!r}') from error
        truth = truth_of_poses(Path(args.truth[0]), int(args.truth[1]), args.poses) if args.truth else None
        draw_motion(arrays, args.out / 'motion.gif', truth)
    print(f'wrote {args.out}')


if __name__ == '__main__':
    run_tool(main)
