import dataclasses

import numpy as np
import pytest
import torch
from benchmarks import data_sets, first_stage, metric, refiner
from benchmarks.setup import REFINER, config

from depth_refine.functional.soft_argmax import soft_argmax_3d

SECTIONS = {  # rows, how many of them compare with VideoPose3D, targets of the rows that have one
    refiner.measure_inference: (7, 5, [1, 14, 1, 1000]),
    refiner.measure_training: (7, 3, [1.5, 1, 1.3]),
    refiner.measure_streaming: (1, 0, [10]),
    data_sets.measure_windows: (3, 1, [1.1, 1.3]),
    data_sets.measure_annotation: (4, 0, [5, 1.5, 5, 1.5]),
    metric.measure: (1, 0, [20]),
}


@pytest.mark.parametrize('measure', SECTIONS, ids=lambda measure: f'{measure.__module__}.{measure.__name__}')
def test_rows(measure, setup, videopose3d, in_this_process):
    count, compared, targets = SECTIONS[measure]
    rows = list(measure(dataclasses.replace(setup, videopose3d=videopose3d)))
    assert len(rows) == count and sum('VideoPose3D' in row.peer for row in rows) == compared
    assert [row.target for row in rows if row.target] == targets
    for row in rows:
        assert np.all(row.ours > 0) and (row.theirs is not None) == bool(row.peer) and row.as_markdown()
        assert row.unit in ('s', 'ms', 'MB', 'GB') if row.at_most else row.unit.endswith('/s') or not row.target


def test_with_amx_but_without_videopose3d(setup, in_this_process):
    setup = dataclasses.replace(setup, amx=True)
    rows = list(refiner.measure_training(setup))
    assert [row.target for row in rows if row.target] == [1.5, 5, 1.3]
    for row in rows:
        assert (row.theirs is None) == ('VideoPose3D' in row.peer) == ('not given' in row.as_markdown())

    rows = list(first_stage.measure(setup))
    assert len(rows) == 7 and [row.target for row in rows if row.target] == [1.5, 1.05]
    assert all(np.all(row.ours > 0) and row.theirs is not None for row in rows)
    train, predict = ([row.ideal for row in rows if kind in row.work] for kind in ('training step', 'prediction'))
    for fp32, bf16 in (train, predict):
        assert fp32 == 4 * bf16, 'as the machine does four times the operations a second'
    # predicting goes forward twice, with the flip test; training once forward and twice backward, but for the images
    assert 1.4 < train[0] / predict[0] < 1.5


@pytest.mark.parametrize('amp', [False, True])
def test_training_steps_learn(setup, videopose3d, amp):
    """Both networks, by the same loss and optimiser."""
    setup, loader = dataclasses.replace(setup, videopose3d=videopose3d), config(REFINER).train_dataloader
    data_sets.write_data_root(setup.folder / 'data', loader.dataset, 260)
    data = next(data_sets.endless_batches(loader, setup.folder / 'data', 8))
    for step in (refiner.our_step(setup, data, amp), refiner.their_step(setup, 8, amp)):
        losses = [float(step()['loss'].detach()) for _ in range(100)]
        assert np.mean(losses[-10:]) < 0.9 * np.mean(losses[:10])


def test_plain_soft_argmax_is_the_same():
    logits = torch.randn(2, 3, 4, 5, 6, dtype=torch.float64)
    results = []
    for decode in (soft_argmax_3d, first_stage.plain_soft_argmax_3d):
        leaf = logits.clone().requires_grad_()
        coords = decode(leaf)
        (coords**2).sum().backward()
        results.append((coords.detach(), leaf.grad))
    torch.testing.assert_close(*results)
