from types import SimpleNamespace

import pytest
from mmpose.registry import HOOKS
from torch import nn


def test_decays_from_the_first_epoch_to_after_the_last():
    hook = HOOKS.build(dict(type='BatchNormMomentumHook', start=0.1, end=0.001))
    model = nn.Sequential(nn.BatchNorm1d(2), nn.Sequential(nn.BatchNorm2d(2)), nn.Linear(2, 2))
    seen = []
    for epoch in range(4):
        hook.before_train_epoch(SimpleNamespace(model=model, epoch=epoch, max_epochs=4))
        assert model[0].momentum == model[1][0].momentum
        seen.append(model[0].momentum)
    assert seen == pytest.approx([0.1, 0.1**1.5, 0.01, 0.1**2.5])
