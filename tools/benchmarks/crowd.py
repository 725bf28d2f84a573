"""How much slower training becomes beside programs that keep every core busy."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

TRAIN = Path(__file__).parents[1] / 'train.py'
_WARM_UP = 5  # iterations


class Crowd(NamedTuple):
    """Median seconds of a training iteration."""

    alone: float
    beside: float  # the busy processes


def measure_crowd(
    config: str | Path,
    data_root: str | Path,
    busy_processes: int | None = None,
    iterations: int = 25,
    cfg_options: dict[str, object] | None = None,
) -> Crowd:
    """Train with ``tools/train.py`` as a user does, alone and beside processes that do nothing but compute.

    Args:
        config: of either stage.
        data_root: in MMPose's Human3.6M layout.
        busy_processes: how many; one for each core if None.
        iterations: of a training that count, after 5 that do not.
        cfg_options: more options of the training, by their dotted names.

    Raises:
        RuntimeError: the training fails; says what it printed.
    """
    options = {
        'data_root': data_root,
        'train_cfg.max_epochs': 1000,  # ended by the number of lines in its log
        'default_hooks.logger.interval': 1,
        'default_hooks.checkpoint.interval': -1,
        'log_processor.window_size': 1,
    } | (cfg_options or {})
    command = [sys.executable, TRAIN, config, '--no-validate', '--cfg-options', *(f'{k}={v}' for k, v in options.items())]
    alone = _seconds(command, iterations)
    with _busy(len(os.sched_getaffinity(0)) if busy_processes is None else busy_processes):
        return Crowd(alone, _seconds(command, iterations))
