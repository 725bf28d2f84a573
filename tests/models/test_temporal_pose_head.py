import pytest
import torch
from mmpose.registry import MODELS
from small_models import make_sample

from depth_refine.structures.skeleton import H36M
from depth_refine.utils.errors import InputError


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
    poses = head(feats)[1].detach()
    torch.testing.assert_close(torch.from_numpy(instances[1].keypoints), poses - poses[:, :1])


def test_loss_from_the_config():
    head, feats = build(loss=dict(type='MSELoss', use_target_weight=True)), (torch.randn(1, 2, 5),)
    labels = head(feats)[0].detach() + 0.5
    sample = make_sample(dict(lifting_target_label=labels, lifting_target_weight=torch.ones(2, 17)))
    assert head.loss(feats, [sample])['loss_pose3d'].item() == pytest.approx(0.25)


PARENTS = [max(parent, 0) for parent in H36M.parents]


def batch(clips, frames, seed=0):
    """Features (B, T, 5), labels and weights merged as a data loader merges them."""
    torch.manual_seed(seed)
    labels, weights = torch.randn(clips * frames, 17, 3), torch.randint(0, 2, (clips * frames, 17)).float()
    sample = make_sample(dict(lifting_target_label=labels, lifting_target_weight=weights))
    return torch.randn(clips, frames, 5), sample, labels.view(clips, frames, 17, 3), weights.view(clips, frames, 17)


def test_several_losses_over_joints_bones_and_time():
    head = build(
        loss=[
            dict(name='pose', type='MPJPELoss', use_target_weight=True, loss_weight=2.0),
            dict(name='bone', type='BoneLoss', joint_parents=PARENTS, use_target_weight=True),
            dict(name='motion', type='MPJPEVelocityJointLoss', lambda_scale=0.0, lambda_3d_velocity=3.0),
        ]
    )
    feats, sample, labels, weights = batch(2, 4)
    losses, poses = head.loss(feats, [sample]), head(feats)
    errors = (poses - labels).norm(dim=-1)
    lengths = [(x - x[..., PARENTS, :]).norm(dim=-1)[..., 1:].flatten(0, 1) for x in (poses, labels)]
    of_bones = (weights * weights[..., PARENTS])[..., 1:].flatten(0, 1)
    bone = torch.stack([(length * of_bones).mean(0) for length in lengths]).diff(dim=0).abs().mean()
    velocity = (poses.diff(dim=1) - labels.diff(dim=1)).norm(dim=-1).mean()
    expected = dict(loss_pose=2 * (errors * weights).mean(), loss_bone=bone, loss_motion=errors.mean() + 3 * velocity)
    assert losses.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(losses[name], value)


@MODELS.register_module()
class JerkLoss(torch.nn.Module):
    """A user's own."""

    over_time = True

    def forward(self, output, target):
        return (output.diff(n=3, dim=1) - target.diff(n=3, dim=1)).square().mean()


def test_a_loss_of_ones_own_over_time():
    head, (feats, sample, labels, _) = build(loss=dict(type='JerkLoss')), batch(3, 6)
    expected = (head(feats) - labels).diff(n=3, dim=1).square().mean()
    torch.testing.assert_close(head.loss(feats, [sample])['loss_pose3d'], expected)


def test_combined_loss_of_mmpose():
    losses = dict(near=dict(type='SmoothL1Loss'), far=dict(type='MPJPELoss'))
    head, (feats, sample, labels, _) = build(loss=dict(type='CombinedLoss', losses=losses)), batch(2, 1)
    found = head.loss(feats, [sample])
    assert found.keys() == {'loss_near', 'loss_far'}
    torch.testing.assert_close(found['loss_far'], (head(feats) - labels).norm(dim=-1).mean())


@pytest.mark.parametrize(
    ('loss', 'frames', 'message'),
    [
        (
            dict(type='MPJPEVelocityJointLoss'),
            1,
            'the loss pose3d, MPJPEVelocityJointLoss, compares consecutive frames',
        ),
        (dict(type='MPJPELoss'), 3, 'gives 1 poses for each sample, and the data set has 3: does its seq_len'),
        (
            [dict(type='MPJPELoss'), dict(type='MPJPELoss', name='a')],
            1,
            r"expected a name of its own .*, got \[None, 'a'",
        ),
    ],
)
def test_losses_that_do_not_fit(loss, frames, message):
    _, sample, *_ = batch(2, frames)
    with pytest.raises(InputError, match=message):
        build(loss=loss).loss(torch.randn(2, 1, 5), [sample])


def test_other_joints_than_the_labels():
    sample = make_sample(dict(lifting_target_label=torch.zeros(2, 24, 3), lifting_target_weight=torch.ones(2, 24)))
    with pytest.raises(InputError, match='has num_joints=17, and the poses of the data set have 24 joints: give it as'):
        build().loss(torch.randn(2, 1, 5), [sample])


@pytest.mark.parametrize('parents', [PARENTS[:13], [-1, *PARENTS[1:]]])
def test_bones_of_other_joints(parents):
    with pytest.raises(InputError, match=r'the loss pose3d, BoneLoss, has joint_parents=\[.*for each of the 17 joints'):
        build(loss=dict(type='BoneLoss', joint_parents=parents))
