"""Convert weights of other projects: ``python tools/convert_checkpoint.py SRC.bin DST.pth --source videopose3d``."""

import argparse
from pathlib import Path

from command_line import run_tool

from depth_refine.data_tools.conversion import CONFIG, FRAME_RATE, convert_checkpoint
from depth_refine.data_tools.conversion.joint_orders import NUM_JOINTS
from depth_refine.utils.errors import InputError


def parse_args() -> argparse.Namespace:
    """Parse the files and what is known of the source network."""
    parser = argparse.ArgumentParser(description='Make a checkpoint of the refiner on 2D poses from existing weights')
    parser.add_argument('src', help="VideoPose3D's *.bin, or a checkpoint of MMPose's TCN")
    parser.add_argument('dst', help='checkpoint to write')
    parser.add_argument('--source', choices=['videopose3d', 'mmpose'], required=True, help='whose network it is')
    parser.add_argument(
        '--joint-order', choices=list(NUM_JOINTS), help='of its joints; needed if the file and its name do not say it'
    )
    parser.add_argument(
        '--fps', type=float, default=FRAME_RATE, help='frame rate that it was trained on (default: %(default)g)'
    )
    parser.add_argument('--causal', action='store_true', help='it was trained as causal, which its weights do not show')
    return parser.parse_args()


def main() -> None:
    """Convert, then print which config fits."""
    args = parse_args()
    if Path(args.dst).exists():
        raise InputError(f'{args.dst} exists: give another name, or remove it first')
    shape, left_out = convert_checkpoint(args.src, args.dst, args.source, args.joint_order, args.causal, args.fps)
    if left_out:
        print(f'left out, since the refiner has no such part: {", ".join(left_out)}')
    options = shape.config_options(args.causal)
    print(f'wrote {args.dst}: receptive field {shape.receptive_field} frames, {shape.channels} channels')
    frames = 'up to the present one' if args.causal else 'before and after'
    print(f"assumed: trained on Human3.6M's joints and cameras, at {args.fps:g} frames a second, on frames {frames}")
    cfg_options = ' --cfg-options ' + ' '.join(options) if options else ''
    print(f'evaluate it with: python tools/test.py {CONFIG} {args.dst}{cfg_options}')


if __name__ == '__main__':
    run_tool(main)
