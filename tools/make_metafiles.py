"""Write metafiles of measured results: ``python tools/make_metafiles.py work_dirs/tables/*.json --dataset NAME``."""

import argparse
from pathlib import Path

from depth_refine.engine import tool
from depth_refine.reproduction.metafile import write_metafiles


def main() -> None:
    """Write them and say where they are."""
    parser = argparse.ArgumentParser(description="Write MMPose's metafiles from measured results")
    parser.add_argument('results', nargs='+', type=Path, help='JSON files of tools/reproduce_table{1,2}.py')
    parser.add_argument('--dataset', required=True, help='what the data are called')
    args = parser.parse_args()
    for path in write_metafiles(args.results, args.dataset, Path(__file__).resolve().parents[1]):
        print(f'wrote {path}')


if __name__ == '__main__':
    tool.run_tool(main)
