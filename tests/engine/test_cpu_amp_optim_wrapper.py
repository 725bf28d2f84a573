from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.structures import InstanceData
from mmpose.registry import MODELS, OPTIM_WRAPPERS
from mmpose.structures import PoseDataSample


def test_loss_curves_of_both_precisions_agree():
    """The refiner of 27 frames, 150 steps on poses that follow from its inputs, from the same seed."""
    curves = []
    for wrapper in ('OptimWrapper', 'CpuAmpOptimWrapper'):
        torch.manual_seed(0)
        cfg = Config.fromfile(Path(__file__).parents[2] / 'configs/refiner_27.py').model
        cfg.backbone.update(channels=64)
        cfg.head.update(in_channels=64)
        model = MODELS.build(cfg).train()
        wrapper = OPTIM_WRAPPERS.build(dict(type=wrapper, optimizer=torch.optim.Adam(model.parameters(), lr=1e-3)))
        truth = torch.randn(51, 51) / 10
        losses = []
        for _ in range(150):
            inputs = torch.randn(64, 51, 1).expand(-1, -1, 27) + 0.1 * torch.randn(64, 51, 27)
            target = (inputs.mean(dim=2) @ truth).view(64, 1, 17, 3)
            sample = PoseDataSample(gt_instance_labels=InstanceData())
            sample.gt_instance_labels.lifting_target_label = target.flatten(0, 1)
            sample.gt_instance_labels.lifting_target_weight = torch.ones(64, 17)
            with wrapper.optim_context(model):
                loss = model(inputs, [sample], mode='loss')['loss_pose3d']
            wrapper.update_params(loss)
            losses.append(loss.item())
        curves.append(np.array(losses).reshape(15, 10).mean(axis=1))
    single, half = curves
    assert single[-1] < 0.7 * single[0]
    assert not np.array_equal(single, half) and model.head.conv.weight.dtype == torch.float32
    np.testing.assert_allclose(half, single, rtol=0.02)
