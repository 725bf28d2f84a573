import numpy as np
import pytest
import torch

from depth_refine.models.spatial_temporal_graph_net import PARTS, GraphConv, SpatialTemporalGraphNet, neighbour_matrices
from depth_refine.structures.skeleton import FLIP_INDICES, JOINT_NAMES, PARENTS


def build():
    torch.manual_seed(0)
    return SpatialTemporalGraphNet(in_channels=3, channels=8, dropout=0.0).double().eval()


def test_neighbours_and_parts():
    assert sorted(joint for part in PARTS for joint in part) == list(range(17))
    itself, closer, further, symmetric = neighbour_matrices(PARENTS, FLIP_INDICES)
    name = JOINT_NAMES.index
    assert (itself == torch.eye(17)).all()
    assert closer[name('left_foot')].nonzero().flatten().tolist() == [name('left_knee')]
    assert closer[name('root')].sum() == 0
    thorax = {name(joint): 1 / 3 for joint in ('neck_base', 'left_shoulder', 'right_shoulder')}
    row = further[name('thorax')]
    assert {int(j): pytest.approx(float(row[j])) for j in row.nonzero()} == thorax
    assert symmetric[name('right_wrist')].nonzero().flatten().tolist() == [name('left_wrist')]
    assert symmetric[name('head')].sum() == 0


@pytest.mark.parametrize('temporal', [False, True])
def test_graph_convolution_against_loops(temporal):
    torch.manual_seed(0)
    matrices = neighbour_matrices(PARENTS, FLIP_INDICES).double()
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
    with pytest.raises(ValueError, match='at least 7 frames, got 6'):
        net(video[:, :6])
