"""Write MPI-INF-3DHP in MMPose's layout from its original files: ``python tools/prepare_mpi_inf_3dhp.py RAW OUT``."""

import argparse
import signal
import sys
from pathlib import Path

from command_line import run_tool

from depth_refine.data_tools.preparation.mpi_inf_3dhp import prepare_mpi_inf_3dhp
from depth_refine.data_tools.preparation.prepare import REPORT_NAME


def parse_args() -> argparse.Namespace:
    """Parse the folders, frame rates, joints and kinds of images."""
    parser = argparse.ArgumentParser(description="Write MPI-INF-3DHP in MMPose's layout")
    parser.add_argument(
        'raw', type=Path, help='folder with the original S1/Seq1, ..., S8/Seq2 and TS1, ..., TS6, somewhere below'
    )
    parser.add_argument('out', type=Path, help='data root to make, or to continue')
    parser.add_argument(
        '--rate',
        type=float,
        nargs='+',
        default=[25],
        metavar='R',
        help='frames a second of the annotations, one annotation for each (default 25, which all recordings have)',
    )
    parser.add_argument(
        '--joints',
        type=int,
        choices=[17, 28],
        default=17,
        help='the 17 that are evaluated (default), or all 28 of the training set, whose S8 is then held out',
    )
    images = parser.add_mutually_exclusive_group()
    images.add_argument('--no-images', action='store_true', help='annotations alone; videos and images are not needed')
    images.add_argument('--crops', action='store_true', help='store person crops instead of full frames')
    parser.add_argument('--workers', type=int, help='processes (default: one for each core)')
    return parser.parse_args()


def main() -> None:
    """Prepare, then print the outcome of each video; exit with 1 if files were damaged or missing."""
    args = parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        outcome = prepare_mpi_inf_3dhp(
            args.raw, args.out, args.rate, args.joints, not args.no_images, args.crops, args.workers
        )
    except KeyboardInterrupt:
        sys.exit('stopped; the same command continues from here')
    print(outcome)
    if not outcome.frames:
        sys.exit(f'error: no sequence could be prepared, see "Left out" above or in {args.out / REPORT_NAME}')
    print(f'\nwrote {args.out}, this report as {args.out / REPORT_NAME}')
    if outcome.errors:
        sys.exit(f'error: {len(outcome.errors)} sequences were left out, see "Left out" above')


if __name__ == '__main__':
    run_tool(main)
