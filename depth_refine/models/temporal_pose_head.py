"""Head of the second stage: temporal features to 3D poses."""

import torch
from mmpose.models.heads import BaseHead
from mmpose.registry import KEYPOINT_CODECS, MODELS
from torch import Tensor

from depth_refine.utils.options import require_number

from .frame_conv import FrameConv1d


@MODELS.register_module()
class TemporalPoseHead(BaseHead):
    """The output layer of the refiner, a convolution of kernel 1 (section II, "Second stage").

    Shape key: B batch, T frames, K joints.

    Differs from MMPose's :class:`TemporalRegressionHead` in keeping the time axis, so that whole videos come out in one
    pass.

    Args:
        in_channels: channels of the temporal features.
        num_joints: K.
        loss: loss on (B * T, K, 3) poses with weights (B * T, K, 1); by default MPJPE, in metres.
        decoder: codec for prediction, usually :class:`DepthSequenceLifting`.
        init_cfg: initialisation, see :class:`mmengine.model.BaseModule`.
    """

    def __init__(
        self,
        in_channels: int,
        num_joints: int = 17,
        loss: dict | None = None,
        decoder: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        require_number('in_channels of TemporalPoseHead', in_channels, 1, 1 << 16, whole=True)
        require_number('num_joints of TemporalPoseHead', num_joints, 1, 1000, whole=True)
        self.num_joints = num_joints
        self.conv = FrameConv1d(in_channels, num_joints * 3, 1)
        self.loss_module = MODELS.build(loss or dict(type='MPJPELoss', use_target_weight=True))
        self.decoder = KEYPOINT_CODECS.build(decoder) if decoder is not None else None

    def forward(self, feats: Tensor | tuple[Tensor, ...]) -> Tensor:
        """Features to poses.

        Args:
            feats: (B, T, in_channels), or with features of each joint (B, T, K, in_channels / K); of several feature
                maps the last one is used.

        Returns:
            (B, T, K, 3) root-relative metres.
        """
        feats = feats if isinstance(feats, Tensor) else feats[-1]
        return self.conv(feats.flatten(2)).unflatten(-1, (self.num_joints, 3))

    def loss(self, feats: Tensor | tuple[Tensor, ...], batch_data_samples: list, train_cfg: dict | None = None) -> dict:
        """Pose loss.

        Args:
            feats: see :meth:`forward`.
            batch_data_samples: samples whose ``gt_instance_labels``, concatenated, hold ``lifting_target_label``
                (B * T, K, 3) m and ``lifting_target_weight`` (B * T, K).
            train_cfg: not used.

        Returns:
            ``loss_pose3d``.
        """
        poses = self(feats).flatten(0, 1)
        labels = torch.cat([sample.gt_instance_labels.lifting_target_label for sample in batch_data_samples])
        weights = torch.cat([sample.gt_instance_labels.lifting_target_weight for sample in batch_data_samples])
        return dict(loss_pose3d=self.loss_module(poses, labels, weights[..., None]))

    def predict(
        self, feats: Tensor | tuple[Tensor, ...], batch_data_samples: list, test_cfg: dict | None = None
    ) -> list:
        """Decoded poses: a list of ``InstanceData`` with ``keypoints`` (T, K, 3) m and ``keypoint_scores`` (T, K)."""
        return self.decode(self(feats).float())
