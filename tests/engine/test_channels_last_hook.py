from types import SimpleNamespace

import torch
from mmengine.structures import InstanceData
from mmpose.registry import HOOKS, MODELS
from mmpose.structures import PoseDataSample
from torch import nn


def test_training_runs_with_channels_last_and_gives_the_same_gradient():
    torch.manual_seed(0)
    model = MODELS.build(
        dict(
            type='TopdownPoseEstimator',
            backbone=dict(type='ResNet', depth=18),
            head=dict(type='IntegralHead3D', in_channels=512, depth_bins=4, deconv_out_channels=(8, 8, 8)),
        )
    ).train()
    sample = PoseDataSample()
    labels = dict(keypoint_labels=torch.rand(2, 17, 3), keypoint_weights=torch.ones(2, 17))
    sample.gt_instance_labels = InstanceData(**labels)
    images, layouts, gradients = torch.randn(2, 3, 64, 96), [], []
    for layer in (model.backbone.layer4[0].conv2, model.head.heatmap_head.deconv_layers[6], model.head.heatmap_head):
        layer.register_forward_hook(
            lambda _, __, out: layouts.append(out.is_contiguous(memory_format=torch.channels_last))
        )
    for is_channels_last in (False, True):
        if is_channels_last:
            HOOKS.build(dict(type='ChannelsLastHook')).before_run(SimpleNamespace(model=model))
        layouts.clear()
        model.zero_grad()
        model(images, [sample], mode='loss')['loss_kpt'].backward()
        gradients.append([parameter.grad.clone() for parameter in model.parameters()])
        assert layouts == [is_channels_last] * 3
    norm = nn.utils.get_total_norm([a - b for a, b in zip(*gradients, strict=True)])
    assert norm < 1e-4 * nn.utils.get_total_norm(gradients[0])
