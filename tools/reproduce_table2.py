"""Table II of the paper on a data root: ``python tools/reproduce_table2.py --data-root data/h36m``."""

import argparse
from pathlib import Path

from command_line import run_tool

from reproduction.experiment import add_arguments, reproduce
from reproduction.tables import table2

CONFIGS = Path(__file__).resolve().parents[1] / 'configs'


def main() -> None:
    """Run what is missing and write the table."""
    parser = argparse.ArgumentParser(description=table2.__doc__)
    add_arguments(parser)
    reproduce(table2, CONFIGS, parser.parse_args())


if __name__ == '__main__':
    run_tool(main)
