"""What the parts of the recipe do: noise by size and channel, bounding boxes, flip testing; 27 frames of 2D + depth."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from depth_refine.utils.atomic import whole_file

from .experiment import Experiment, Row
from .summary import PROTOCOL2, change, conditions, markdown, missing_cells, of_cell

_CONFIG = 'table1/2d_depth_noise_27'
_NOISE = 'train_dataloader.dataset.pipeline.2'  # GaussianJointNoise


def _noise(sigma_2d: float, sigma_depth: float) -> dict:
    return {f'{_NOISE}.sigma_2d': sigma_2d, f'{_NOISE}.sigma_depth': sigma_depth}


def _row(name: str, options: dict | None = None, bbox_policy: str = '') -> Row:
    return Row(f'ablations/{name}', _CONFIG, options, bbox_policy)


# group: its rows by title
GROUPS = {
    'σ on depth': {str(sigma): _row(f'sigma_depth_{sigma}', _noise(0, sigma)) for sigma in (0, 0.02, 0.05, 0.2, 0.3)},
    'noise on': {
        '2D only (0.01)': _row('noise_2d_0.01', _noise(0.01, 0)),
        '2D only (0.1)': _row('noise_2d_0.1', _noise(0.1, 0)),
        'both (0.01, 0.1)': _row('noise_both_0.01', _noise(0.01, 0.1)),
        'both (0.1, 0.1)': _row('noise_both_0.1', _noise(0.1, 0.1)),
    },
    'bounding boxes': {
        'pelvis_2m': _row(
            'boxes_pelvis_2m',
            {f'{s}_dataloader.dataset.bbox_policy': 'pelvis_2m' for s in ('train', 'test')},
            'pelvis_2m',
        )
    },
    'flip test': {'off': _row('flip_test_off', {'model.test_cfg.flip_test': False})},
}
# the recipe itself, as a row of every group
REFERENCE = Row(_CONFIG)
REFERENCE_TITLES = {
    'σ on depth': '0.1',
    'noise on': 'depth only (0.1)',
    'bounding boxes': 'annotation',
    'flip test': 'on',
}
PICTURES = {'σ on depth': 'sigma', 'noise on': 'noise', 'bounding boxes': 'boxes', 'flip test': 'flip_test'}
ROWS = [REFERENCE, *(row for group in GROUPS.values() for row in group.values())]


def _in_order(group: str) -> dict[str, str]:
    """Title and name of each row of a group, the recipe among them."""
    rows = {REFERENCE_TITLES[group]: REFERENCE.name, **{title: row.name for title, row in GROUPS[group].items()}}
    return dict(sorted(rows.items(), key=lambda row: float(row[0]))) if group == 'σ on depth' else rows


def report(experiment: Experiment) -> str:
    """A table for each group, as Markdown."""
    parts = [f'# Ablations, 27 frames\n\n{conditions(experiment)}']
    for group in GROUPS:
        rows = [
            [
                title,
                of_cell(experiment, name),
                of_cell(experiment, name, PROTOCOL2),
                'the recipe' if name == REFERENCE.name else change(experiment, name, REFERENCE.name),
            ]
            for title, name in _in_order(group).items()
        ]
        parts.append(markdown([group, 'Protocol 1, mm', 'Protocol 2, mm', 'Protocol 1 against the recipe'], rows))
    return '\n'.join([*parts, missing_cells(experiment)])


def draw(experiment: Experiment, path: Path) -> None:
    """Protocol 1 of each group: a picture each, ``NAME_GROUP.png`` for ``NAME.png``, on one scale."""
    cells = [of_cell(experiment, row.name) for row in ROWS]
    ends = [cell.mean + sign * np.nan_to_num(cell.spread) for cell in cells for sign in (-1, 1)]
    low, high = (np.nanmin(ends), np.nanmax(ends)) if np.isfinite(ends).any() else (0, 100)
    margin = 0.2 * max(high - low, 1.0)
    for group in GROUPS:
        rows = _in_order(group)
        cells = [of_cell(experiment, name) for name in rows.values()]
        means, spreads = [cell.mean for cell in cells], [np.nan_to_num(cell.spread) for cell in cells]
        colors = ['C2' if name == REFERENCE.name else 'C0' for name in rows.values()]
        figure = Figure(figsize=(1.5 + 0.9 * len(rows), 4), layout='constrained')
        axes = figure.subplots()
        axes.bar(range(len(rows)), means, yerr=spreads, color=colors, capsize=3, width=0.7)
        axes.set_xticks(range(len(rows)), rows, rotation=30, ha='right', fontsize=8)
        axes.set(ylabel='MPJPE, mean of actions (mm)', ylim=(low - margin, high + margin))
        axes.set_title(f'{group}\ngreen: the recipe; the axis does not begin at zero', fontsize=8)
        axes.spines[['top', 'right']].set_visible(False)
        with whole_file(path.with_name(f'{path.stem}_{PICTURES[group]}.png')) as partial:
            figure.savefig(partial, dpi=120)
