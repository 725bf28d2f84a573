"""Training of the refiner as ``tools/train.py`` runs it, on made-up data."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from mmengine.config import Config
from mmengine.hooks import Hook

from depth_refine.utils.runner import build_runner, put_data_on_device, use_mixed_precision

from .made_up_data import write_data_root

_WARM_UP = 3  # steps that do not count


class _Stopwatch(Hook):
    """Notes when each step ends."""

    priority = 'LOWEST'

    def __init__(self) -> None:
        self.ends: list[float] = []

    def after_train_iter(self, runner, batch_idx: int, data_batch=None, outputs: dict | None = None) -> None:
        self.ends.append(time.perf_counter())


def train(
    config: Path, root: Path, channels: int, batch: int, steps: int, data_on_device: bool = False
) -> Callable[[], np.ndarray]:
    """The work of an epoch with ``--amp``: batches from one worker process, hooks and the log included.

    Args:
        config: of the refiner.
        root: folder for the data, of one frame a window.
        channels: C.
        batch: windows of a step.
        steps: how many count.
        data_on_device: as ``--data-on-device``, without the worker.

    Returns:
        A function that trains, and gives the samples a second of each step that counts.
    """
    cfg = Config.fromfile(config)
    write_data_root(root, cfg.train_dataloader.dataset, (_WARM_UP + steps) * batch)
    cfg.merge_from_dict(
        dict(
            launcher='none',
            work_dir=str(root / 'work_dir'),
            train_cfg=dict(max_epochs=1),
            default_hooks=dict(checkpoint=None),
            model=dict(backbone=dict(channels=channels), head=dict(in_channels=channels)),
            train_dataloader=dict(batch_size=batch, num_workers=1, dataset=dict(data_root=str(root))),
        )
    )
    cfg.val_dataloader = cfg.val_cfg = cfg.val_evaluator = None
    use_mixed_precision(cfg)
    if data_on_device:
        put_data_on_device(cfg)
    runner, stopwatch = build_runner(cfg), _Stopwatch()
    runner.register_hook(stopwatch)

    def work() -> np.ndarray:
        runner.train()
        return batch / np.diff(stopwatch.ends)[_WARM_UP - 1 :]

    return work
