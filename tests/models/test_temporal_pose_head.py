import pytest
import torch
from mmpose.registry import MODELS
from small_models import make_sample


def build(**kwargs):
    torch.manual_seed(0)
    decoder = dict(type='DepthSequenceLifting')
    return MODELS.build(dict(type='TemporalPoseHead', in_channels=5, num_joints=17, decoder=decoder, **kwargs))


def test_every_frame_is_mapped_alone_by_one_matrix():
    head, feats = build(), torch.randn(2, 7, 5)
    poses = head((torch.zeros(2, 3, 5), feats))
    assert poses.shape == (2, 7, 17, 3)
    expected = head.conv.weight[:, :, 0] @ feats[1, 4] + head.conv.bias
    torch.testing.assert_close(poses[1, 4], expected.view(17, 3))
    torch.testing.assert_close(head(feats.unflatten(2, (5, 1))), poses)  # a tensor, with features of each joint


def test_predict_decodes_each_sample():
    head, feats = build(), (torch.randn(2, 7, 5),)
    instances = head.predict(feats, [make_sample()] * 2)
    assert [item.keypoints.shape for item in instances] == [(7, 17, 3)] * 2
    torch.testing.assert_close(torch.from_numpy(instances[1].keypoints), head(feats)[1].detach())


def test_loss_from_the_config():
    head, feats = build(loss=dict(type='MSELoss', use_target_weight=True)), (torch.randn(1, 2, 5),)
    labels = head(feats)[0].detach() + 0.5
    sample = make_sample(dict(lifting_target_label=labels, lifting_target_weight=torch.ones(2, 17)))
    assert head.loss(feats, [sample])['loss_pose3d'].item() == pytest.approx(0.25)
