"""Graph convolutional backbone over short pose sequences, a baseline (Cai et al., ICCV 2019)."""

from dataclasses import dataclass

import numpy as np
import torch
from mmengine.model import BaseModule
from mmpose.registry import MODELS
from torch import Tensor, nn

from depth_refine.structures.skeleton import H36M, Skeleton
from depth_refine.utils.errors import InputError
from depth_refine.utils.options import require_number


@dataclass(frozen=True)
class BodyParts:
    """P parts of a body, such as trunk, legs and arms, to which Cai et al. pool the joints.

    Joints that are their own mirror images form the trunk; each connected group of other joints forms a limb. The trunk
    comes first, then limbs in the order of their first joints.

    Attributes:
        joints: P tuples of joint indices, ascending; each joint is in one.
        parents: the part that each of P parts is attached to; -1 for the part of the root.
        flip_indices: the mirror image of each of P parts; a part whose mirror image is not another whole part has its
            own index.
    """

    joints: tuple[tuple[int, ...], ...]
    parents: tuple[int, ...]
    flip_indices: tuple[int, ...]

    @classmethod
    def of(cls, skeleton: Skeleton) -> 'BodyParts':
        """The parts of any skeleton."""
        limbs = {}  # by joint: the first joint of its limb from the root on, or -1 for the trunk
        for joint in skeleton.from_root:
            parent = skeleton.parents[joint]
            is_trunk = skeleton.flip_indices[joint] == joint
            limbs[joint] = -1 if is_trunk else joint if limbs.get(parent, -1) == -1 else limbs[parent]
        joints = [tuple(j for j in sorted(limbs) if limbs[j] == limb) for limb in set(limbs.values())]
        joints.sort(key=lambda part: (limbs[part[0]] >= 0, part))
        part_of = {joint: index for index, part in enumerate(joints) for joint in part}
        tops = [next(joint for joint in skeleton.from_root if part_of[joint] == part) for part in range(len(joints))]
        mirrored = [tuple(sorted(skeleton.flip_indices[joint] for joint in part)) for part in joints]
        return cls(
            joints=tuple(joints),
            parents=tuple(part_of.get(skeleton.parents[top], -1) for top in tops),
            flip_indices=tuple(joints.index(twin) if twin in joints else i for i, twin in enumerate(mirrored)),
        )


def neighbour_matrices(parents: tuple[int, ...], flip_indices: tuple[int, ...]) -> Tensor:
    """Adjacency matrices of a skeleton, one for each kind of neighbour.

    Args:
        parents: K parents, -1 for the root.
        flip_indices: K symmetric counterparts; a node without one has its own index.

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

    Shape key: B batch, T frames, K joints, F channels of a joint.

    After Cai et al., "Exploiting spatial-temporal relationships for 3D pose estimation via graph convolutional
    networks" (ICCV 2019): the neighbours of a joint (itself, towards the root, away from it, its mirror image, itself
    one frame before and after) each have a weight matrix of their own; joints are pooled to body parts
    (:class:`BodyParts`) and those to the whole body, and both are passed back to the joints.

    Deviations: every temporal layer drops the frames at its ends, so that three of them span 7 frames and a whole video
    comes out in one pass (Cai et al. build one graph of a window); the whole body is a pooled vector instead of a
    non-local block; there is no refinement network after it.

    Args:
        in_channels: channels of a joint.
        channels: F.
        dropout: dropout rate.
        metainfo: MMPose's description of the skeleton, as the data set's; by default Human3.6M's.
        root: name or index of its root, as the data set's.
        init_cfg: initialisation, see :class:`mmengine.model.BaseModule`.

    Raises:
        InputError: a number is out of its range; see also :meth:`Skeleton.from_metainfo`.

    Example:
        >>> import torch
        >>> from depth_refine.models import SpatialTemporalGraphNet
        >>> net = SpatialTemporalGraphNet(in_channels=3, channels=16).eval()
        >>> (features,) = net(torch.zeros(1, 100, 17, 3))
        >>> features.shape
        torch.Size([1, 94, 17, 16])
    """

    receptive_field = 7

    def __init__(
        self,
        in_channels: int,
        channels: int = 128,
        dropout: float = 0.25,
        metainfo: dict | None = None,
        root: str | int | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        require_number('in_channels of SpatialTemporalGraphNet', in_channels, 1, 1 << 12, whole=True)
        require_number('channels of SpatialTemporalGraphNet', channels, 1, 1 << 12, whole=True)
        require_number('dropout of SpatialTemporalGraphNet', dropout, 0, 1)
        self.in_channels = in_channels
        skeleton = H36M if metainfo is None else Skeleton.from_metainfo(metainfo, root)
        self.num_joints = skeleton.num_joints
        body = BodyParts.of(skeleton)
        self.part_sizes = [len(part) for part in body.joints]
        joints = neighbour_matrices(skeleton.parents, skeleton.flip_indices)
        parts = neighbour_matrices(body.parents, body.flip_indices)
        part_of = [next(i for i, part in enumerate(body.joints) if j in part) for j in range(skeleton.num_joints)]
        self.register_buffer('part_of', torch.tensor(part_of), persistent=False)
        self.register_buffer('by_part', torch.tensor(sum(body.joints, ())), persistent=False)
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
            InputError: T is too short, or the joints are not those of the skeleton.
        """
        if x.shape[1] < self.receptive_field:
            raise InputError(f'SpatialTemporalGraphNet takes at least {self.receptive_field} frames, got {x.shape[1]}')
        if x.shape[2] != self.num_joints:
            raise InputError(
                f"SpatialTemporalGraphNet's skeleton has {self.num_joints} joints, and its inputs have {x.shape[2]}: "
                'give it the metainfo and root of the data set'
            )
        x = self.joints_in(x)
        x = x[:, 1:-1] + self.joints_mid(x)
        parts = x[:, :, self.by_part].split(self.part_sizes, dim=2)
        parts = torch.stack([part.amax(dim=2) for part in parts], dim=2)
        parts = self.parts_in(parts)
        body = parts.amax(dim=2, keepdim=True).expand_as(parts)
        parts = self.parts_out(torch.cat([parts, body], dim=-1))
        x = x[:, 1:-1] + self.joints_out(torch.cat([x, parts[:, :, self.part_of]], dim=-1))
        return (x,)
