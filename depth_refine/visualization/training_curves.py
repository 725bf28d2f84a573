"""Training curves from the logs that MMEngine writes."""

import json
from collections.abc import Mapping
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from depth_refine.utils.atomic import whole_file
from depth_refine.utils.errors import InputError

METRIC = 'h36m/MPJPE_mm'


def plot_training_curves(scalars: Mapping[str, str | Path], path: str | Path) -> None:
    """Draw the training loss and the validation error (Protocol 1, mean of actions) of several runs side by side.

    Args:
        scalars: for each run its label and the ``vis_data/scalars.json`` of its work directory.
        path: the picture; its suffix chooses the format, for example '.png' or '.pdf'.

    Raises:
        InputError: no runs are given, or a file is missing, is not such a log, or holds no training loss.
    """
    if not scalars:
        raise InputError(f'cannot draw {path}: expected at least one run, got none')
    figure = Figure(figsize=(11, 4.2), layout='constrained')
    loss_axes, error_axes = figure.subplots(1, 2)
    validated_by = set()
    for label, log in scalars.items():
        losses, errors, epochs = _read_log(Path(log))
        loss_axes.plot(*zip(*losses, strict=True), label=label, linewidth=1.4)
        error_axes.plot(
            *zip(*errors, strict=True) if errors else ((), ()), label=label, linewidth=1.4, marker='o', markersize=3.5
        )
        validated_by.add('epoch' if epochs else 'iteration')
    loss_axes.set(title='Training', xlabel='iteration', ylabel="training loss (in the loss's own unit)", yscale='log')
    error_axes.set(title='Validation', xlabel=' or '.join(sorted(validated_by)), ylabel='MPJPE, mean of actions (mm)')
    loss_axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    loss_axes.yaxis.set_major_formatter('{x:g}')
    loss_axes.yaxis.set_minor_formatter(NullFormatter())
    for axes in (loss_axes, error_axes):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(color='0.9')
        axes.spines[['top', 'right']].set_visible(False)
        axes.set_axisbelow(True)
    handles, labels = loss_axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc='outside right upper', frameon=False, fontsize=9)
    with whole_file(path) as partial:
        figure.savefig(partial, dpi=130)


def _read_log(path: Path) -> tuple[list, list, bool]:
    """(iteration, loss) and (step, validation error mm) of a run, and whether its validation steps count epochs."""
    losses, errors, epochs = [], [], False
    if not path.is_file():
        raise InputError(
            f'no training log {path}: expected the vis_data/scalars.json of a finished or running training'
        )
    for number, line in enumerate(path.read_text(errors='replace').splitlines(), start=1):
        try:
            entry = json.loads(line)
            if 'loss' in entry:
                losses.append(_point(entry, 'loss'))
                epochs |= 'epoch' in entry
            if METRIC in entry:
                errors.append(_point(entry, METRIC))
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
            raise InputError(
                f'{path}, line {number}: expected an entry of an MMEngine log, got {line[:80]!r}'
            ) from error
    if not losses:
        raise InputError(f"{path}: expected entries with 'loss' of a training, found none")
    return losses, errors, epochs


def _point(entry: dict, key: str) -> tuple[float, float]:
    """(step, value), numbers; a value is NaN where a training failed."""
    step, value = entry['step'], entry[key]
    if not isinstance(step, int | float) or not isinstance(value, int | float):
        raise TypeError(f'{key} {value!r} at step {step!r}')
    return float(step), float(value)
