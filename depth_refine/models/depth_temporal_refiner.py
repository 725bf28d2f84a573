"""The second stage as an MMPose pose estimator."""

import torch
from mmpose.models.pose_estimators.base import BasePoseEstimator
from mmpose.registry import MODELS
from torch import Tensor

_PIECE = 8192  # output frames, about: 34 MB of 1024 float32 channels


@MODELS.register_module()
class DepthTemporalRefiner(BasePoseEstimator):
    """Refines sequences of 2D poses, with or without joint depths, to 3D poses (section II, "Second stage").

    Shape key: B batch, K joints, C channels of a joint (2: u, v; 3: u, v, depth), T frames, R receptive field.

    The temporal backbone and the head come from the config: :class:`TemporalConvNet` and :class:`TemporalPoseHead`, or
    MMPose's ``TCN`` with our head, or MMPose's ``DSTFormer`` with its ``MotionRegressionHead``.

    Args:
        backbone: config of the temporal backbone. It takes (B, K * C, T) and may state its ``receptive_field``.
        head: config of the head.
        num_joints: K.
        joint_tokens: the backbone takes (B, T, K, C) instead, one token for each joint and frame, as ``DSTFormer``
            does.
        test_cfg: ``flip_test`` averages with the mirrored sequence's prediction.
        kwargs: further arguments of :class:`mmpose.models.pose_estimators.base.BasePoseEstimator`.
    """

    def __init__(self, backbone: dict, head: dict, num_joints: int = 17, joint_tokens: bool = False, **kwargs) -> None:
        super().__init__(backbone=backbone, head=head, **kwargs)
        self.num_joints = num_joints
        self.joint_tokens = joint_tokens

    @property
    def receptive_field(self) -> int:
        """Number of input frames R behind an output frame.

        It is 1 for backbones that give one output for every input frame.
        """
        if hasattr(self.backbone, 'receptive_field'):
            return self.backbone.receptive_field
        field = 1  # MMPose's TCN states its kernels only; each layer dilates by the field of those before it
        for kernel_size in getattr(self.backbone, 'kernel_sizes', ()):
            field *= kernel_size
        return field

    def forward(self, inputs, data_samples: list | None = None, mode: str = 'tensor'):
        """Run the network.

        Args:
            inputs: normalised sequences (B, K * C, T), channels of a joint adjacent, or MMPose's other lifting layout,
                (B, T, K, C); a list of samples is stacked. While training T = R; while evaluating T >= R, whole videos
                included.
            data_samples: needed by the modes ``'loss'`` and ``'predict'``.
            mode: ``'tensor'``, ``'loss'`` or ``'predict'``.

        Returns:
            ``'tensor'``: (B, T - R + 1, K, 3), metres, root-relative, camera axes. ``'loss'``: dict of losses.
            ``'predict'``: the data samples with ``pred_instances``.

        Raises:
            ValueError: the channels or frames do not fit the backbone.
        """
        if isinstance(inputs, list):
            inputs = torch.stack(inputs)
        if inputs.ndim == 4:
            inputs = inputs.permute(0, 2, 3, 1).flatten(1, 2)
        return super().forward(inputs, data_samples, mode)

    def extract_feat(self, inputs: Tensor):
        """(B, K * C, T) to the backbone's features, float32 under autocast too."""
        expected = self.backbone.in_channels * (self.num_joints if self.joint_tokens else 1)
        if inputs.shape[1] != expected:
            raise ValueError(
                f'{type(self.backbone).__name__} takes {expected} channels ({self.num_joints} joints x '
                f'{expected // self.num_joints}), got inputs with {inputs.shape[1]}: does the input source of the data '
                'set match the model?'
            )
        if self.joint_tokens:
            inputs = inputs.unflatten(1, (self.num_joints, -1)).permute(0, 3, 1, 2)
        feats = super().extract_feat(inputs)
        # under autocast heads work in float32: coordinates need it, and MMPose's hand them to NumPy
        return feats.float() if isinstance(feats, Tensor) else tuple(map(Tensor.float, feats))

    def _forward(self, inputs: Tensor) -> Tensor:
        """Sequences (B, K * C, T) to poses (B, T - R + 1, K, 3).

        A convolution sees R frames only, so that long videos go through it in pieces that overlap by R - 1 frames, in
        bounded memory. Other backbones get the whole.
        """
        is_convolution = hasattr(self.backbone, 'receptive_field') or hasattr(self.backbone, 'kernel_sizes')
        field, frames = self.receptive_field, inputs.shape[-1]
        # frames that a convolution computes in pairs are then the same pairs as in one pass: to the last bit
        piece = max(_PIECE // (2 * field), 1) * 2 * field
        rest = piece // 16  # goes with the piece before it, as a product of few rows is rounded otherwise
        starts = list(range(0, frames - field + 1 - rest, piece))
        if self.training or not is_convolution or len(starts) <= 1:
            return self._poses(inputs)
        stops = [start + field - 1 for start in starts[1:]] + [frames]
        return torch.cat([self._poses(inputs[..., slice(*ends)]) for ends in zip(starts, stops, strict=True)], dim=1)

    def _poses(self, inputs: Tensor) -> Tensor:
        feats = self.extract_feat(inputs)
        with torch.autocast(inputs.device.type, enabled=False):
            return self.head(feats)

    def loss(self, inputs: Tensor, data_samples: list) -> dict:
        """Losses of training windows (B, K * C, R)."""
        feats = self.extract_feat(inputs)
        with torch.autocast(inputs.device.type, enabled=False):
            return self.head.loss(feats, data_samples, train_cfg=self.train_cfg)

    def predict(self, inputs: Tensor, data_samples: list) -> list:
        """Set ``pred_instances`` of each sample: ``keypoints`` (T - R + 1, K, 3) m and ``keypoint_scores``.

        Their metainfo says whether ``flip_test`` was on.
        """
        poses = self._forward(inputs)
        flip_test = bool(self.test_cfg.get('flip_test', False))
        if flip_test:
            flip_indices = list(data_samples[0].metainfo['flip_indices'])
            mirrored = self._forward(self.mirror_inputs(inputs, flip_indices))
            poses = (poses + self.mirror_poses(mirrored, flip_indices)) / 2
        for sample, instances in zip(data_samples, self.head.decode(poses), strict=True):
            instances.set_metainfo(dict(flip_test=flip_test))
            sample.pred_instances = instances
        return data_samples

    def mirror_inputs(self, inputs: Tensor, flip_indices: list[int]) -> Tensor:
        """Mirror normalised sequences (B, K * C, T) about the image's vertical middle line."""
        joints = inputs.unflatten(1, (self.num_joints, -1))[:, flip_indices]
        return torch.cat([-joints[:, :, :1], joints[:, :, 1:]], dim=2).flatten(1, 2)

    @staticmethod
    def mirror_poses(poses: Tensor, flip_indices: list[int]) -> Tensor:
        """Mirror poses (B, T, K, 3) about the camera's y-z plane."""
        return poses[:, :, flip_indices] * poses.new_tensor([-1, 1, 1])
