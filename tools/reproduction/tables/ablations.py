"""Effects of the recipe's parts: noise by size and channel, bounding boxes, flip testing; 27 frames of 2D + depth."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from depth_refine.utils.atomic import whole_file

from ..cell import Row
from ..experiment import Experiment
from ..summary import change, conditions, errors, markdown, missing_cells, of_cell
from . import table1

RECIPE = table1.row('2d_depth_noise', 27)


def _row(name: str, options: dict | None = None, bbox_policy: str = '') -> Row:
    return Row(f'ablations/{name}', RECIPE.config, options or {}, bbox_policy=bbox_policy)


def _noise(name: str, sigma_2d: float, sigma_depth: float) -> Row:
    return _row(name, {f'{table1.NOISE}.sigma_2d': sigma_2d, f'{table1.NOISE}.sigma_depth': sigma_depth})


# group: rows by title, the recipe among them
GROUPS = {
    'σ on depth': {
        str(sigma): RECIPE if sigma == 0.1 else _noise(f'sigma_depth_{sigma}', 0, sigma)
        for sigma in (0, 0.02, 0.05, 0.1, 0.2, 0.3)
    },
    'noise on': {
        'depth only (0.1)': RECIPE,
        '2D only (0.01)': _noise('noise_2d_0.01', 0.01, 0),
        '2D only (0.1)': _noise('noise_2d_0.1', 0.1, 0),
        'both (0.01, 0.1)': _noise('noise_both_0.01', 0.01, 0.1),
        'both (0.1, 0.1)': _noise('noise_both_0.1', 0.1, 0.1),
    },
    'bounding boxes': {'annotation': RECIPE, 'pelvis_2m': _row('boxes_pelvis_2m', bbox_policy='pelvis_2m')},
    'flip test': {'on': RECIPE, 'off': _row('flip_test_off', {'model.test_cfg.flip_test': False})},
}
ROWS = list({row.name: row for rows in GROUPS.values() for row in rows.values()}.values())


def summarise(experiment: Experiment) -> str:
    """A table for each group, as Markdown."""
    parts = [f'# Ablations, 27 frames\n\n{conditions(experiment)}']
    for group, rows in GROUPS.items():
        lines = []
        for title, row in rows.items():
            difference = 'the recipe' if row is RECIPE else change(experiment, row.name, RECIPE.name)
            lines.append([title, *errors(experiment, row.name)[:2], difference])
        parts.append(markdown([group, 'Protocol 1, mm', 'Protocol 2, mm', 'Protocol 1 against the recipe'], lines))
    return '\n'.join([*parts, missing_cells(experiment)])


def draw(experiment: Experiment, path: Path) -> None:
    """Draw Protocol 1 of each group, on one scale that does not begin at zero."""
    figure = Figure(figsize=(14, 4), layout='constrained')
    widths = [len(rows) for rows in GROUPS.values()]
    all_axes = figure.subplots(1, len(GROUPS), sharey=True, width_ratios=widths)
    for axes, (group, rows) in zip(all_axes, GROUPS.items(), strict=True):
        for x, row in enumerate(rows.values()):
            cell, color = of_cell(experiment, row.name), 'C2' if row is RECIPE else 'C0'
            axes.errorbar(x, cell.mean, np.nan_to_num(cell.spread), color=color, marker='o', capsize=3)
        axes.set_xticks(range(len(rows)), rows, rotation=30, ha='right', fontsize=8)
        axes.set_xlim(-0.5, len(rows) - 0.5)
        axes.set_title(group, fontsize=9)
        axes.spines[['top', 'right']].set_visible(False)
    all_axes[0].set_ylabel('MPJPE, mean of actions (mm)')
    figure.suptitle('green: the recipe; the axis does not begin at zero', fontsize=8)
    with whole_file(path) as partial:
        figure.savefig(partial, dpi=120)
