"""Past the paper: the first stage's own uncertainty, noise like its errors, a stronger lifter; 27 frames."""

from .experiment import Experiment, Row
from .summary import ACCELERATION, PROTOCOL1, PROTOCOL2, change, conditions, markdown, missing_cells, of_cell

_RECIPE, _DSTFORMER = 'table1/2d_depth_noise_27', 'beyond/dstformer_2d_27'
# title: its row, and the one to compare with
_ROWS = {
    '2D': ('table1/2d_27', _RECIPE),
    '2D + depth, σ = 0.1: the recipe': (_RECIPE, _RECIPE),
    "2D + depth + the depth's spread, σ = 0.1": ('beyond/depth_std_27', _RECIPE),
    '2D + depth, noise like the first stage': ('beyond/first_stage_noise_27', _RECIPE),
    'DSTFormer, 2D': (_DSTFORMER, _DSTFORMER),
    'DSTFormer, 2D + depth, σ = 0.1': ('beyond/dstformer_2d_depth_27', _DSTFORMER),
}
ROWS = [Row(name) for name, _ in _ROWS.values()]


def report(experiment: Experiment) -> str:
    """The table, as Markdown."""
    rows = [
        [
            title,
            *(of_cell(experiment, name, metric) for metric in (PROTOCOL1, PROTOCOL2, ACCELERATION)),
            '–' if name == reference else change(experiment, name, reference),
        ]
        for title, (name, reference) in _ROWS.items()
    ]
    errors = ['Protocol 1, mm', 'Protocol 2, mm', 'acceleration error, mm/frame²']
    header = ['input', *errors, 'Protocol 1 against the recipe, or DSTFormer on 2D']
    return (
        f'# Past the paper, 27 frames\n\n{conditions(experiment)}\n{markdown(header, rows)}{missing_cells(experiment)}'
    )
