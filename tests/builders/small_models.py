"""Small networks of both stages, and their inputs."""

import numpy as np
import torch
from mmengine.structures import InstanceData
from mmpose.registry import MODELS
from mmpose.structures import PoseDataSample
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from depth_refine.structures.skeleton import H36M


def randomise_statistics(model):
    """Give batch norms statistics and scales whose omission would show."""
    for module in model.modules():
        if isinstance(module, _BatchNorm):
            nn.init.normal_(module.running_mean, std=0.2)
            nn.init.uniform_(module.running_var, 0.5, 2)
            nn.init.uniform_(module.weight, 0.6, 1.2)
            nn.init.normal_(module.bias, std=0.2)
    return model


def build_refiner(backbone=None, head=None, flip_test=False, channels=16, num_joints=17, codec=None, **convnet):
    """A refiner of the given backbone, head and codec, by default of our own with changes; it evaluates."""
    torch.manual_seed(0)
    ours = dict(type='TemporalConvNet', in_channels=3 * num_joints, channels=channels, num_blocks=1)
    backbone = backbone or ours | convnet
    head = dict(head or dict(type='TemporalPoseHead', in_channels=channels, num_joints=num_joints))
    head['decoder'] = dict(type='DepthSequenceLifting', num_keypoints=num_joints) | (codec or {})
    parts = dict(backbone=backbone, head=head, num_joints=num_joints)
    model = dict(type='DepthTemporalRefiner', **parts, test_cfg=dict(flip_test=flip_test))
    return randomise_statistics(MODELS.build(model)).eval()


def make_sample(labels=None, flip_indices=H36M.flip_indices, **metainfo):
    """A sample of one person whose joints can be mirrored, with ``gt_instance_labels`` if there are any."""
    sample = PoseDataSample(metainfo=dict(flip_indices=list(flip_indices), **metainfo))
    sample.gt_instances = InstanceData(bboxes=np.zeros((1, 4)), bbox_scores=np.ones(1))
    sample.gt_instance_labels = InstanceData(**(labels or {}))
    return sample
