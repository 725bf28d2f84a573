"""Write Human3.6M in MMPose's layout from its official files: ``python tools/prepare_h36m.py RAW OUT``."""

import argparse
import signal
import sys
from pathlib import Path

from command_line import run_tool

from depth_refine.data_tools.preparation.prepare import REPORT_NAME, prepare_h36m
from depth_refine.data_tools.preparation.videopose3d import import_videopose3d
from depth_refine.utils.errors import InputError


def parse_args() -> argparse.Namespace:
    """Parse the folders, frame steps and kinds of images."""
    parser = argparse.ArgumentParser(description="Write Human3.6M in MMPose's layout")
    parser.add_argument(
        'raw',
        type=Path,
        help="folder with metadata.xml and Human3.6M's official archives or their contents; or with VideoPose3D's "
        'data_3d_h36m.npz and data_2d_h36m_*.npz',
    )
    parser.add_argument('out', type=Path, help='data root to make, or to continue')
    parser.add_argument(
        '--step', type=int, nargs='+', default=[1, 5], metavar='N', help='annotate every n-th frame (default 1 5)'
    )
    images = parser.add_mutually_exclusive_group()
    images.add_argument('--no-images', action='store_true', help='annotations alone; videos are not needed')
    images.add_argument('--crops', action='store_true', help='store person crops instead of full frames')
    parser.add_argument('--workers', type=int, help='processes (default: one for each core)')
    return parser.parse_args()


def main() -> None:
    """Prepare, then print the outcome of each sequence; exit with 1 if files were damaged or missing."""
    args = parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        if (args.raw / 'data_3d_h36m.npz').is_file():
            if args.crops:
                raise InputError(f"{args.raw} holds VideoPose3D's archives, which have no images: leave out --crops")
            left_out = import_videopose3d(args.raw, args.out, args.step)
            print(f'wrote {args.out}')
            for archive, reason in left_out.items():
                print(f'left out {archive}: {reason}')
            if left_out:
                sys.exit(f'error: {len(left_out)} archives of detections were left out, see above')
            return
        outcome = prepare_h36m(args.raw, args.out, args.step, not args.no_images, args.crops, args.workers)
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
