import contextlib
import dataclasses

import pytest
import torch
from benchmarks import precision
from mmengine.config import Config
from mmpose.registry import MODELS

CONFIG = """
_base_ = ['{configs}/refiner_27.py']
model = dict(backbone=dict(channels=16, num_blocks=1), head=dict(in_channels=16))
test_dataloader = dict(
    dataset=dict(data_root='{root}', input_source='gt2d+gtdepth', depth_store=None, bbox_policy=None, seq_len=9)
)
"""


@pytest.fixture
def trained(setup, data_root, tmp_path):
    config, checkpoint = tmp_path / 'small.py', tmp_path / 'small.pth'
    config.write_text(CONFIG.format(configs=setup.configs, root=data_root))
    torch.manual_seed(0)
    torch.save(dict(state_dict=MODELS.build(Config.fromfile(config).model).state_dict()), checkpoint)
    return dataclasses.replace(setup, refiner=(str(config), str(checkpoint)))


def test_distances(trained):
    *rows, _ = precision.measure(trained, videos=3)
    middle, most, largest = (row.ours for row in rows)
    assert rows[0].work == f'poses in bf16 beside fp32, 3 videos, {3 * 12 * 17} joints: middle half'
    assert 0 < middle.low < middle.median < middle.high < most.median <= largest.median < 50
    assert [(row.target, row.unit) for row in rows] == [(None, 'mm'), (0.2, 'mm'), (0.2, 'mm')]


def test_same_precision_is_no_distance(trained, monkeypatch):
    monkeypatch.setattr(precision, 'bfloat16', lambda device: contextlib.nullcontext())
    assert [row.ours.median for row in list(precision.measure(trained, videos=2))[:3]] == [0, 0, 0]


@pytest.fixture
def trained_first_stage(setup, data_root, tmp_path):
    config, checkpoint = tmp_path / 'first.py', tmp_path / 'first.pth'
    cfg = setup.config('demo/integral.py')
    cfg.test_dataloader.dataset.data_root = str(data_root)
    cfg.test_dataloader.batch_size = 2
    cfg.dump(config)
    torch.manual_seed(0)
    torch.save(dict(state_dict=MODELS.build(cfg.model).state_dict()), checkpoint)
    return dataclasses.replace(setup, first_stage=(str(config), str(checkpoint)))


def test_first_stage(trained_first_stage):
    no_refiner, *rows = precision.measure(trained_first_stage, images=3)
    assert no_refiner.ours is None
    assert rows[0].work == "the first stage's in bf16 beside fp32, 4 images, in the image: middle half"
    assert [row.unit for row in rows] == ['px'] * 3 + ['mm'] * 3
    for middle, most, largest in (rows[:3], rows[3:]):
        assert (
            0 < middle.ours.low < middle.ours.median < middle.ours.high < most.ours.median <= largest.ours.median < 50
        )


def test_first_stage_of_the_same_precision(trained_first_stage, monkeypatch):
    optimise = precision.optimise_for_inference
    monkeypatch.setattr(precision, 'optimise_for_inference', lambda model, device, amp: optimise(model, device, False))
    _, *rows = precision.measure(trained_first_stage, images=2)
    assert all(row.ours.median < 1e-2 for row in rows), 'px and mm, what folding rounds'


def test_neither_stage(setup):
    rows = list(precision.measure(setup))
    assert [row.ours for row in rows] == [None, None]
    assert [row.note for row in rows] == [f'left out: no `--{name}` was given' for name in ('refiner', 'first-stage')]
