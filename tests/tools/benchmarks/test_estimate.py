import dataclasses

import pytest
from benchmarks import estimate
from benchmarks.comparison import Result, Spread


@pytest.fixture
def results():
    def row(work, rate, flops, share):
        return Result(work, 'items/s', Spread.of(rate), flop_rate=rate * flops, share=share)

    return dict(
        training=[row('training step, fp32', 9, 9, 0.9), row('training step, bf16', 200, 1e9, 0.5)],
        windows=[Result('windows', 'windows/s', Spread.of(60_000))],
        first_stage=[
            row('prediction, bf16', 20, 4e9, 0.2),
            row('training step, bf16', 5, 1e10, 0.25),
            Result('loading images for training, one process', 'images/s', Spread.of(130)),
            Result('loading images for prediction, one process', 'images/s', Spread.of(250)),
        ],
    )


def test_hours(setup, results):
    rows = list(estimate.measure(setup, results))
    assert [row.work for row in rows] == [
        'stage 1 training, 1 GPU',
        'stage 1 training, 8 GPUs',
        'extraction, 1 GPU',
        'stage 2 training, 1 GPU',
        'stage 2 training, 8 GPUs',
    ]
    # items / (400 TFLOP/s x share / FLOP of an item)
    hours = [22 * 2 * 311_951 / 1e4 / 3600, 2_103_096 / 2e4 / 3600, 80 * 1_559_752 / 2e5 / 3600]
    assert [rows[i].ours.median for i in (0, 2, 3)] == pytest.approx(hours)
    assert [rows[i].ours.median for i in (1, 4)] == pytest.approx([hours[0] / 8, hours[2] / 8])
    assert rows[3].note == (
        '124,780,160 items of 1 GFLOP at 50% of 400 TFLOP/s a GPU (assumed): 200,000 items/s a GPU, loaded by 4 '
        'processes like the one here (60,000 items/s)'
    )
    assert rows[0].note.endswith('loaded by 77 processes like the one here (130 items/s)')
    assert rows[2].note.endswith('loaded by 80 processes like the one here (250 items/s)')


def test_on_a_gpu(setup, results, machine):
    gpu = dataclasses.replace(machine, device='cuda', matrix=dict(fp32=1, bf16=8e14))
    row = next(estimate.measure(dataclasses.replace(setup, machine=gpu), results))
    assert row.ours.median == pytest.approx(22 * 2 * 311_951 / 2e4 / 3600) and 'assumed' not in row.note
