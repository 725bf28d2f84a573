"""Table I of the paper: error by input and receptive field."""

from pathlib import Path

from matplotlib.figure import Figure

from depth_refine.utils.atomic import whole_file

from .experiment import Experiment, Row
from .summary import (
    ACCELERATION,
    PROTOCOL1,
    change,
    conditions,
    markdown,
    missing_cells,
    of_cell,
    of_first_stage,
    per_action,
)

INPUTS = {
    '2d': '2D',
    '2d_depth': '2D + depth',
    '2d_depth_noise': '2D + depth (σ = 0.1)',
    'gt2d': 'GT 2D',
    'gt2d_gtdepth': 'GT 2D + GT depth',
}
FIELDS = (1, 27, 81, 243)
# Protocol 1, mm; the first stage alone has 48.9
PAPER = {
    '2d': (49.5, 48.8, 47.7, 47.6),
    '2d_depth': (50.4, 48.5, 48.4, 47.8),
    '2d_depth_noise': (48.4, 46.4, 45.9, 45.6),
    'gt2d': (38.7, 37.3, None, 36.3),
    'gt2d_gtdepth': (20.2, 13.4, None, 15.9),
}
PAPER_FIRST_STAGE = 48.9
ROWS = [Row(f'table1/{kind}_{field}') for field in FIELDS for kind in INPUTS]


def report(experiment: Experiment) -> str:
    """The table, what the paper found in it, and the errors per action at the longest receptive field, as Markdown."""
    stage = of_first_stage(experiment)
    rows = []
    for kind, title in INPUTS.items():
        cells = [of_cell(experiment, f'table1/{kind}_{field}') for field in FIELDS]
        paper = [f' ({value})' if value else '' for value in PAPER[kind]]
        rows.append([title, *(f'{cell}{value}' for cell, value in zip(cells, paper, strict=True))])
    table = markdown(['input', *map(_frames, FIELDS)], rows)
    longest = {f'table1/{kind}_{FIELDS[-1]}': title for kind, title in INPUTS.items()}
    return (
        '# Table I: Protocol 1 in mm by input and receptive field\n\n'
        f"In brackets the paper's, on Human3.6M. {conditions(experiment)}\n"
        f'First stage alone: {stage} ({PAPER_FIRST_STAGE}).\n\n{table}{missing_cells(experiment)}\n'
        f'## What the paper found\n\n{_relations(experiment)}\n'
        f'## Per action, {FIELDS[-1]} frames\n\n{per_action(experiment, longest)}'
    )


def _relations(experiment: Experiment) -> str:
    """The paper's findings, measured."""
    rows = []

    def compare(text: str, name: str, reference: str, paper: str, metric: str = PROTOCOL1) -> None:
        rows.append(
            [
                text,
                paper,
                change(experiment, f'table1/{name}', f'table1/{reference}', metric),
            ]
        )

    for kind, text in (('2d_depth', 'depth without noise against 2D'), ('2d_depth_noise', 'σ = 0.1 against 2D')):
        for field, theirs, other in zip(FIELDS, PAPER[kind], PAPER['2d'], strict=True):
            compare(
                f'{text}, {_frames(field)}', f'{kind}_{field}', f'2d_{field}', f'{100 * (theirs / other - 1):+.1f} %'
            )
    ours = f'table1/2d_depth_noise_{FIELDS[-1]}'
    for text, metric, paper in (
        ('refined against the first stage', PROTOCOL1, '-6.7 %'),
        ('its acceleration error against the first stage', ACCELERATION, 'not given'),
    ):
        rows.append([f'{text}, {FIELDS[-1]} frames', paper, change(experiment, ours, metric=metric)])
    compare('243 frames against 1, σ = 0.1', '2d_depth_noise_243', '2d_depth_noise_1', '-5.8 %')
    compare('GT depth on top of GT 2D, 27 frames', 'gt2d_gtdepth_27', 'gt2d_27', '-64.1 %')
    return markdown(['finding', 'paper', 'here'], rows)


def draw(experiment: Experiment, path: Path) -> None:
    """Error over receptive field, with the paper's curves dashed."""
    figure = Figure(figsize=(8, 5), layout='constrained')
    axes = figure.subplots()
    for index, (kind, title) in enumerate(INPUTS.items()):
        color = f'C{index}'
        cells = [of_cell(experiment, f'table1/{kind}_{field}') for field in FIELDS]
        spread = [cell.spread if cell.spread == cell.spread else 0 for cell in cells]
        axes.errorbar(FIELDS, [c.mean for c in cells], spread, color=color, marker='o', capsize=3, label=title)
        known = [(field, value) for field, value in zip(FIELDS, PAPER[kind], strict=True) if value]
        axes.plot(*zip(*known, strict=True), color=color, linestyle='--', linewidth=1)
    axes.axhline(of_first_stage(experiment).mean, color='0.4', label='first stage')
    axes.axhline(PAPER_FIRST_STAGE, color='0.4', linestyle='--', linewidth=1)
    axes.set(xscale='log', xlabel='receptive field (frames)', ylabel='MPJPE, mean of actions (mm)', xticks=FIELDS)
    axes.set_xticklabels(map(str, FIELDS))
    axes.minorticks_off()
    axes.set_ylim(bottom=0)
    axes.grid(color='0.9')
    axes.spines[['top', 'right']].set_visible(False)
    figure.legend(loc='outside right upper', frameon=False, title="dashed: the paper's,\non Human3.6M", fontsize=9)
    with whole_file(path) as partial:
        figure.savefig(partial, dpi=120)


def _frames(field: int) -> str:
    return f'{field} frame{"s" * (field > 1)}'
