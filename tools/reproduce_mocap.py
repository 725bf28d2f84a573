"""Refiners trained on motion, by input, noise and receptive field, on held-out motion and on a real person.

``python tools/reproduce_mocap.py --motion data/motion/train.npz --test-motion data/motion/test.npz --amp``
"""

import argparse
from pathlib import Path

from command_line import run_tool

from reproduction.experiment import add_cell_arguments, write_table
from reproduction.motion import mocap

CONFIGS = Path(__file__).resolve().parents[1] / 'configs'


def main() -> None:
    """Run what is missing and write the table."""
    parser = argparse.ArgumentParser(description=mocap.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--motion', type=Path, required=True, help='training motion, see docs/motion_files.md')
    parser.add_argument('--test-motion', type=Path, required=True, help='motion of other people')
    parser.add_argument('--clip', type=Path, help='npz of a real person, see tools/reproduction/real_video.py')
    add_cell_arguments(parser, 'work_dirs/mocap/tables')
    args = parser.parse_args()
    write_table(mocap, mocap.run(CONFIGS, args), args)


if __name__ == '__main__':
    run_tool(main)
