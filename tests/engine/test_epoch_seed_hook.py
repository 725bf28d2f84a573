import random
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.dataset import worker_init_fn
from mmpose.registry import HOOKS
from torch.utils.data import DataLoader, Dataset


class RandomNumbers(Dataset):
    def __len__(self):
        return 4

    def __getitem__(self, index):
        return torch.tensor([random.random(), np.random.rand(), torch.rand(()).item()])


def make_runner(workers=1, seed=5, rank=0, epoch=0, **options):
    mmengines = partial(worker_init_fn, num_workers=workers, rank=rank, seed=seed)
    loader = DataLoader(RandomNumbers(), 2, num_workers=workers, **(dict(worker_init_fn=mmengines) | options))
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
    runner, warnings = make_runner(1, persistent_workers=True), []
    runner.logger = SimpleNamespace(warning=warnings.append)
    HOOKS.build(dict(type='EpochSeedHook')).before_train(runner)
    assert 'persistent_workers=True: if this training is interrupted and resumed' in warnings[0]


def seed_as_the_user_likes(worker):
    torch.manual_seed(worker)


def test_a_users_function_for_workers_is_called():
    drawn = numbers(make_runner(2, worker_init_fn=seed_as_the_user_likes))
    assert drawn[2] == torch.rand((), generator=torch.Generator().manual_seed(0)).item()
    assert drawn[8] == torch.rand((), generator=torch.Generator().manual_seed(1)).item()
