"""Check data and draw a figure of random frames: ``python tools/check_data.py ROOT``, or ``CONFIG.py``."""

import argparse
import sys

from command_line import run_tool

from depth_refine.data_tools.checks.data_root import check_data


def parse_args() -> argparse.Namespace:
    """Parse what is checked, and the figure."""
    parser = argparse.ArgumentParser(
        description='Say what is wrong in data, and what to do; exit with 1 if anything is'
    )
    parser.add_argument(
        'data',
        metavar='ROOT_OR_CONFIG',
        help="folder in MMPose's Human3.6M layout, for example data/h36m; or a config, whose data may be of any kind",
    )
    parser.add_argument(
        '--figure', default='check_data.png', metavar='FILE', help='figure of random frames (default check_data.png)'
    )
    parser.add_argument('--seed', type=int, default=0, help='chooses the frames (default 0)')
    parser.add_argument('--coco', metavar='DIR', help='check the data root of COCO, too')
    parser.add_argument('--mpii', metavar='DIR', help='check the data root of MPII, too')
    return parser.parse_args()


def main() -> None:
    """Print all findings and the numbers of problems and notes."""
    findings = check_data(**vars(parse_args()))
    for finding in findings:
        print(f'{finding.kind:8}{finding.where}: {finding.message}')
    kinds = [finding.kind for finding in findings]
    print(f'problems: {kinds.count("problem")}, notes: {kinds.count("note")}')
    if 'problem' in kinds:
        sys.exit(1)


if __name__ == '__main__':
    run_tool(main)
