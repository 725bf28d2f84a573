import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData
from mmpose.registry import MODELS
from mmpose.structures import PoseDataSample

from depth_refine.structures.skeleton import FLIP_INDICES

OURS = dict(
    type='DepthTemporalRefiner',
    backbone=dict(type='TemporalConvNet', in_channels=51, channels=16, num_blocks=1),
    head=dict(type='TemporalPoseHead', in_channels=16, decoder=dict(type='DepthSequenceLifting')),
)


def build(**changes):
    torch.manual_seed(0)
    return MODELS.build(dict(OURS, **changes))


def sample(frames, **labels):
    data_sample = PoseDataSample(metainfo=dict(flip_indices=FLIP_INDICES))
    data_sample.gt_instance_labels = InstanceData(**labels)
    return data_sample


def test_shapes_and_receptive_field():
    model = build()
    assert model.receptive_field == 9
    assert model.train()(torch.randn(4, 51, 9)).shape == (4, 1, 17, 3)
    assert model.eval()(torch.randn(2, 51, 30)).shape == (2, 22, 17, 3)


def test_both_lifting_layouts_are_the_same_input():
    model = build().eval()
    joints = torch.randn(2, 12, 17, 3)
    flat = torch.stack([joints[:, :, k, c] for k in range(17) for c in range(3)], dim=1)
    torch.testing.assert_close(model(joints), model(flat))
    torch.testing.assert_close(model(list(joints)), model(flat))


def test_output_order_is_frame_joint_axis():
    model = build().eval()
    torch.nn.init.zeros_(model.head.conv.weight)
    model.head.conv.bias.data = torch.arange(51.0)
    torch.testing.assert_close(model(torch.randn(1, 51, 10)), torch.arange(51.0).view(17, 3).expand(1, 2, 17, 3))


def test_autocast_does_not_round_the_poses():
    model = build().eval()
    video = torch.randn(1, 51, 30)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        poses = model(video)
    assert poses.dtype == torch.float32
    assert (poses.bfloat16().float() != poses).any()
    assert 0 < (poses - model(video)).abs().mean() < 0.01 * poses.std()


def test_loss_is_the_mean_joint_distance():
    model = build().train()
    torch.nn.init.zeros_(model.head.conv.weight)
    torch.nn.init.zeros_(model.head.conv.bias)
    label = torch.zeros(1, 17, 3)
    label[0, 1] = torch.tensor([3.0, 0, 4.0])
    label[0, 2] = 100.0
    weight = torch.ones(1, 17)
    weight[0, 2] = 0
    samples = [sample(1, lifting_target_label=label, lifting_target_weight=weight) for _ in range(2)]
    losses = model(torch.randn(2, 51, 9), samples, mode='loss')
    assert losses['loss_pose3d'].item() == pytest.approx(5 / 17)


def test_flip_test_makes_the_prediction_mirror_symmetric():
    model = build(test_cfg=dict(flip_test=True)).eval()
    video = torch.randn(1, 14, 17, 3)
    mirrored = video[:, :, FLIP_INDICES] * torch.tensor([-1, 1, 1])
    with torch.no_grad():
        (straight,), (flipped,) = (model(v, [sample(14)], mode='predict') for v in (video, mirrored))
    poses = straight.pred_instances.keypoints
    assert poses.shape == (6, 17, 3) and straight.pred_instances.keypoint_scores.shape == (6, 17)
    expected = poses[:, FLIP_INDICES] * np.array([-1, 1, 1])
    np.testing.assert_allclose(flipped.pred_instances.keypoints, expected, atol=1e-6)
    plain = build().eval()(video, [sample(14)], mode='predict')[0].pred_instances
    assert np.abs(plain.keypoints - poses).max() > 1e-3
    assert (straight.pred_instances.flip_test, plain.flip_test) == (True, False)


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
        (
            dict(type='TCN', in_channels=51, stem_channels=16, num_blocks=2, kernel_sizes=(3, 3, 3)),
            dict(type='TemporalPoseHead', in_channels=16),
            27,
        ),
        (
            dict(type='DSTFormer', in_channels=3, feat_size=16, depth=1, num_heads=2, seq_len=81),
            dict(type='MotionRegressionHead', in_channels=16, embedding_size=16),
            1,
        ),
        (
            dict(type='DSTFormer', in_channels=3, feat_size=16, depth=1, num_heads=2, seq_len=81),
            dict(type='TemporalPoseHead', in_channels=17 * 16),
            1,
        ),
        (dict(type='PoseTransformer'), dict(type='TemporalPoseHead', in_channels=16), 1),
        (
            dict(type='SpatialTemporalGraphNet', in_channels=3, channels=8),
            dict(type='TemporalPoseHead', in_channels=17 * 8),
            7,
        ),
    ],
)
def test_other_backbones_fit(backbone, head, field):
    head = dict(head, decoder=dict(type='DepthSequenceLifting'))
    model = build(backbone=backbone, head=head, test_cfg=dict(flip_test=True)).eval()
    assert model.receptive_field == field
    video = torch.randn(1, 51, 40)
    with torch.no_grad():
        assert model(video).shape == (1, 41 - field, 17, 3)
        (predicted,) = model(video, [sample(40)], mode='predict')
        assert predicted.pred_instances.keypoints.shape == (41 - field, 17, 3)
        exact = predicted.pred_instances.keypoints
        with torch.autocast('cpu', dtype=torch.bfloat16):
            (rounded,) = model(video, [sample(40)], mode='predict')
    assert rounded.pred_instances.keypoints.dtype == np.float32
    np.testing.assert_allclose(rounded.pred_instances.keypoints, exact, atol=0.1)

    frames = max(field, 3)  # DSTFormer gives a pose for each frame of a clip
    poses = 2 * (frames - field + 1)
    label = sample(1, lifting_target_label=torch.zeros(poses, 17, 3), lifting_target_weight=torch.ones(poses, 17))
    with torch.autocast('cpu', dtype=torch.bfloat16):  # labels of both clips in one sample, as merge_windows makes it
        loss = model.train()(torch.randn(2, 51, frames), [label], mode='loss')['loss_pose3d']
    assert loss.dtype == torch.float32 and loss > 0


@pytest.mark.parametrize(
    'backbone',
    [
        OURS['backbone'],
        dict(OURS['backbone'], causal=True),
        dict(type='TCN', in_channels=51, stem_channels=16, num_blocks=1, kernel_sizes=(3, 3)),
        dict(type='TemporalConvNet', in_channels=51, channels=16, num_blocks=1, kernel_size=1),
    ],
)
@pytest.mark.parametrize('frames', [40, 41, 48])
def test_long_videos_in_pieces(backbone, frames, monkeypatch):
    model = build(backbone=backbone).eval()
    video = torch.randn(2, frames, 17, 3)
    whole = model(video)
    monkeypatch.setattr('depth_refine.models.depth_temporal_refiner._PIECE', 8)
    seen = []
    model.backbone.register_forward_pre_hook(lambda backbone, inputs: seen.append(inputs[0].numel() // (2 * 51)))
    torch.testing.assert_close(model(video), whole)
    assert max(seen) == 8 + model.receptive_field - 1 and len(seen) == -(-whole.shape[1] // 8)


def test_causal_poses_do_not_change_when_frames_follow():
    model = build(backbone=dict(OURS['backbone'], causal=True), test_cfg=dict(flip_test=True)).eval()
    videos = torch.randn(2, 1, 51, 30)
    videos[1, ..., :20] = videos[0, ..., :20]
    with torch.no_grad():
        predicted = [model(video, [sample(30)], mode='predict')[0].pred_instances.keypoints for video in videos]
        (expected,) = model(videos[0, ..., :20], [sample(20)], mode='predict')
    for poses in predicted:  # output t is of input frame t + 8, the last it sees
        np.testing.assert_allclose(poses[:12], expected.pred_instances.keypoints, atol=1e-6)
    assert (np.abs(predicted[0] - predicted[1]).max(axis=(1, 2)) > 1e-3).tolist() == [False] * 12 + [True] * 10


@pytest.mark.parametrize('training', [False, True])
def test_second_derivatives(training):
    model = build(backbone=dict(OURS['backbone'], dropout=0.0)).double().train(training).requires_grad_(False)
    x = torch.randn(3, 51, 9, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(model, x)


@pytest.mark.parametrize('dtype', [torch.float64, torch.bfloat16])
def test_other_precisions(dtype):
    model, video = build(test_cfg=dict(flip_test=True)).eval(), torch.randn(1, 51, 14)
    expected = model(video)
    (predicted,) = model.to(dtype)(video.to(dtype), [sample(14)], mode='predict')
    assert model(video.to(dtype)).dtype == dtype and predicted.pred_instances.keypoints.dtype == np.float32
    torch.testing.assert_close(
        model(video.to(dtype)).float(), expected, atol=1e-5 if dtype.itemsize > 4 else 0.05, rtol=0
    )


@pytest.mark.parametrize('backbone', [OURS['backbone'], dict(type='TCN', in_channels=51, stem_channels=16)])
def test_wrong_channels(backbone):
    model = build(backbone=backbone).eval()
    with pytest.raises(ValueError, match='takes 51 channels, got inputs with 17 joints x 2: does the input source'):
        model(torch.randn(1, 34, 9))
    with pytest.raises(ValueError, match=r'expected inputs \(batch, 17 joints x channels, frames\), got \(1, 50, 9\)'):
        model(torch.randn(1, 50, 9))
