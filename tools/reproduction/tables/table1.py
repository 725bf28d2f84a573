"""Table I of the paper: error by input and receptive field."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from depth_refine.utils.atomic import whole_file

from ..cell import Row
from ..experiment import Experiment
from ..summary import ACCELERATION, PROTOCOL1, change, conditions, markdown, missing_cells, of_cell, per_action

NOISE = 'train_dataloader.dataset.pipeline.2'  # GaussianJointNoise, in the refiners' configs


def _input(source: str, channels: int) -> dict[str, Any]:
    """Changes to a refiner's config: another input, without noise."""
    sources = {f'{split}_dataloader.dataset.input_source': source for split in ('train', 'test')}
    return {'model.backbone.in_channels': 17 * channels, f'{NOISE}.sigma_depth': 0, **sources}


# title, the paper's Protocol 1 in mm at each receptive field, and what the row changes in configs/refiner_*.py
INPUTS = {
    '2d': ('2D', (49.5, 48.8, 47.7, 47.6), _input('2d', 2)),
    '2d_depth': ('2D + depth', (50.4, 48.5, 48.4, 47.8), _input('2d+depth', 3)),
    '2d_depth_noise': ('2D + depth (σ = 0.1)', (48.4, 46.4, 45.9, 45.6), {}),
    'gt2d': ('GT 2D', (38.7, 37.3, None, 36.3), _input('gt2d', 2)),
    'gt2d_gtdepth': ('GT 2D + GT depth', (20.2, 13.4, None, 15.9), _input('gt2d+gtdepth', 3)),
}
FIELDS = (1, 27, 81, 243)
PAPER_FIRST_STAGE = 48.9


def row(kind: str, field: int) -> Row:
    """One of the table's cells."""
    return Row(f'table1/{kind}_{field}', f'refiner_{field}', INPUTS[kind][-1])


ROWS = [row(kind, field) for field in FIELDS for kind in INPUTS]


def summarise(experiment: Experiment) -> str:
    """The table, the paper's findings in it, and errors per action at the longest receptive field, as Markdown."""
    rows, accelerations = [], []
    for kind, (title, paper, _) in INPUTS.items():
        cells = [of_cell(experiment, f'table1/{kind}_{field}') for field in FIELDS]
        known = [f' ({value})' if value else '' for value in paper]
        rows.append([title, *(f'{cell}{value}' for cell, value in zip(cells, known, strict=True))])
        accelerations.append(
            [title, *(of_cell(experiment, f'table1/{kind}_{field}', ACCELERATION) for field in FIELDS)]
        )
    header = ['input', *map(_frames, FIELDS)]
    longest = {f'table1/{kind}_{FIELDS[-1]}': title for kind, (title, *_) in INPUTS.items()}
    alone = f'{of_cell(experiment, "")} ({PAPER_FIRST_STAGE}).'
    if experiment.first_stage_result:
        depth = experiment.first_stage_result['depth_error_mm']
        alone += f' Its depths are off by {depth["test"]:.1f} mm, on the training data by {depth["train"]:.1f} mm.'
    return (
        '# Table I: Protocol 1 in mm by input and receptive field\n\n'
        f"In brackets the paper's, on Human3.6M. {conditions(experiment)}\n"
        f'First stage alone: {alone}\n\n{markdown(header, rows)}{missing_cells(experiment)}\n'
        f'## What the paper found\n\n{_findings(experiment)}\n'
        f'## Acceleration error, mm/frame²\n\nFirst stage alone: {of_cell(experiment, "", ACCELERATION)}.\n\n'
        f'{markdown(header, accelerations)}\n'
        f'## Per action, {FIELDS[-1]} frames\n\n{per_action(experiment, longest)}'
    )


def _findings(experiment: Experiment) -> str:
    """Table of the paper's findings and our measurements of them."""
    compared = {
        'depth without noise against 2D': ('2d_depth', '2d'),
        'σ = 0.1 against 2D': ('2d_depth_noise', '2d'),
        'σ = 0.1 against depth without noise': ('2d_depth_noise', '2d_depth'),
    }
    findings = [  # text, row, the one to compare with or '' for the first stage, the paper's
        (f'{text}, {_frames(field)}', f'{kind}_{field}', f'{other}_{field}', f'{100 * (ours / theirs - 1):+.1f} %')
        for text, (kind, other) in compared.items()
        for field, ours, theirs in zip(FIELDS, INPUTS[kind][1], INPUTS[other][1], strict=True)
    ]
    findings += [
        ('refined against the first stage, 243 frames', '2d_depth_noise_243', '', '-6.7 %'),
        ('its acceleration error against the first stage, 243 frames', '2d_depth_noise_243', '', 'not given'),
        ('243 frames against 1, σ = 0.1', '2d_depth_noise_243', '2d_depth_noise_1', '-5.8 %'),
        ('GT depth on top of GT 2D, 27 frames', 'gt2d_gtdepth_27', 'gt2d_27', '-64.1 %'),
    ]
    rows = []
    for text, name, reference, paper in findings:
        metric = ACCELERATION if 'acceleration' in text else PROTOCOL1
        reference = f'table1/{reference}' if reference else ''
        rows.append([text, paper, change(experiment, f'table1/{name}', reference, metric)])
    return markdown(['finding', 'paper', 'here'], rows)


def draw(experiment: Experiment, path: Path) -> None:
    """Draw errors over receptive fields, with the paper's curves dashed; axes do not begin at zero."""
    figure = Figure(figsize=(11, 4.5), layout='constrained')
    predicted, ground_truth = figure.subplots(1, 2)
    for index, (kind, (title, paper, _)) in enumerate(INPUTS.items()):
        axes = ground_truth if kind.startswith('gt') else predicted
        means, spreads = np.transpose([of_cell(experiment, f'table1/{kind}_{field}') for field in FIELDS])
        axes.errorbar(FIELDS, means, np.nan_to_num(spreads), color=f'C{index}', marker='o', capsize=3, label=title)
        known = [(field, value) for field, value in zip(FIELDS, paper, strict=True) if value]
        axes.plot(*zip(*known, strict=True), color=f'C{index}', linestyle='--', linewidth=1)
    predicted.axhline(of_cell(experiment, '').mean, color='0.4', label='first stage')
    predicted.axhline(PAPER_FIRST_STAGE, color='0.4', linestyle='--', linewidth=1)
    for axes in (predicted, ground_truth):
        axes.set(xscale='log', xlabel='receptive field (frames)', ylabel='MPJPE, mean of actions (mm)')
        axes.set_xticks(FIELDS, map(str, FIELDS))
        axes.minorticks_off()
        axes.grid(color='0.9')
        axes.spines[['top', 'right']].set_visible(False)
    predicted.set_title("the first stage's predictions refined", fontsize=10)
    ground_truth.set_title('true inputs refined', fontsize=10)
    figure.legend(
        loc='outside right upper',
        frameon=False,
        title="dashed: the paper's, on\nHuman3.6M; axes do not\nbegin at zero",
        fontsize=9,
        title_fontsize=9,
    )
    with whole_file(path) as partial:
        figure.savefig(partial, dpi=110)


def _frames(field: int) -> str:
    return f'{field} frame{"s" * (field > 1)}'
