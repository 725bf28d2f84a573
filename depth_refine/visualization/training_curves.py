"""Training curves from the logs that MMEngine writes."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from depth_refine.utils.atomic import whole_file
from depth_refine.utils.errors import InputError

METRIC = 'MPJPE_mm'  # follows the prefix of any metric


def plot_training_curves(runs: Mapping[str, str | Path], path: str | Path) -> None:
    """Draw a figure with the training losses and the validation errors of several runs.

    The error is the MPJPE of the run's metric; for Human3.6M it is that of Protocol 1, the mean of actions. For a run
    with several metrics it is that of the first one.

    A training that was interrupted and resumed has several logs in its work directory, which make one curve. Where they
    overlap, the later log counts.

    Args:
        runs: by label, the work directory of each run, or a single ``vis_data/scalars.json`` in it.
        path: the figure; its suffix chooses the format, for example '.png' or '.pdf'.

    Raises:
        InputError: no runs are given, or a file is missing, is not such a log, or holds no training loss.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from depth_refine.visualization import plot_training_curves
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     log, figure = Path(folder, 'scalars.json'), Path(folder, 'curves.png')
        ...     _ = log.write_text('{"loss": 0.2, "step": 1, "pose3d/MPJPE_mm": 80.0}')
        ...     plot_training_curves({'27 frames': log}, figure)
        ...     figure.is_file()
        True
    """
    if not runs:
        raise InputError(f'cannot draw {path}: expected at least one run, got none')
    figure = Figure(figsize=(11, 4.2), layout='constrained')
    loss_axes, error_axes = figure.subplots(1, 2)
    validated_by = set()
    for label, run in runs.items():
        curves = _read_run(Path(run))
        for axes, points, marker in ((loss_axes, curves.losses, None), (error_axes, curves.errors, 'o')):
            steps, values = zip(*points, strict=True) if points else ((), ())
            axes.plot(steps, values, label=label, linewidth=1.4, marker=marker, markersize=3.5)
        validated_by.add('epoch' if curves.by_epoch else 'iteration')
    loss_axes.set(title='Training', xlabel='iteration', ylabel="training loss (in the loss's own unit)", yscale='log')
    error_axes.set(title='Validation', xlabel=' or '.join(sorted(validated_by)), ylabel='MPJPE (mm)')
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


class _Curves(NamedTuple):
    """The curves of a run, or of one of its logs, as pairs (step, value)."""

    losses: list[tuple[float, float]]  # by iteration
    errors: list[tuple[float, float]]  # mm, by epoch or by iteration
    by_epoch: bool
    first_epoch: float  # in which the log begins; an iteration if not ``by_epoch``


def _read_run(path: Path) -> _Curves:
    """The curves of all logs of a work directory, or of one log."""
    logs = sorted(path.glob('*/vis_data/scalars.json')) if path.is_dir() else [path]  # folders are named by time
    found = [_read_log(log) for log in logs]
    trainings = [curves for curves in found if curves.losses]  # a test logs metrics only
    if not trainings:
        where = f'{path}/*/vis_data/scalars.json' if path.is_dir() else path
        raise InputError(f"{where}: expected entries with 'loss' of a training, found none")
    whole, *later = trainings
    for log in later:
        first_error = min([log.first_epoch, *(step for step, _ in log.errors)])  # it may repeat the last validation
        whole = log._replace(
            losses=[point for point in whole.losses if point[0] < min(log.losses)[0]] + log.losses,
            errors=[point for point in whole.errors if point[0] < first_error] + log.errors,
        )
    return whole


def _read_log(path: Path) -> _Curves:
    """The curves of a log, without a last entry that an interruption cut off."""
    losses, errors, epochs = [], [], []
    if not path.is_file():
        raise InputError(
            f'no training log {path}: expected the work directory of a finished or running training, or the '
            'vis_data/scalars.json in it'
        )
    for number, line in enumerate(
        path.read_text(encoding='utf-8', errors='replace').splitlines(keepends=True), start=1
    ):
        try:
            entry = json.loads(line)
            if 'loss' in entry:
                losses.append((float(entry['step']), float(entry['loss'])))
                epochs += [float(entry['epoch'])] if 'epoch' in entry else []
            found = [value for key, value in entry.items() if key.rpartition('/')[2] == METRIC]
            if found:  # a value is NaN where a training failed
                errors.append((float(entry['step']), float(found[0])))
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
            if isinstance(error, json.JSONDecodeError) and not line.endswith('\n'):
                break
            raise InputError(
                f'{path}, line {number}: expected an entry of an MMEngine log, got {line[:80].rstrip()!r}'
            ) from error
    return _Curves(losses, errors, bool(epochs), min(epochs or [step for step, _ in losses], default=0))
