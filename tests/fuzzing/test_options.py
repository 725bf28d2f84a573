"""Options that configs may give to modules, data sets, transforms and codecs."""

import math

import numpy as np
import pytest
import torch
from hypothesis import strategies as st
from mmpose.registry import DATASETS, KEYPOINT_CODECS, MODELS, TRANSFORMS

NUMBERS = (0, -1, 1, 2, 3, 0.5, 1.5, 10**6, 2**63, 1e308, math.nan, math.inf, -math.inf, True)
VALUES = (*NUMBERS, '3', '', [], [1], {}, (2, 3))
H36M = dict(ann_file='annotation_body3d/fps50/h36m_test.npz')


def check_convnet(net):
    (features,) = net.eval()(torch.zeros(2, net.receptive_field + 1, net.in_channels))
    assert features.shape[:2] == (2, 2) and torch.isfinite(features).all()


def check_pose_head(head):
    channels = head.conv.in_channels  # as many frames
    poses = head.eval()((torch.ones(2, channels, channels),))
    assert poses.shape == (2, channels, head.num_joints, 3) and torch.isfinite(poses).all()


def check_integral_head(head):
    poses = head.eval()((torch.ones(1, head.heatmap_head.in_channels, 3, 2),))
    assert poses.shape == (1, head.num_joints, 3) and ((poses > 0) & (poses < 1)).all()


def check_graph_net(net):
    (features,) = net.eval()(torch.zeros(1, 8, 17, net.in_channels))
    assert len(features) == 1 and 2 in features.shape and torch.isfinite(features).all()


def check_noise(transform):
    labels = np.zeros((5, 17, 4), np.float32)
    labels[..., 3] = 0.1
    noisy = transform(dict(keypoints=labels, keypoint_labels=labels.copy()))['keypoint_labels']
    assert noisy.shape[:2] == (5, 17) and np.isfinite(noisy).all()


def check_codec(codec):
    poses = np.array([[[30.0, 20.0, 0.1]] * 17])
    decoded, _ = codec.decode(codec.encode(poses, np.ones((1, 17)))['keypoint_labels'])
    np.testing.assert_allclose(decoded, poses, atol=1e-4)


def check_lifting(codec):
    labels = codec.encode(np.ones((3, 17, 3), np.float32), None, np.ones((1, 17, 3)), None, dict(w=8, h=6))
    np.testing.assert_allclose(labels['keypoint_labels'][..., 2], 2 / codec.depth_range, rtol=1e-6)


def check_dataset(dataset):
    """Every video's frames or every n-th of them, in windows of the length that was asked for."""
    assert len(dataset) == sum(len(range(0, len(s.rows), dataset.frame_step)) for s in dataset.annotation.sequences)
    sample = dataset[len(dataset) - 1]
    assert 'seq_len' not in vars(dataset) or sample['keypoints'].shape == (dataset.seq_len, 17, 2)


HEAD = dict(in_channels=4, num_joints=5, depth_bins=7)
MODULES = {  # registry, what must hold of one that was built, options that are tried, and others
    'TemporalConvNet': (
        MODELS, check_convnet, dict(in_channels=6, channels=4, num_blocks=1, kernel_size=3, dropout=0.25), {},
    ),
    'TemporalPoseHead': (MODELS, check_pose_head, dict(in_channels=6, num_joints=17), {}),
    'IntegralHead3D': (MODELS, check_integral_head, HEAD, dict(deconv_out_channels=(4,), deconv_kernel_sizes=(4,))),
    'SpatialTemporalGraphNet': (MODELS, check_graph_net, dict(in_channels=3, channels=4, dropout=0.1), {}),
    'GaussianJointNoise': (TRANSFORMS, check_noise, dict(sigma_2d=0.1, sigma_depth=0.1, prob=0.5), {}),
    'FirstStageNoise': (TRANSFORMS, check_noise, dict(scale=1.0, correlation=0.9), {}),
    'IntegralPose3D': (KEYPOINT_CODECS, check_codec, dict(depth_range=1.5), dict(input_size=(64, 48))),
    'DepthSequenceLifting': (KEYPOINT_CODECS, check_lifting, dict(depth_range=1.5), {}),
    'H36MImageDataset': (DATASETS, check_dataset, dict(frame_step=2), H36M),
    'H36MDepthSequenceDataset': (
        DATASETS, check_dataset, dict(seq_len=3, frame_step=2), H36M | dict(input_source='gt2d'),
    ),
}  # fmt: skip


@pytest.mark.parametrize('name', MODULES)
def test_numbers(fuzz, data_root, name):
    registry, check, tried, others = MODULES[name]
    values, options = VALUES, dict(others, type=name)
    if registry is DATASETS:  # windows longer than every video are refused by the name of the annotation
        options['data_root'], values = str(data_root), [value for value in VALUES if value not in (10**6, 2**63)]
    cases = st.tuples(st.sampled_from(sorted(tried)), st.sampled_from(values))

    def write(case):
        options.update({**tried, case[0]: case[1]})

    fuzz.run(cases, write, lambda: registry.build(dict(options)), lambda _, module: check(module), name)
