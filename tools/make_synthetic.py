"""Write a synthetic Human3.6M, images included: ``python tools/make_synthetic.py OUT``."""

import argparse
import signal
import sys

from command_line import run_tool

from depth_refine.synthetic import make_synthetic
from depth_refine.synthetic.subjects import TEST_SUBJECTS, TRAIN_SUBJECTS, name_subjects


def parse_args() -> argparse.Namespace:
    """Parse the folder, and what to write into it."""
    parser = argparse.ArgumentParser(description="Write synthetic people in MMPose's Human3.6M layout")
    parser.add_argument('out', help='folder to make; must not exist')
    parser.add_argument('--seed', type=int, default=0, help='the same seed gives the same bytes (default 0)')
    parser.add_argument(
        '--frames', type=int, help='frames of each sequence (default 100); with --motion the most frames (default all)'
    )
    parser.add_argument('--image-size', type=int, default=256, help='width and height, px (default 256)')
    parser.add_argument('--workers', type=int, help='processes (default: one for each core)')
    parser.add_argument('--motion', metavar='FILE', help='npz of motion clips, instead of procedural motion')
    parser.add_argument('--train-subjects', type=int, help='how many people to train on, without --motion (default 5)')
    parser.add_argument(
        '--test-subjects', nargs='+', metavar='NAME', help='default S9 S11; with --motion about 27 %% of the frames'
    )
    args = parser.parse_args()
    if args.motion and args.train_subjects is not None:
        parser.error('--train-subjects is for procedural motion, and --motion has its own subjects: give one of them')
    return args


def main() -> None:
    """Write the folder and print its path; an interruption leaves nothing behind."""
    args = vars(parse_args())
    train_subjects = args.pop('train_subjects')
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        if not args['motion']:
            count = len(TRAIN_SUBJECTS) if train_subjects is None else train_subjects
            args['subjects'] = name_subjects(count, args['test_subjects'] or TEST_SUBJECTS)
        print(f'wrote {make_synthetic(**args)}')
    except KeyboardInterrupt:
        sys.exit('stopped; nothing was written')


if __name__ == '__main__':
    run_tool(main)
