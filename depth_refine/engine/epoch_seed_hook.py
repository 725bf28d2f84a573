"""Hook for random numbers that depend on the epoch alone."""

from collections.abc import Callable
from functools import partial

import numpy as np
from mmengine.dataset import worker_init_fn
from mmengine.hooks import Hook
from mmengine.runner import set_random_seed
from mmpose.registry import HOOKS

from depth_refine.utils.parallel import end_with_parent


@HOOKS.register_module()
class EpochSeedHook(Hook):
    """Seed Python, NumPy and PyTorch at the start of each epoch, from the run's seed, the process's rank and the epoch.

    A resumed run then draws what the uninterrupted one would have drawn: shuffling, dropout, noise, augmentation.
    MMEngine seeds once, at the start, and gives every process the same numbers.

    A data loader's workers derive their seed from the process's when they start, so they must start with each epoch:
    ``persistent_workers=False``. MMEngine would give a worker the same numbers whenever it starts; a ``worker_init_fn``
    of the user's own is called.

    Example:
        In a config:

            custom_hooks = [dict(type='EpochSeedHook')]
            train_dataloader = dict(persistent_workers=False)
    """

    priority = 'VERY_HIGH'

    def before_train(self, runner) -> None:
        """Leave the seeds of the workers to PyTorch, and have them end with this process."""
        loader = runner.train_dataloader
        users = loader.worker_init_fn
        if getattr(users, 'func', None) is worker_init_fn:
            users = None
        loader.worker_init_fn = partial(_init_worker, users)
        if loader.persistent_workers:
            runner.logger.warning(
                'train_dataloader.persistent_workers=True: if this training is interrupted and resumed, its '
                'augmentation will differ from that of an uninterrupted one'
            )

    def before_train_epoch(self, runner) -> None:
        """Seed the epoch."""
        (seed,) = np.random.SeedSequence([runner.seed, runner.rank, runner.epoch]).generate_state(1)
        set_random_seed(int(seed))


def _init_worker(users: Callable[[int], None] | None, worker: int) -> None:
    """End with the parent: PyTorch's own check begins too late if the parent is killed while it starts workers."""
    end_with_parent()
    if users is not None:
        users(worker)
