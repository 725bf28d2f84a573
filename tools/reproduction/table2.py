"""Table II of the paper: the method among others, on one first stage."""

from .experiment import Experiment, Row
from .summary import (
    ACCELERATION,
    PROTOCOL1,
    PROTOCOL2,
    conditions,
    markdown,
    missing_cells,
    of_cell,
    of_first_stage,
    per_action,
)

_SUN = 'Sun et al. (first stage alone)'
# method: its config ('' for the first stage), and the paper's Protocols 1 and 2 in mm
METHODS = {
    'Martinez et al. (single frames of 2D)': ('table2/martinez', 62.9, 47.7),
    _SUN: ('', 49.6, 40.6),
    'Cai et al. (graph network, 7 frames of 2D)': ('table2/cai', 48.8, 39.0),
    'Pavllo et al. (243 frames of 2D)': ('table1/2d_243', 46.8, 36.5),
    'ours (243 frames of 2D + depth, σ = 0.1)': ('table1/2d_depth_noise_243', 45.6, 34.8),
}
ROWS = [Row(name) for name, *_ in METHODS.values() if name]


def report(experiment: Experiment) -> str:
    """The table and the errors per action, as Markdown."""
    rows = []
    for method, (name, *paper) in METHODS.items():
        cells = [
            of_cell(experiment, name, metric) if name else of_first_stage(experiment, metric)
            for metric in (PROTOCOL1, PROTOCOL2, ACCELERATION)
        ]
        rows.append([method, f'{cells[0]} ({paper[0]})', f'{cells[1]} ({paper[1]})', cells[2]])
    header = ['method', 'Protocol 1, mm', 'Protocol 2, mm', 'acceleration error, mm/frame²']
    titles = {name: method for method, (name, *_) in METHODS.items() if name}
    return (
        '# Table II: methods\n\n'
        "In brackets the paper's, on Human3.6M, as each method's authors published them; here all read one first "
        "stage. Pavllo et al.'s network is that of MMPose's `TCN` and of our refiner without depth, which is taken "
        f'here. {conditions(experiment)}\n{markdown(header, rows)}{missing_cells(experiment)}\n'
        f'## Per action\n\n{per_action(experiment, titles)}'
    )
