"""Means and spreads over seeds, as Markdown."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from .experiment import Experiment

PROTOCOL1, PROTOCOL2 = 'h36m/MPJPE_mm', 'h36m/P-MPJPE_mm'
ACCELERATION = 'h36m/MPJAE_mm_per_frame2'


class Estimate(NamedTuple):
    """Mean and standard deviation over seeds; NaN where there are no results, or only one."""

    mean: float
    spread: float

    def __str__(self) -> str:
        if np.isnan(self.mean):
            return '–'
        return f'{self.mean:.1f}' if np.isnan(self.spread) else f'{self.mean:.1f} ± {self.spread:.1f}'


def estimate(values: Sequence[float]) -> Estimate:
    """Mean and sample standard deviation."""
    return Estimate(
        float(np.mean(values)) if len(values) else np.nan, float(np.std(values, ddof=1)) if len(values) > 1 else np.nan
    )


def of_cell(experiment: Experiment, name: str, metric: str = PROTOCOL1) -> Estimate:
    """A metric of one config over its seeds."""
    return estimate([result['metrics'][metric] for result in experiment.results[name].values()])


def change(experiment: Experiment, name: str, reference: Estimate, metric: str = PROTOCOL1) -> str:
    """Difference to another estimate in per cent; with more than one seed its spread, and whether it is within that."""
    ours = of_cell(experiment, name, metric)
    if np.isnan(ours.mean) or np.isnan(reference.mean):
        return '–'
    percent = 100 * (ours.mean / reference.mean - 1)
    if np.isnan(ours.spread) and np.isnan(reference.spread):
        return f'{percent:+.1f} % (one seed)'
    spread = 100 * float(np.hypot(np.nan_to_num(ours.spread), np.nan_to_num(reference.spread))) / reference.mean
    beyond = '' if abs(percent) > spread else ' (within the spread)'
    return f'{percent:+.1f} ± {spread:.1f} %{beyond}'


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table."""
    lines = [header, ['---'] * len(header), *rows]
    return '\n'.join(f'| {" | ".join(map(str, line))} |' for line in lines) + '\n'


def missing_cells(experiment: Experiment) -> str:
    """A list of the cells without a result and why, empty if there are none."""
    alike = defaultdict(list)
    for name, seeds in experiment.missing.items():
        for seed, reason in seeds.items():
            alike[name, reason.splitlines()[0] if reason else 'unknown'].append(str(seed))
    lines = [
        f'- {name}, {"seed" if len(seeds) == 1 else "seeds"} {", ".join(seeds)}: {reason}'
        for (name, reason), seeds in alike.items()
    ]
    return '\nMissing cells:\n\n' + '\n'.join(lines) + '\n' if lines else ''


def conditions(experiment: Experiment) -> str:
    """One paragraph that says what was run on what."""
    settings, stage = experiment.settings, experiment.first_stage
    epochs = f', {settings.epochs} epochs' if settings.epochs else ''
    return (
        f'Data: {settings.data_root} (annotations {experiment.data}). Schedule: {settings.schedule}{epochs}. Seeds: '
        f'{experiment.seeds}; ± is the standard deviation over seeds. First stage: {stage["config"]}, checkpoint '
        f'{stage["checkpoint"]["sha256"][:16]}, boxes: {stage["bbox_policy"]}, flip test: {stage["flip_test"]}.\n'
    )


def per_action(experiment: Experiment, titles: Mapping[str, str], metric: str = 'MPJPE') -> str:
    """Table of an error per action, in mm: one row for the first stage and for each config."""
    actions = list(experiment.first_stage_result['by_action'])

    def row(title: str, value: Callable[[str], Estimate]) -> list[str]:
        return [title, *(str(value(action)) for action in actions)]

    rows = [row('first stage', lambda action: estimate([experiment.first_stage_result['by_action'][action][metric]]))]
    for name, title in titles.items():
        found = list(experiment.results[name].values())
        rows.append(row(title, lambda action, found=found: estimate([r['by_action'][action][metric] for r in found])))
    return markdown([f'{metric}, mm', *actions], rows)
