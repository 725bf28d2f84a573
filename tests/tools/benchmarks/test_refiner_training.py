from types import SimpleNamespace

import numpy as np
import pytest
import torch
from benchmarks import refiner_training


def test_rows(setup_with_peer, same_process):
    rows = list(refiner_training.measure(setup_with_peer, channels=8, batch=50, steps=2))
    assert [(row.work, row.peer, row.target) for row in rows] == [
        ('training step of 50, fp32', 'VideoPose3D, strided, fp32', 1.6),
        ('training step of 50, bf16', 'VideoPose3D, strided, fp32', 4),
        ('training step of 50, bf16', 'VideoPose3D, strided, bf16', None),
        ('training loop of 50, bf16, data from a worker', 'the step alone', None),
    ]
    assert all(row.ratio.median > 0 for row in rows)
    assert rows[0].share == pytest.approx(rows[0].flop_rate / 1e9)


def test_without_videopose3d(setup, monkeypatch):
    monkeypatch.setattr(refiner_training, 'measure_alone', lambda *_, device: SimpleNamespace(result=np.ones(2)))
    *rows, _ = refiner_training.measure(setup, channels=8, batch=3)
    assert all(row.ours.median > 0 and row.ratio is None and 'no `--videopose3d`' in row.note for row in rows)


@pytest.mark.parametrize('amp', [False, True])
@pytest.mark.parametrize('make_step', [refiner_training.our_step, refiner_training.their_step])
def test_steps_learn(setup_with_peer, monkeypatch, make_step, amp):
    """Both networks come to answer a constant, in the same precision."""
    built = []
    for name in ('build_refiner', 'build_videopose3d'):
        build = getattr(refiner_training, name)
        monkeypatch.setattr(refiner_training, name, lambda *a, b=build: built.append(b(*a)) or built[-1])
    torch.manual_seed(0)
    windows, target = torch.randn(4, 243, 17, 3), torch.full((4, 1, 17, 3), 0.1)
    step = make_step(setup_with_peer, 16, windows, target, amp)
    (network,) = built

    def error():
        with torch.no_grad():
            return (network(windows) - target).norm(dim=-1).mean().item()

    before = error()
    for _ in range(60):
        step()
    assert error() < 0.5 * before
