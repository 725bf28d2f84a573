import random
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmpose.registry import HOOKS
from torch.utils.data import DataLoader, Dataset


class RandomNumbers(Dataset):
    """Numbers of all three generators."""

    def __len__(self):
        return 4

    def __getitem__(self, index):
        return torch.tensor([random.random(), np.random.rand(), torch.rand(()).item()])


def make_runner(workers=1, seed=5, rank=0, epoch=0, **options):
    loader = DataLoader(
        RandomNumbers(), 2, num_workers=workers, worker_init_fn=lambda _: torch.manual_seed(0), **options
    )
    return SimpleNamespace(train_dataloader=loader, seed=seed, rank=rank, epoch=epoch)


def numbers(runner):
    """Those of the epoch, (4, 3), whatever was drawn before; then three of this process."""
    hook = HOOKS.build(dict(type='EpochSeedHook'))
    random.random(), np.random.rand(), torch.rand(3)
    hook.before_train(runner)
    hook.before_train_epoch(runner)
    drawn = torch.cat(list(runner.train_dataloader))
    own = torch.tensor([random.random(), np.random.rand(), torch.rand(()).item()])
    return torch.cat([drawn, own[None]]).flatten().tolist()


@pytest.mark.parametrize('workers', [0, 2])
def test_an_epoch_has_its_numbers(workers):
    runner = make_runner(workers)
    first, runner.epoch = numbers(runner), 1
    second = numbers(runner)
    assert numbers(make_runner(workers, epoch=1)) == second  # of a run that begins there
    others = [numbers(make_runner(workers, seed=6)), numbers(make_runner(workers, rank=1))]
    drawn = [*first, *second, *others[0], *others[1]]
    assert len(set(drawn)) == len(drawn) == 4 * 15


def test_workers_that_live_on():
    hook, runner = HOOKS.build(dict(type='EpochSeedHook')), make_runner(1, persistent_workers=True)
    warnings = []
    runner.logger = SimpleNamespace(warning=warnings.append)
    hook.before_train(runner)
    assert len(warnings) == 1 and 'persistent_workers=True: if this training is interrupted and resumed' in warnings[0]
