from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.logging import MessageHub
from mmengine.registry import FUNCTIONS
from mmpose.registry import DATASETS, MODELS

CONFIGS = Path(__file__).parents[2] / 'configs'


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
    """Of two steps with one network, without an update in between."""
    cfg = Config.fromfile(CONFIGS / 'demo/integral.py').model
    cfg.data_preprocessor.update(data_preprocessor)
    torch.manual_seed(0)
    model = MODELS.build(cfg).train()
    losses = [model.loss(**model.data_preprocessor(batch(), training=True))['loss_kpt'] for _ in range(2)]
    sum(losses).backward()
    return [*losses, *(parameter.grad for parameter in model.parameters())]


@pytest.mark.parametrize(
    'augments', [None, [dict(type='BatchSyncRandomResize', random_size_range=(96, 96), interval=1)]]
)
def test_losses_and_gradients_are_those_of_separate_samples(items, augments):
    MessageHub.get_current_instance().update_info('iter', 0)  # which the augmentation asks for
    merge = FUNCTIONS.get('merge_images')
    merged, separate = (
        losses_and_gradients(lambda collate=collate: collate(items), batch_augments=augments)
        for collate in (merge, pseudo_collate)
    )
    torch.testing.assert_close(merged, separate, rtol=0, atol=0)


def test_few_tensors_that_know_their_samples(items):
    batch = FUNCTIONS.get('merge_images')(items)
    (sample,) = batch['data_samples']
    labels, infos = sample.gt_instance_labels, [item['data_samples'] for item in items]
    assert (batch['inputs'].dtype, batch['inputs'].shape) == (torch.uint8, (4, 3, 256, 256))
    assert torch.equal(batch['inputs'][2], items[2]['inputs']) and sample.img_shape == (256, 256)
    assert [labels[key].shape for key in ('keypoint_labels', 'keypoint_weights')] == [(4, 17, 3)] * 2
    assert sample.img_path == [info.img_path for info in infos] and sample.id == [info.id for info in infos]
    assert ['h36m' in path for path in sample.img_path] == [True, True, False, False]
