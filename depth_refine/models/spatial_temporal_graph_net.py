"""Graph convolutional backbone over short pose sequences, to compare with (Cai et al., ICCV 2019)."""

import numpy as np
import torch
from mmengine.model import BaseModule
from mmpose.registry import MODELS
from torch import Tensor, nn

from depth_refine.structures.skeleton import FLIP_INDICES, PARENTS
from depth_refine.utils.options import require_number

# Cai et al. pool the joints to body parts: trunk, legs, arms.
PARTS = ((0, 7, 8, 9, 10), (1, 2, 3), (4, 5, 6), (11, 12, 13), (14, 15, 16))
PART_PARENTS = (-1, 0, 0, 0, 0)
PART_FLIP_INDICES = (0, 2, 1, 4, 3)


def neighbour_matrices(parents: tuple[int, ...], flip_indices: tuple[int, ...]) -> Tensor:
    """Neighbours of each node by kind.

    Args:
        parents: K parents, -1 for the root.
        flip_indices: K symmetric counterparts, itself for a node without one.

    Returns:
        (4, K, K); entry [e, i, j] is the weight of node j among the neighbours of kind e of node i, in the order
        itself, closer to the root, further from the root, symmetric. Weights of a kind sum to 1, or to 0 where there
        are none.
    """
    count = len(parents)
    matrices = np.zeros((4, count, count), np.float32)
    for node, (parent, twin) in enumerate(zip(parents, flip_indices, strict=True)):
        matrices[0, node, node] = 1
        if parent >= 0:
            matrices[1, node, parent] = 1
            matrices[2, parent, node] = 1
        if twin != node:
            matrices[3, node, twin] = 1
    return torch.from_numpy(matrices / np.maximum(matrices.sum(axis=-1, keepdims=True), 1))


class GraphConv(nn.Module):
    """Graph convolution with one weight matrix for each kind of neighbour, batch norm, ReLU and dropout.

    With ``temporal`` the same node one frame before and after are neighbours of two further kinds; frames without them
    are left out, so that T becomes T - 2.
    """

    def __init__(
        self, in_channels: int, out_channels: int, matrices: Tensor, dropout: float, temporal: bool = False
    ) -> None:
        super().__init__()
        self.temporal = temporal
        self.register_buffer('matrices', matrices, persistent=False)
        self.linear = nn.Linear((len(matrices) + 2 * temporal) * in_channels, out_channels, bias=False)
        self.norm = nn.BatchNorm1d(out_channels)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, K, in_channels) to (B, T or T - 2, K, out_channels)."""
        now = x[:, 1:-1] if self.temporal else x
        neighbours = torch.einsum('eij,btjc->btiec', self.matrices, now).flatten(3)
        if self.temporal:
            neighbours = torch.cat([neighbours, x[:, :-2], x[:, 2:]], dim=-1)
        x = self.linear(neighbours)
        x = self.norm(x.flatten(0, 2)).view(x.shape)
        return self.dropout(x.relu())


@MODELS.register_module()
class SpatialTemporalGraphNet(BaseModule):
    """Local-to-global graph network over the joints of a window of 7 frames.

    Shape key: B batch, T frames, K = 17 joints, F channels of a joint.

    After Cai et al., "Exploiting spatial-temporal relationships for 3D pose estimation via graph convolutional
    networks" (ICCV 2019): the neighbours of a joint (itself, towards the root, away from it, its mirror image, itself
    one frame before and after) each have a weight matrix of their own; joints are pooled to five body parts and those
    to the whole body, and both views come back to the joints.

    Deviations: every layer over time drops the frames at its ends, so that three of them span 7 frames and a whole
    video comes out in one pass (Cai et al. build one graph of a window); the whole body is a pooled vector instead of
    a non-local block; there is no refinement network after it.

    Args:
        in_channels: channels of a joint.
        channels: F.
        dropout: dropout rate.
        init_cfg: initialisation, see :class:`mmengine.model.BaseModule`.
    """

    receptive_field = 7

    def __init__(
        self, in_channels: int, channels: int = 128, dropout: float = 0.25, init_cfg: dict | None = None
    ) -> None:
        super().__init__(init_cfg)
        require_number('in_channels of SpatialTemporalGraphNet', in_channels, 1, 1 << 12, whole=True)
        require_number('channels of SpatialTemporalGraphNet', channels, 1, 1 << 12, whole=True)
        require_number('dropout of SpatialTemporalGraphNet', dropout, 0, 1)
        self.in_channels = in_channels
        joints = neighbour_matrices(PARENTS, FLIP_INDICES)
        parts = neighbour_matrices(PART_PARENTS, PART_FLIP_INDICES)
        part_of = [next(i for i, part in enumerate(PARTS) if joint in part) for joint in range(len(PARENTS))]
        self.register_buffer('part_of', torch.tensor(part_of), persistent=False)
        self.register_buffer('by_part', torch.tensor(sum(PARTS, ())), persistent=False)
        self.joints_in = GraphConv(in_channels, channels, joints, dropout, temporal=True)
        self.joints_mid = GraphConv(channels, channels, joints, dropout, temporal=True)
        self.parts_in = GraphConv(channels, channels, parts, dropout)
        self.parts_out = GraphConv(2 * channels, channels, parts, dropout)
        self.joints_out = GraphConv(2 * channels, channels, joints, dropout, temporal=True)

    def forward(self, x: Tensor) -> tuple[Tensor]:
        """Sequence to features.

        Args:
            x: (B, T, K, in_channels), T >= 7.

        Returns:
            One feature map, (B, T - 6, K, F).

        Raises:
            ValueError: T is too short.
        """
        if x.shape[1] < self.receptive_field:
            raise ValueError(f'SpatialTemporalGraphNet takes at least {self.receptive_field} frames, got {x.shape[1]}')
        x = self.joints_in(x)
        x = x[:, 1:-1] + self.joints_mid(x)
        parts = x[:, :, self.by_part].split([len(part) for part in PARTS], dim=2)
        parts = torch.stack([part.amax(dim=2) for part in parts], dim=2)
        parts = self.parts_in(parts)
        body = parts.amax(dim=2, keepdim=True).expand_as(parts)
        parts = self.parts_out(torch.cat([parts, body], dim=-1))
        x = x[:, 1:-1] + self.joints_out(torch.cat([x, parts[:, :, self.part_of]], dim=-1))
        return (x,)
