"""Write metafiles of measured results: ``python tools/make_metafiles.py --dataset NAME work_dirs/tables/*.json``."""

import argparse
from pathlib import Path

from command_line import run_tool

from reproduction.metafile import write_metafiles

from depth_refine.utils.errors import InputError


def main() -> None:
    """Write them and say where they are."""
    parser = argparse.ArgumentParser(description="Write MMPose's metafiles from measured results")
    parser.add_argument(
        '--dataset',
        nargs='+',
        action='append',
        required=True,
        metavar=('NAME', 'JSON'),
        help='what a data set is called, and JSON files of tools/reproduce_table{1,2}.py on it; once for each data set',
    )
    results: dict[str, list[Path]] = {}
    for name, *paths in parser.parse_args().dataset:
        results.setdefault(name, []).extend(map(Path, paths))
    if empty := [name for name, paths in results.items() if not paths]:
        raise InputError(f'--dataset {empty[0]!r}: expected a name and JSON files')
    for path in write_metafiles(results, Path(__file__).resolve().parents[1]):
        print(f'wrote {path}')


if __name__ == '__main__':
    run_tool(main)
