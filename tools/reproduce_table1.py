"""Table I of the paper, or a further experiment, on a data root.

``python tools/reproduce_table1.py --data-root data/h36m``
"""

import argparse
from pathlib import Path

from command_line import run_tool

from reproduction.experiment import add_arguments, reproduce
from reproduction.tables import ablations, beyond, table1

CONFIGS = Path(__file__).resolve().parents[1] / 'configs'
_TABLES = dict(table1=table1, ablations=ablations, beyond=beyond)


def main() -> None:
    """Run what is missing and write the table."""
    parser = argparse.ArgumentParser(description=table1.__doc__)
    add_arguments(parser)
    parser.add_argument('--table', choices=_TABLES, default='table1', help='or an experiment that the paper lacks')
    args = parser.parse_args()
    reproduce(_TABLES[args.table], CONFIGS, args)


if __name__ == '__main__':
    run_tool(main)
