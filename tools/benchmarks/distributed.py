"""Training in several processes of one machine, as ``tools/dist_train.sh`` starts them."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from depth_refine.utils.errors import InputError

from .comparison import Result, compare
from .made_up_data import write_data_root
from .networks import REFINER_CONFIG
from .setup import Setup, left_out

_WARM_UP = 3  # steps of a run that do not count
_CONFIG = """
_base_ = [{base!r}]

train_dataloader = dict(
    batch_size={batch}, num_workers=0, persistent_workers=False, dataset=dict(data_root={data_root!r})
)
val_dataloader = val_cfg = val_evaluator = None
model = dict(backbone=dict(channels={channels}), head=dict(in_channels={channels}))
train_cfg = dict(_delete_=True, by_epoch=True, max_epochs=1)
default_hooks = dict(logger=dict(interval=1), checkpoint=dict(save_best=None))
log_processor = dict(window_size=1)
"""


def measure(setup: Setup, channels: int = 1024, batch: int | None = None, steps: int = 12) -> Iterator[Result]:
    """Training samples a second of two processes, or of all GPUs, beside one.

    Each process has the same batch, and one thread.

    Args:
        setup: see :class:`Setup`.
        channels: C.
        batch: windows of a process's step; by default 64, on accelerators 1024.
        steps: of a run that count.

    Raises:
        InputError: a training failed.
    """
    processes = torch.cuda.device_count() if setup.device == 'cuda' else 2
    work = f'training in {processes} processes, fp32'
    if processes < 2:
        yield left_out('training in several processes', peer='', reason='there is one GPU')
        return
    batch = batch or (1024 if setup.device == 'cuda' else 64)
    root = setup.folder / 'distributed'
    base = setup.configs / REFINER_CONFIG
    write_data_root(root, setup.config(REFINER_CONFIG).train_dataloader.dataset, (steps + _WARM_UP) * batch * processes)
    config = root / 'config.py'
    config.write_text(_CONFIG.format(base=str(base), batch=batch, data_root=str(root), channels=channels))
    rates: dict[int, list[float]] = {1: [], processes: []}
    for _ in range(min(setup.rounds, 2)):
        for count, found in rates.items():
            seconds = _train(base.parents[1] / 'tools' / 'dist_train.sh', config, count, root / 'work_dir')
            found.extend(count * batch / seconds[:steps])
    yield compare(work, 'samples/s', np.array(rates[processes]), 'one process', np.array(rates[1]))


def _train(script: Path, config: Path, processes: int, work_dir: Path) -> np.ndarray:
    """Seconds of each step of an epoch, but the first."""
    command = ['bash', script, config, str(processes), '--work-dir', work_dir]
    environment = os.environ | dict(PYTHON=sys.executable, OMP_NUM_THREADS='1')
    run = subprocess.run(command, env=environment, capture_output=True, text=True)
    if run.returncode:
        raise InputError(f'training in {processes} processes failed: {run.stderr.strip().splitlines()[-1]}')
    latest = max(work_dir.glob('*/vis_data/scalars.json'), key=lambda path: path.stat().st_mtime)
    steps = [json.loads(line) for line in latest.read_text().splitlines()]
    return np.array([step['time'] for step in steps if 'time' in step])[_WARM_UP:]
