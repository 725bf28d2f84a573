"""Means and spreads over seeds, as Markdown."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from mmengine.dist import get_world_size
from scipy import stats

from .experiment import Experiment

PROTOCOL1, PROTOCOL2 = 'h36m/MPJPE_mm', 'h36m/P-MPJPE_mm'
ACCELERATION = 'h36m/MPJAE_mm_per_frame2'


class Estimate(NamedTuple):
    """Mean and standard deviation over seeds; NaN where there are no results, or only one.

    ``seeds`` is 0 where there are no results, and for a number that depends on no seed.
    """

    mean: float
    spread: float
    seeds: int

    def __str__(self) -> str:
        if np.isnan(self.mean):
            return '–'
        return f'{self.mean:.1f}' if np.isnan(self.spread) else f'{self.mean:.1f} ± {self.spread:.1f}'


def estimate(values: Sequence[float]) -> Estimate:
    """Mean and sample standard deviation."""
    mean = float(np.mean(values)) if len(values) else np.nan
    return Estimate(mean, float(np.std(values, ddof=1)) if len(values) > 1 else np.nan, len(values))


def of_cell(experiment: Experiment, name: str, metric: str = PROTOCOL1) -> Estimate:
    """A metric of one config over its seeds."""
    return estimate([result['metrics'][metric] for result in experiment.results[name].values()])


def of_first_stage(experiment: Experiment, metric: str = PROTOCOL1) -> Estimate:
    """A metric of the first stage alone, which all seeds share."""
    result = experiment.first_stage_result
    return Estimate(result['metrics'][metric] if result else np.nan, np.nan, 0)


def change(experiment: Experiment, name: str, reference: Estimate, metric: str = PROTOCOL1) -> str:
    """Difference to another estimate in per cent, its spread over seeds and the 95 % interval of its mean.

    Neither is known where one of both has a single seed.
    """
    ours = of_cell(experiment, name, metric)
    if np.isnan(ours.mean) or np.isnan(reference.mean):
        return '–'
    percent = 100 * (ours.mean / reference.mean - 1)
    if ours.seeds == 1 or reference.seeds == 1:
        return f'{percent:+.1f} % (one seed)'
    spread = 100 * float(np.hypot(ours.spread, np.nan_to_num(reference.spread))) / reference.mean
    margin = 100 * _margin(ours, reference) / reference.mean
    return f'{percent:+.1f} ± {spread:.1f} % ({percent - margin:+.1f} to {percent + margin:+.1f})'


def _margin(*estimates: Estimate) -> float:
    """Half of the 95 % confidence interval of the difference of two means, by Welch's t-test."""
    known = [e for e in estimates if e.seeds > 1]
    variances = [e.spread**2 / e.seeds for e in known]
    total = sum(variances)
    if total == 0:
        return 0.0
    freedom = total**2 / sum(v**2 / (e.seeds - 1) for v, e in zip(variances, known, strict=True))
    return float(stats.t.ppf(0.975, freedom) * np.sqrt(total))


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
    precision = 'mixed precision' if settings.amp else 'float32'
    first_stage = (
        f'First stage: {stage["config"]}, checkpoint {stage["checkpoint"]["sha256"][:16]}, boxes: '
        f'{stage["bbox_policy"]}, flip test: {stage["flip_test"]}.'
        if stage
        else 'No first stage.'
    )
    return (
        f'Data: {settings.data_root} (annotations and cameras {experiment.data}). Schedule: {settings.schedule}'
        f'{epochs}, {precision}, processes: {get_world_size()}. Seeds: {experiment.seeds}; ± is the standard deviation '
        'over seeds, and in brackets behind a difference the 95 % confidence interval of its mean. '
        f'{first_stage}\n'
    )


def per_action(experiment: Experiment, titles: Mapping[str, str], metric: str = 'MPJPE') -> str:
    """Table of an error per action, in mm: one row for the first stage and for each config."""
    alone = [experiment.first_stage_result] if experiment.first_stage_result else []
    found = {title: list(experiment.results[name].values()) for name, title in titles.items()}
    actions = dict.fromkeys(
        action for results in (alone, *found.values()) for r in results for action in r['by_action']
    )

    def row(title: str, results: Sequence[dict]) -> list[str]:
        return [
            title,
            *(str(estimate([result['by_action'][action][metric] for result in results])) for action in actions),
        ]

    rows = [row('first stage', alone), *(row(title, results) for title, results in found.items())]
    return markdown([f'{metric}, mm', *actions], rows)
