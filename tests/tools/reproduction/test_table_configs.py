from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmengine.registry import FUNCTIONS
from mmpose.datasets.datasets.utils import parse_pose_metainfo
from mmpose.registry import MODELS, TRANSFORMS

from depth_refine.datasets import H36MDepthSequenceDataset

CONFIGS = Path(__file__).parents[3] / 'configs'
FILES = sorted(path for folder in ('table1', 'table2', 'beyond') for path in (CONFIGS / folder).glob('*.py'))
CHANNELS = {'2d': 2, '2d+depth': 3, '2d+depth+std': 4, 'gt2d': 2, 'gt2d+gtdepth': 3}


def make_sample(dataset, targets, test_mode):
    """What a data set gives to its pipeline."""
    rng = np.random.default_rng(0)
    frames = dataset.seq_len + targets - 1
    keypoints = rng.uniform(0, 1000, (frames, 17, CHANNELS[dataset.input_source])).astype(np.float32)
    keypoints[..., 2:] /= 2000
    return dict(
        keypoints=keypoints,
        keypoints_visible=np.ones((frames, 17), np.float32),
        lifting_target=rng.normal(0, 0.3, (targets, 17, 3)).astype(np.float32),
        lifting_target_visible=np.ones((targets, 17), np.float32),
        camera_param=dict(w=1000, h=1002),
        flip_indices=parse_pose_metainfo(dict(from_file='configs/_base_/datasets/h36m.py'))['flip_indices'],
        test_mode=test_mode,
        sample_idx=0,
    )


def compose(pipeline):
    return Compose([TRANSFORMS.build(step) for step in pipeline])


@pytest.mark.parametrize('path', FILES, ids=lambda path: f'{path.parent.name}/{path.stem}')
def test_trains_and_predicts(path):
    cfg = Config.fromfile(path)
    cfg.merge_from_dict(cfg.short)
    model = MODELS.build(cfg.model)
    train, test = cfg.train_dataloader.dataset, cfg.test_dataloader.dataset
    assert (
        train.input_source in H36MDepthSequenceDataset.INPUT_SOURCES and train.type == H36MDepthSequenceDataset.__name__
    )
    assert (train.input_source, train.seq_len) == (test.input_source, test.seq_len)
    assert model.receptive_field == train.seq_len

    targets = train.get('clip_len') or 1
    pipeline = compose(train.pipeline)
    items = [pipeline(make_sample(train, targets, False)) for _ in range(4)]
    collate = FUNCTIONS.get(cfg.train_dataloader.collate_fn.type) or pseudo_collate
    loss = model.train()(**collate(items), mode='loss')['loss_pose3d']
    loss.backward()
    assert 0.1 < loss.item() < 10  # metres, untrained
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.backbone.parameters() if p.ndim > 1)

    targets = test.get('clip_len') or 50
    batch = pseudo_collate([compose(test.pipeline)(make_sample(test, targets, True))])
    with torch.no_grad():
        (sample,) = model.eval()(**batch, mode='predict')
    assert sample.pred_instances.keypoints.shape == (targets, 17, 3) and sample.pred_instances.flip_test
