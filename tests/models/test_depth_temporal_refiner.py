import numpy as np
import pytest
import torch
from mmpose.registry import MODELS
from skeletons import smpl_metainfo
from small_models import build_refiner, make_sample

from depth_refine.structures.skeleton import H36M, Skeleton
from depth_refine.utils.errors import InputError

TCN = dict(type='TCN', in_channels=51, stem_channels=16, num_blocks=2, kernel_sizes=(3, 3, 3))
DSTFORMER = dict(type='DSTFormer', in_channels=3, feat_size=16, depth=1, num_heads=2, seq_len=81)
MOTION_HEAD = dict(type='MotionRegressionHead', in_channels=16, embedding_size=16)
GRAPH_NET = dict(type='SpatialTemporalGraphNet', in_channels=3, channels=8)


SMPL = Skeleton.from_metainfo(smpl_metainfo(), 'pelvis')
SMPL_GRAPH_NET = dict(GRAPH_NET, metainfo=smpl_metainfo(), root='pelvis')


def labelled(poses, weights):
    return make_sample(dict(lifting_target_label=poses, lifting_target_weight=weights))


def predict(model, video, skeleton=H36M):
    samples = [make_sample(flip_indices=skeleton.flip_indices) for _ in video]
    with torch.no_grad():
        return model(video, samples, mode='predict')[0].pred_instances


def test_both_lifting_layouts_are_the_same_input():
    model, joints = build_refiner(), torch.randn(2, 12, 17, 3)
    flat = torch.stack([joints[:, :, k, c] for k in range(17) for c in range(3)], dim=1)
    assert model(flat).shape == (2, 13 - model.receptive_field, 17, 3) == (2, 4, 17, 3)
    torch.testing.assert_close(model(joints), model(flat))
    torch.testing.assert_close(model(list(joints)), model(flat))


def test_autocast_does_not_round_the_poses():
    model, video = build_refiner(), torch.randn(1, 51, 30)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        poses = model(video)
    assert poses.dtype == torch.float32 and (poses.bfloat16().float() != poses).any()
    assert 0 < (poses - model(video)).abs().mean() < 0.01 * poses.std()


def test_loss_is_the_mean_joint_distance():
    model = build_refiner().train()
    torch.nn.init.zeros_(model.head.conv.weight)
    torch.nn.init.zeros_(model.head.conv.bias)
    label, weight = torch.zeros(1, 17, 3), torch.ones(1, 17)
    label[0, 1], label[0, 2], weight[0, 2] = torch.tensor([3.0, 0, 4.0]), 100.0, 0
    losses = model(torch.randn(2, 51, 9), [labelled(label, weight)] * 2, mode='loss')
    assert losses['loss_pose3d'].item() == pytest.approx(5 / 17)


@pytest.mark.parametrize('skeleton', [H36M, SMPL], ids=['h36m', 'smpl'])
def test_flip_test_makes_the_prediction_mirror_symmetric(skeleton):
    joints, twins, mirror = skeleton.num_joints, skeleton.flip_indices, torch.tensor([-1, 1, 1])
    model, video = build_refiner(flip_test=True, num_joints=joints), torch.randn(1, 14, joints, 3)
    straight, flipped = predict(model, video, skeleton), predict(model, video[:, :, twins] * mirror, skeleton)
    poses = straight.keypoints
    assert poses.shape == (6, joints, 3) and straight.keypoint_scores.shape == (6, joints)
    np.testing.assert_allclose(flipped.keypoints, poses[:, twins] * mirror.numpy(), atol=1e-6)
    plain = predict(build_refiner(num_joints=joints), video)
    assert np.abs(plain.keypoints - poses).max() > 1e-3
    assert (straight.flip_test, plain.flip_test) == (True, False)


@MODELS.register_module()
class PoseTransformer(torch.nn.Module):
    """A user's own: one token for each frame."""

    def __init__(self, channels=16):
        super().__init__()
        self.embed = torch.nn.Linear(51, channels)
        layer = torch.nn.TransformerEncoderLayer(channels, nhead=2, dim_feedforward=32, batch_first=True)
        self.layers = torch.nn.TransformerEncoder(layer, num_layers=2)

    def forward(self, x):
        return self.layers(self.embed(x.flatten(2)))


@pytest.mark.parametrize(
    ('backbone', 'head', 'field'),
    [
        (TCN, dict(type='TemporalPoseHead', in_channels=16), 27),
        (DSTFORMER, MOTION_HEAD, 1),
        (DSTFORMER, dict(type='TemporalPoseHead', in_channels=17 * 16), 1),
        (dict(type='PoseTransformer'), dict(type='TemporalPoseHead', in_channels=16), 1),
        (GRAPH_NET, dict(type='TemporalPoseHead', in_channels=17 * 8), 7),
    ],
)
def test_other_backbones_fit(backbone, head, field):
    model = build_refiner(backbone, head, flip_test=True)
    assert model.receptive_field == field
    video = torch.randn(1, 51, 40)
    assert model(video).shape == (1, 41 - field, 17, 3)
    exact = predict(model, video).keypoints
    with torch.autocast('cpu', dtype=torch.bfloat16):
        rounded = predict(model, video).keypoints
    assert rounded.dtype == np.float32
    np.testing.assert_allclose(rounded, exact, atol=0.1)

    frames = max(field, 3)  # DSTFormer gives a pose for each frame of a clip
    poses = 2 * (frames - field + 1)
    label = labelled(torch.zeros(poses, 17, 3), torch.ones(poses, 17))
    with torch.autocast('cpu', dtype=torch.bfloat16):  # labels of both clips in one sample, as merge_windows makes it
        loss = model.train()(torch.randn(2, 51, frames), [label], mode='loss')['loss_pose3d']
    assert loss.dtype == torch.float32 and loss > 0


@pytest.mark.parametrize('changes', [{}, dict(causal=True), dict(backbone=TCN), dict(kernel_size=1)])
@pytest.mark.parametrize('frames', [40, 41, 48])
def test_long_videos_in_pieces(changes, frames, monkeypatch):
    model, video = build_refiner(**changes), torch.randn(2, frames, 17, 3)
    whole = model(video)
    monkeypatch.setattr('depth_refine.models.depth_temporal_refiner._PIECE', 8)
    seen = []
    model.backbone.register_forward_pre_hook(lambda backbone, inputs: seen.append(inputs[0].numel() // (2 * 51)))
    torch.testing.assert_close(model(video), whole)
    assert max(seen) == 8 + model.receptive_field - 1 and len(seen) == -(-whole.shape[1] // 8)


def test_causal_poses_do_not_change_when_frames_follow():
    model, videos = build_refiner(causal=True, flip_test=True), torch.randn(2, 1, 51, 30)
    videos[1, ..., :20] = videos[0, ..., :20]
    one, other = (predict(model, video).keypoints for video in videos)
    expected = predict(model, videos[0, ..., :20]).keypoints
    for poses in (one, other):  # output t is of input frame t + 8, the last it sees
        np.testing.assert_allclose(poses[:12], expected, atol=1e-6)
    assert (np.abs(one - other).max(axis=(1, 2)) > 1e-3).tolist() == [False] * 12 + [True] * 10


@pytest.mark.parametrize('training', [False, True])
def test_second_derivatives(training):
    model = build_refiner(dropout=0.0).double().train(training).requires_grad_(False)
    x = torch.randn(3, 51, 9, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(model, x, fast_mode=True)  # by random projections


@pytest.mark.parametrize(('dtype', 'tolerance'), [(torch.float64, 1e-5), (torch.bfloat16, 0.05)])
def test_other_precisions(dtype, tolerance):
    model, video = build_refiner(flip_test=True), torch.randn(1, 51, 14)
    expected = model(video)
    model, video = model.to(dtype), video.to(dtype)
    assert model(video).dtype == dtype and predict(model, video).keypoints.dtype == np.float32
    torch.testing.assert_close(model(video).float(), expected, atol=tolerance, rtol=0)


@pytest.mark.parametrize('backbone', [None, TCN])
def test_wrong_channels(backbone):
    model = build_refiner(backbone)
    with pytest.raises(InputError, match='takes 51 channels, got inputs with 17 joints x 2: does the input source'):
        model(torch.randn(1, 34, 9))
    with pytest.raises(InputError, match=r'expected inputs \(batch, 17 joints x channels, frames\), got \(1, 50, 9\)'):
        model(torch.randn(1, 50, 9))
    with pytest.raises(InputError, match=r'\(batch, frames, 17 joints, channels\), got \(1, 9, 24, 3\): does num_joi'):
        model(torch.randn(1, 9, 24, 3))


HEAD_17, CODEC_17 = dict(type='TemporalPoseHead', in_channels=16), dict(num_keypoints=17)


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (
            dict(head=HEAD_17),
            'TemporalPoseHead has num_joints=17, and its decoder, DepthSequenceLifting, has num_keypo',
        ),
        (dict(head=HEAD_17, codec=CODEC_17), 'num_joints=24, and its TemporalPoseHead is for 17 joints: give both the'),
        (dict(backbone=DSTFORMER, head=MOTION_HEAD, codec=CODEC_17), 'its DepthSequenceLifting is for 17 joints'),
        (dict(backbone=GRAPH_NET), 'num_joints=24, and its SpatialTemporalGraphNet is for 17 joints'),
        (dict(in_channels=51), 'num_joints=24, and its TemporalConvNet takes 51 channels, not a multiple of that: exp'),
    ],
)
def test_parts_of_different_skeletons(changes, message):
    with pytest.raises(InputError, match=message):
        build_refiner(num_joints=24, **changes)


def test_the_graph_net_of_another_skeleton():
    model = build_refiner(
        SMPL_GRAPH_NET, dict(type='TemporalPoseHead', in_channels=24 * 8, num_joints=24), num_joints=24
    )
    assert model(torch.randn(1, 72, 10)).shape == (1, 4, 24, 3)
