import contextlib
import dataclasses

import pytest
import torch
from mmengine.config import Config
from mmpose.registry import MODELS

from depth_refine.benchmarks import precision

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
    rows = list(precision.measure(trained, videos=3))
    middle, most, largest = (row.ours for row in rows)
    assert rows[0].work == f'poses in bf16 beside fp32, 3 videos, {3 * 12 * 17} joints: middle half'
    assert 0 < middle.low < middle.median < middle.high < most.median <= largest.median < 50
    assert [(row.target, row.unit) for row in rows] == [(None, 'mm'), (0.2, 'mm'), (0.2, 'mm')]


def test_same_precision_is_no_distance(trained, monkeypatch):
    monkeypatch.setattr(precision, 'bfloat16', lambda device: contextlib.nullcontext())
    assert [row.ours.median for row in precision.measure(trained, videos=2)] == [0, 0, 0]


def test_no_refiner(setup):
    (row,) = precision.measure(setup)
    assert row.ours is None and row.note == 'left out: no `--refiner` was given'
