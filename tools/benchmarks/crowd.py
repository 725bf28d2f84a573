"""How much slower training becomes beside programs that keep every core busy."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

_TRAIN = Path(__file__).parents[1] / 'train.py'
_WARM_UP = 5  # iterations


class Crowd(NamedTuple):
    """Median seconds of a training iteration."""

    alone: float
    beside: float  # the busy processes

    @property
    def ratio(self) -> float:
        """How many times slower."""
        return self.beside / self.alone


def measure_crowd(
    config: str | Path, data_root: str | Path, busy_processes: int | None = None, iterations: int = 25, **options
) -> Crowd:
    """Time training by ``tools/train.py``, alone and beside processes that do nothing but compute.

    Args:
        config: of either stage.
        data_root: in MMPose's Human3.6M layout, with data for a few iterations; training continues with new epochs.
        busy_processes: number of such processes; one for each core if None.
        iterations: number of measured iterations, after 5 for warming up.
        options: more of ``--cfg-options``, with ``__`` for each dot.

    Raises:
        RuntimeError: the training fails; the message has the end of its output.
    """
    settings = {
        'data_root': data_root,
        'train_cfg.max_epochs': 10_000,  # it is stopped before
        'default_hooks.checkpoint.interval': -1,
        'default_hooks.logger.interval': 1,
        'log_processor.window_size': 1,
    } | {name.replace('__', '.'): value for name, value in options.items()}
    command = [config, '--no-validate', '--cfg-options', *(f'{key}={value}' for key, value in settings.items())]
    alone = _median_seconds(command, iterations)
    with _busy(os.cpu_count() if busy_processes is None else busy_processes):
        return Crowd(alone, _median_seconds(command, iterations))


@contextmanager
def _busy(processes: int) -> Iterator[None]:
    """Run processes that compute all the time."""
    running = [subprocess.Popen([sys.executable, '-c', 'while True: pass']) for _ in range(processes)]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


def _median_seconds(command: list, iterations: int) -> float:
    """Median time of the iterations in the training's log, without the first ones."""
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / 'printed').open('w+', encoding='utf-8') as printed:
        arguments = [sys.executable, _TRAIN, *command[:1], '--work-dir', folder, *command[1:]]
        training = subprocess.Popen(arguments, stdout=printed, stderr=subprocess.STDOUT)
        try:
            while len(seconds := _logged_seconds(Path(folder))) < _WARM_UP + iterations:
                if training.poll() is not None:
                    printed.seek(0)
                    raise RuntimeError(f'training ended after {len(seconds)} iterations:\n{printed.read()[-2000:]}')
                time.sleep(0.5)
        finally:
            training.kill()
            training.wait()
    return statistics.median(seconds[_WARM_UP:])


def _logged_seconds(folder: Path) -> list[float]:
    lines = [
        line
        for log in folder.glob('*/vis_data/scalars.json')
        for line in log.read_text(encoding='utf-8').splitlines(True)
    ]
    return [json.loads(line)['time'] for line in lines if line.endswith('\n')]
