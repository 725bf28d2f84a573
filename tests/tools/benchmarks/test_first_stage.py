import re

import pytest
import torch
from benchmarks import first_stage


@pytest.fixture
def rows(setup):
    return list(first_stage.measure(setup, images=2, depth=18, size=(32, 64)))


def test_rows(rows):
    assert [(row.work, bool(row.peer), row.target) for row in rows] == [
        ('prediction, batches of 2, fp32', True, None),
        ('prediction, batches of 2, bf16', True, 3),
        ('training step of 2, fp32', False, None),
        ('training step of 2, bf16', False, None),
        ('loading images for training, one process', False, None),
        ('loading images for prediction, one process', False, None),
    ]
    assert all(row.ours.median > 0 for row in rows) and all(row.ratio.median > 0 for row in rows[:2])
    assert 100 < int(re.fullmatch(r'JPEG files of (\d+) kB', rows[4].note)[1]) < 400, 'as photographs of a megapixel'
    operations = [row.flop_rate / row.ours.median for row in rows[:4]]
    assert operations[0] == pytest.approx(operations[1]) and operations[2] == pytest.approx(operations[3])
    # predicting goes forward twice, with the flip test; training once forward and twice backward, but for the images
    assert 1.4 < operations[2] / operations[0] < 1.5
    assert rows[1].share == pytest.approx(rows[1].flop_rate / 4e9)


def test_training_step_changes_the_network(setup):
    cfg = setup.config('integral_h36m.py').model
    cfg.backbone.update(depth=18, init_cfg=None)
    cfg.head.in_channels, cfg.head.decoder.input_size = 512, (32, 32)
    model = first_stage.MODELS.build(cfg)
    before = [p.clone() for p in model.parameters() if p.requires_grad]
    first_stage.train(setup, model, first_stage.make_batch(2, (32, 32), 'cpu'), amp=True)()
    after = [p for p in model.parameters() if p.requires_grad]
    assert sum(not torch.equal(*pair) for pair in zip(before, after, strict=True)) > 0.9 * len(after)
