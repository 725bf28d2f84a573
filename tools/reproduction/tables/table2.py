"""Table II of the paper: the method compared with others, on one first stage."""

from ..cell import SHORT_TRAINING, Row
from ..experiment import Experiment
from ..summary import ERRORS, conditions, errors, markdown, missing_cells, per_action
from . import table1

_MARTINEZ = Row(
    'table2/martinez', short={**SHORT_TRAINING, 'model.backbone.stem_channels': 256, 'model.head.in_channels': 256}
)
_CAI = Row(
    'table2/cai',
    short={
        **SHORT_TRAINING,
        'model.backbone.channels': 64,
        'model.backbone.dropout': 0.1,
        'model.head.in_channels': 17 * 64,
        'train_dataloader.batch_size': 128,
    },
)
# method: its row, None for the first stage, and the paper's Protocols 1 and 2 in mm
METHODS = {
    'Martinez et al. (single frames of 2D)': (_MARTINEZ, 62.9, 47.7),
    'Sun et al. (first stage alone)': (None, 49.6, 40.6),
    'Cai et al. (graph network, 7 frames of 2D)': (_CAI, 48.8, 39.0),
    'Pavllo et al. (243 frames of 2D)': (table1.row('2d', 243), 46.8, 36.5),
    'ours (243 frames of 2D + depth, σ = 0.1)': (table1.row('2d_depth_noise', 243), 45.6, 34.8),
}
ROWS = [row for row, *_ in METHODS.values() if row]


def summarise(experiment: Experiment) -> str:
    """The table and the errors per action, as Markdown."""
    rows = []
    for method, (row, *paper) in METHODS.items():
        protocol1, protocol2, acceleration = errors(experiment, row.name if row else '')
        rows.append([method, f'{protocol1} ({paper[0]})', f'{protocol2} ({paper[1]})', acceleration])
    titles = {row.name: method for method, (row, *_) in METHODS.items() if row}
    return (
        '# Table II: methods\n\n'
        "In brackets the paper's, on Human3.6M, as each method's authors published them; here all read one first "
        "stage. Pavllo et al.'s network is that of MMPose's `TCN` and of our refiner without depth, which is taken "
        f'here. {conditions(experiment)}\n{markdown(["method", *ERRORS], rows)}{missing_cells(experiment)}\n'
        f'## Per action\n\n{per_action(experiment, titles)}'
    )
