import numpy as np
import pytest
import torch
from skeletons import MPI_INF_3DHP, smpl_metainfo

from depth_refine.models.spatial_temporal_graph_net import (
    BodyParts,
    GraphConv,
    SpatialTemporalGraphNet,
    neighbour_matrices,
)
from depth_refine.structures.skeleton import H36M, Skeleton
from depth_refine.utils.errors import InputError

H36M_METAINFO = dict(from_file='configs/_base_/datasets/h36m.py')


def build(**kwargs):
    torch.manual_seed(0)
    return SpatialTemporalGraphNet(in_channels=3, channels=8, dropout=0.0, **kwargs).double().eval()


def test_neighbours():
    itself, closer, further, symmetric = neighbour_matrices(H36M.parents, H36M.flip_indices)
    name = H36M.joint_names.index
    assert (itself == torch.eye(17)).all()
    assert closer[name('left_foot')].nonzero().flatten().tolist() == [name('left_knee')]
    assert closer[name('root')].sum() == 0
    thorax = {name(joint): 1 / 3 for joint in ('neck_base', 'left_shoulder', 'right_shoulder')}
    row = further[name('thorax')]
    assert {int(j): pytest.approx(float(row[j])) for j in row.nonzero()} == thorax
    assert symmetric[name('right_wrist')].nonzero().flatten().tolist() == [name('left_wrist')]
    assert symmetric[name('head')].sum() == 0


def named_parts(skeleton):
    """Names of the joints of each part, with its parent and its mirror image."""
    parts = BodyParts.of(skeleton)
    names = [' '.join(skeleton.joint_names[joint] for joint in part) for part in parts.joints]
    return list(zip(names, parts.parents, parts.flip_indices, strict=True))


def test_parts_of_human36m_are_those_of_the_paper():
    parts = BodyParts.of(H36M)
    assert parts.joints == ((0, 7, 8, 9, 10), (1, 2, 3), (4, 5, 6), (11, 12, 13), (14, 15, 16))
    assert parts.parents == (-1, 0, 0, 0, 0) and parts.flip_indices == (0, 2, 1, 4, 3)


def test_parts_of_other_skeletons():
    assert named_parts(Skeleton.from_metainfo(MPI_INF_3DHP, 14)) == [
        ('head_top neck root spine head', -1, 0),
        ('right_shoulder right_elbow right_wrist', 0, 2),
        ('left_shoulder left_elbow left_wrist', 0, 1),
        ('right_hip right_knee right_ankle', 0, 4),
        ('left_hip left_knee left_ankle', 0, 3),
    ]
    smpl = Skeleton.from_metainfo(smpl_metainfo(), 'pelvis')
    assert [len(name.split()) for name, *_ in named_parts(smpl)] == [6, 4, 4, 5, 5]
    assert BodyParts.of(smpl).flip_indices == (0, 2, 1, 4, 3)
    at_a_wrist = BodyParts.of(Skeleton.from_metainfo(MPI_INF_3DHP, 'left_wrist'))
    assert at_a_wrist.parents == (2, 0, -1, 0, 0)


@pytest.mark.parametrize(
    ('parents', 'flip_indices', 'parts'),
    [
        ((-1, 0, 1), (0, 1, 2), [('a b c', -1, 0)]),  # no pairs: all is trunk
        ((-1, 0, 0, 2), (0, 1, 2, 3), [('a b c d', -1, 0)]),  # an arm is missing, and the other has no pair
        ((-1, 0), (1, 0), [('a b', -1, 0)]),  # no trunk
        ((-1, 0, 1, 0, 0), (0, 3, 4, 1, 2), [('a', -1, 0), ('b c', 0, 1), ('d', 0, 2), ('e', 0, 3)]),  # not symmetric
    ],
)
def test_parts_of_odd_bodies(parents, flip_indices, parts):
    skeleton = Skeleton(tuple('abcde'[: len(parents)]), parents, flip_indices)
    assert named_parts(skeleton) == parts


def test_old_checkpoints_load_and_mean_the_same():
    net = build(metainfo=H36M_METAINFO, root='root')
    shapes = {name: tuple(value.shape) for name, value in build().state_dict().items()}
    assert shapes == {name: tuple(value.shape) for name, value in net.state_dict().items()}
    weights = [name for name in shapes if name.endswith('linear.weight')]
    parts = ('joints_in', 'joints_mid', 'parts_in', 'parts_out', 'joints_out')
    assert weights == [f'{part}.linear.weight' for part in parts]
    assert [shapes[name] for name in weights] == [(8, 18), (8, 48), (8, 32), (8, 64), (8, 96)]
    assert len(shapes) == 6 * len(weights)
    assert net.by_part.tolist() == [0, 7, 8, 9, 10, *range(1, 7), *range(11, 17)]
    assert net.part_of.tolist() == [0, 1, 1, 1, 2, 2, 2, 0, 0, 0, 0, 3, 3, 3, 4, 4, 4]
    for name, buffer in build().named_buffers():
        assert (buffer == net.get_buffer(name)).all()


@pytest.mark.parametrize(('metainfo', 'root'), [(MPI_INF_3DHP, 14), (smpl_metainfo(), 'pelvis')])
def test_other_skeletons_pool_their_own_parts(metainfo, root):
    skeleton, net = Skeleton.from_metainfo(metainfo, root), build(metainfo=metainfo, root=root)
    parts = BodyParts.of(skeleton).joints
    assert [tuple(part.tolist()) for part in net.by_part.split(net.part_sizes)] == list(parts)
    assert all(joint in parts[part] for joint, part in enumerate(net.part_of.tolist()))
    (feats,) = net(torch.randn(2, 9, skeleton.num_joints, 3, dtype=torch.float64))
    assert feats.shape == (2, 3, skeleton.num_joints, 8)


@pytest.mark.parametrize('temporal', [False, True])
def test_graph_convolution_against_loops(temporal):
    torch.manual_seed(0)
    matrices = neighbour_matrices(H36M.parents, H36M.flip_indices).double()
    conv = GraphConv(3, 5, matrices, dropout=0.0, temporal=temporal).double().eval()
    conv.norm.running_mean.normal_()
    x = torch.randn(2, 4, 17, 3, dtype=torch.float64)
    kinds = conv.linear.weight.view(5, -1, 3)
    frames = range(1, 3) if temporal else range(4)
    expected = torch.zeros(2, len(frames), 17, 5, dtype=torch.float64)
    for row, t in enumerate(frames):
        for i in range(17):
            for e, j in np.ndindex(4, 17):
                expected[:, row, i] += matrices[e, i, j] * x[:, t, j] @ kinds[:, e].T
            if temporal:
                expected[:, row, i] += x[:, t - 1, i] @ kinds[:, 4].T + x[:, t + 1, i] @ kinds[:, 5].T
    expected = ((expected - conv.norm.running_mean) / (1 + conv.norm.eps) ** 0.5).relu()
    torch.testing.assert_close(conv(x), expected)


def test_receptive_field_by_gradient():
    net = build()
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm1d):
            module.bias.data += 100  # every ReLU open
    x = torch.randn(1, 12, 17, 3, dtype=torch.float64, requires_grad=True)
    (feats,) = net(x)
    assert feats.shape == (1, 6, 17, 8)
    feats[:, 2].sum().backward()
    assert x.grad.abs().sum((0, 2, 3)).nonzero().flatten().tolist() == list(range(2, 2 + net.receptive_field))


def test_all_windows_of_a_video_at_once():
    net = build()
    video = torch.randn(1, 10, 17, 3, dtype=torch.float64)
    windows = torch.cat([net(video[:, i : i + 7])[0] for i in range(4)], dim=1)
    torch.testing.assert_close(net(video)[0], windows)
    with pytest.raises(InputError, match='at least 7 frames, got 6'):
        net(video[:, :6])
    with pytest.raises(InputError, match='skeleton has 24 joints, and its inputs have 17: give it the metainfo'):
        build(metainfo=smpl_metainfo(), root='pelvis')(video)
