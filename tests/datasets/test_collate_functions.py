from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.logging import MessageHub
from mmengine.registry import FUNCTIONS
from mmpose.registry import DATASETS, MODELS

from depth_refine.datasets import merge_images, merge_windows
from depth_refine.utils.errors import InputError

CONFIGS = Path(__file__).parents[2] / 'configs'
TARGET = dict(type='GenerateSequenceTarget', encoder=dict(type='DepthSequenceLifting'))


@pytest.fixture
def items(data_root, body_2d_root):
    """Two samples of Human3.6M, one of COCO, one of MPII."""
    cfg = Config.fromfile(CONFIGS / 'integral_h36m.py').train_dataloader.dataset
    for part, root in zip(cfg.datasets, (data_root, body_2d_root / 'coco', body_2d_root / 'mpii'), strict=True):
        part.data_root = str(root)
    dataset = DATASETS.build(cfg)
    frames, persons = map(len, dataset.datasets[:2])
    return [dataset[index] for index in (0, 5, frames, frames + persons)]


def losses_and_gradients(batch, **data_preprocessor):
    """Losses and gradients of two steps with one network, without an update in between."""
    cfg = Config.fromfile(CONFIGS / 'demo/integral.py').model
    cfg.data_preprocessor.update(data_preprocessor)
    torch.manual_seed(0)
    model = MODELS.build(cfg).train()
    losses = [model.loss(**model.data_preprocessor(batch(), training=True))['loss_kpt'] for _ in range(2)]
    sum(losses).backward()
    return [*losses, *(parameter.grad for parameter in model.parameters())]


def test_losses_and_gradients_of_images_are_those_of_separate_samples(items):
    augments = [dict(type='BatchSyncRandomResize', random_size_range=(96, 96), interval=1)]
    MessageHub.get_current_instance().update_info('iter', 0)  # which the augmentation asks for
    merged, separate = (
        losses_and_gradients(lambda collate=collate: collate(items), batch_augments=augments)
        for collate in (FUNCTIONS.get('merge_images'), pseudo_collate)
    )
    torch.testing.assert_close(merged, separate, rtol=0, atol=0)


def test_few_tensors_that_know_their_images_and_are_pinned(items, monkeypatch):
    batch = merge_images(items)
    (sample,) = batch['data_samples']
    labels, infos = sample.gt_instance_labels, [item['data_samples'] for item in items]
    assert (batch['inputs'].dtype, batch['inputs'].shape) == (torch.uint8, (4, 3, 256, 256))
    assert torch.equal(batch['inputs'][2], items[2]['inputs']) and sample.img_shape == (256, 256)
    assert (labels.keypoint_labels.shape, labels.keypoint_weights.shape) == ((4, 17, 3), (4, 17))
    assert sample.img_path == [info.img_path for info in infos] and sample.id == [info.id for info in infos]
    monkeypatch.setattr(torch.Tensor, 'pin_memory', lambda tensor: tensor + 5)  # as pinning needs a GPU
    expected = labels.keypoint_labels + 5
    assert torch.equal(sample.pin_memory().gt_instance_labels.keypoint_labels, expected)


def test_the_loss_of_windows_is_that_of_separate_samples(windows):
    indices = list(range(0, 90, 10))
    merged = FUNCTIONS.get('merge_windows')(windows(TARGET).__getitems__(indices))
    separate = pseudo_collate(windows(TARGET, dict(type='PackPoseInputs')).__getitems__(indices))
    assert merged['inputs'].shape == (9, 5, 17, 3) and len(merged['data_samples']) == 1
    np.testing.assert_array_equal(merged['data_samples'][0].sample_idx, indices)
    labels = merged['data_samples'][0].gt_instance_labels
    assert sorted(labels.keys()) == sorted(separate['data_samples'][0].gt_instance_labels.keys())
    for key, values in labels.items():
        expected = torch.cat([sample.gt_instance_labels[key] for sample in separate['data_samples']])
        torch.testing.assert_close(values, expected, rtol=0, atol=0)
    backbone = dict(type='TemporalConvNet', in_channels=51, channels=8, num_blocks=0, kernel_size=5, dropout=0.0)
    head = dict(type='TemporalPoseHead', in_channels=8)
    torch.manual_seed(0)
    model = MODELS.build(dict(type='DepthTemporalRefiner', backbone=backbone, head=head)).train()
    losses = [model(**batch, mode='loss')['loss_pose3d'] for batch in (merged, separate)]
    torch.testing.assert_close(losses[0], losses[1])


@pytest.mark.parametrize('steps', [[TARGET, dict(type='PackPoseInputs')], []])
def test_what_is_no_window_of_labels(windows, steps):
    with pytest.raises(InputError, match=r"merge_windows takes .* not packed: leave PackPoseInputs out .*; got \['"):
        merge_windows(windows(*steps).__getitems__([0, 1]))
