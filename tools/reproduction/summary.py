"""Means, standard deviations and differences over seeds, as Markdown."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from mmengine.dist import get_world_size
from scipy import stats

from .experiment import FIRST_STAGE, Experiment

PROTOCOL1, PROTOCOL2 = 'h36m/MPJPE_mm', 'h36m/P-MPJPE_mm'
ACCELERATION = 'h36m/MPJAE_mm_per_frame2'
ERRORS = {'Protocol 1, mm': PROTOCOL1, 'Protocol 2, mm': PROTOCOL2, 'acceleration error, mm/frame²': ACCELERATION}


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
    mean = float(np.mean(values)) if len(values) else np.nan
    return Estimate(mean, float(np.std(values, ddof=1)) if len(values) > 1 else np.nan)


def of_cell(experiment: Experiment, name: str, metric: str = PROTOCOL1) -> Estimate:
    """A metric of one row over its seeds or, without a name, of the first stage alone, which all seeds share."""
    return estimate(list(_by_seed(experiment, name, metric).values()))


def errors(experiment: Experiment, name: str) -> list[Estimate]:
    """All of :data:`ERRORS`; see :func:`of_cell`."""
    return [of_cell(experiment, name, metric) for metric in ERRORS.values()]


def change(experiment: Experiment, name: str, reference: str = '', metric: str = PROTOCOL1) -> str:
    """Difference in per cent to another row, or to the first stage alone, and the 95 % interval of its mean.

    Networks are compared seed by seed, as a seed orders the data of both alike; ± is the standard deviation of their
    differences, the interval is Student's.
    """
    ours, theirs = _by_seed(experiment, name, metric), _by_seed(experiment, reference, metric)
    if not reference:
        theirs = {seed: value for value in theirs.values() for seed in ours}
    shared = [seed for seed in ours if seed in theirs]
    differences = np.array([ours[seed] - theirs[seed] for seed in shared])
    if not shared or np.isnan(differences).any():
        return '–'
    percent = 100 * differences / np.mean([theirs[seed] for seed in shared])
    if len(shared) == 1:
        return f'{percent[0]:+.1f} % (one seed)'
    mean, spread = percent.mean(), percent.std(ddof=1)
    margin = stats.t.ppf(0.975, len(shared) - 1) * spread / np.sqrt(len(shared))
    return f'{mean:+.1f} ± {spread:.1f} % ({mean - margin:+.1f} to {mean + margin:+.1f})'


def _by_seed(experiment: Experiment, name: str, metric: str) -> dict[int, float]:
    alone = {0: experiment.first_stage_result} if experiment.first_stage_result else {}
    return {seed: result['metrics'][metric] for seed, result in (experiment.results[name] if name else alone).items()}


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table, as Markdown."""
    lines = [header, ['---'] * len(header), *rows]
    return '\n'.join(f'| {" | ".join(map(str, line))} |' for line in lines) + '\n'


def missing_cells(experiment: Experiment) -> str:
    """A list of the cells without a result and why, empty if there are none."""
    alike = defaultdict(list)
    for name, seeds in experiment.missing.items():
        for seed, reason in seeds.items():
            alike[name, reason.splitlines()[0] if reason else 'unknown'].append(str(seed))
    lines = []
    for (name, reason), seeds in alike.items():
        which = '' if name == FIRST_STAGE else f', seed{"s" * (len(seeds) > 1)} {", ".join(seeds)}'
        lines.append(f'- {name}{which}: {reason}\n')
    return '\nMissing cells:\n\n' + ''.join(lines) if lines else ''


def conditions(experiment: Experiment) -> str:
    """One paragraph on data, schedule, seeds and first stage."""
    settings, stage = experiment.settings, experiment.first_stage
    epochs = f', {settings.epochs} epochs' if settings.epochs else ''
    first_stage = 'No first stage.'
    if stage:
        checkpoint = (stage['checkpoint'] or {}).get('sha256', 'unknown')[:16]  # imported predictions have none
        first_stage = (
            f'First stage: {stage["config"]}, checkpoint {checkpoint}, boxes: {stage["bbox_policy"]}, flip test: '
            f'{stage["flip_test"]}.'
        )
    return (
        f'Data: {settings.data_root} (annotations and cameras {experiment.data}). Schedule: {settings.schedule}'
        f'{epochs}, {"mixed precision" if settings.amp else "float32"}, processes: {get_world_size()}. Seeds: '
        f'{experiment.seeds}; ± is the standard deviation over seeds; differences are taken seed by seed, in brackets '
        f'the 95 % confidence interval of their mean. {first_stage}\n'
    )


def per_action(experiment: Experiment, titles: Mapping[str, str], metric: str = 'MPJPE') -> str:
    """Table of an error per action, in mm: one row for the first stage and for each of the table's, by name."""
    alone = [experiment.first_stage_result] if experiment.first_stage_result else []
    found = {'first stage': alone, **{title: experiment.results[name].values() for name, title in titles.items()}}
    actions = dict.fromkeys(action for results in found.values() for r in results for action in r['by_action'])
    rows = [
        [title, *(estimate([result['by_action'][action][metric] for result in results]) for action in actions)]
        for title, results in found.items()
    ]
    return markdown([f'{metric}, mm', *actions], rows)
