"""Beyond the paper: the first stage's own uncertainty, noise like its errors, a stronger lifter; 27 frames."""

from ..cell import Row
from ..experiment import Experiment
from ..summary import ERRORS, change, conditions, errors, markdown, missing_cells
from . import table1

_SHORT_DSTFORMER = {
    'model.backbone.feat_size': 64,
    'model.backbone.depth': 2,
    'model.head.in_channels': 64,
    'model.head.embedding_size': 64,
    'train_dataloader.num_workers': 1,
    'train_dataloader.batch_size': 8,
    'optim_wrapper.optimizer.lr': 1e-3,
    'param_scheduler.0.gamma': 0.5,
    'train_cfg.max_epochs': 4,
}
_CONFIG, _OF_2D = 'beyond/dstformer_2d_depth_27', table1.INPUTS['2d'][-1] | {'model.backbone.in_channels': 2}
_DSTFORMER_2D = Row('beyond/dstformer_2d_27', _CONFIG, _OF_2D, _SHORT_DSTFORMER)
_RECIPE = table1.row('2d_depth_noise', 27)
# title: its row, and the one to compare with
_ROWS = {
    '2D': (table1.row('2d', 27), _RECIPE),
    '2D + depth, σ = 0.1: the recipe': (_RECIPE, _RECIPE),
    "2D + depth + the depth's spread, σ = 0.1": (Row('beyond/depth_std_27'), _RECIPE),
    '2D + depth, noise like the first stage': (Row('beyond/first_stage_noise_27'), _RECIPE),
    'DSTFormer, 2D': (_DSTFORMER_2D, _DSTFORMER_2D),
    'DSTFormer, 2D + depth, σ = 0.1': (Row(_CONFIG, short=_SHORT_DSTFORMER), _DSTFORMER_2D),
}
ROWS = [row for row, _ in _ROWS.values()]


def summarise(experiment: Experiment) -> str:
    """The table, as Markdown."""
    rows = []
    for title, (row, reference) in _ROWS.items():
        difference = '–' if row is reference else change(experiment, row.name, reference.name)
        rows.append([title, *errors(experiment, row.name), difference])
    table = markdown(['input', *ERRORS, 'Protocol 1 against the recipe, or DSTFormer on 2D'], rows)
    return f'# Past the paper, 27 frames\n\n{conditions(experiment)}\n{table}{missing_cells(experiment)}'
