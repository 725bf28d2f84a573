"""Head of the second stage: temporal features to 3D poses."""

import torch
from mmpose.models.heads import BaseHead
from mmpose.models.losses import BoneLoss, CombinedLoss, MPJPEVelocityJointLoss
from mmpose.registry import KEYPOINT_CODECS, MODELS
from torch import Tensor, nn

from depth_refine.utils.errors import InputError
from depth_refine.utils.options import require_number

from .frame_conv import FrameConv1d


@MODELS.register_module()
class TemporalPoseHead(BaseHead):
    """The output layer of the refiner, a convolution of kernel 1 (section II, "Second stage").

    Shape key: B batch, T frames, K joints.

    It differs from :class:`mmpose.models.heads.TemporalRegressionHead` in keeping the time axis, so that whole videos
    come out in one pass.

    Args:
        in_channels: channels of the temporal features.
        num_joints: K.
        loss: config of the loss on poses (B * T, K, 3), m, which gets weights (B * T, K, 1) if it has a
            ``use_target_weight``; by default MPJPE. Several losses are a list, each with a ``name`` of its own, or
            MMPose's ``CombinedLoss``. A loss over time (MMPose's ``MPJPEVelocityJointLoss``, or one whose ``over_time``
            is true) gets clips (B, T, K, 3); MMPose's ``BoneLoss`` gets a weight for each bone.
        decoder: codec for prediction, usually :class:`DepthSequenceLifting`.
        init_cfg: initialisation, see :class:`mmengine.model.BaseModule`.

    Raises:
        InputError: a number is out of its range, a loss has no name of its own, or the codec or a loss is for other
            joints.

    Example:
        >>> import torch
        >>> from depth_refine.models import TemporalPoseHead
        >>> head = TemporalPoseHead(in_channels=64, num_joints=13)
        >>> head(torch.zeros(2, 5, 64)).shape  # 5 frames of 2 sequences
        torch.Size([2, 5, 13, 3])
    """

    def __init__(
        self,
        in_channels: int,
        num_joints: int = 17,
        loss: dict | list[dict] | None = None,
        decoder: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        require_number('in_channels of TemporalPoseHead', in_channels, 1, 1 << 16, whole=True)
        require_number('num_joints of TemporalPoseHead', num_joints, 1, 1000, whole=True)
        self.num_joints = num_joints
        self.conv = FrameConv1d(in_channels, num_joints * 3, 1)
        self.loss_modules = _build_losses(dict(type='MPJPELoss', use_target_weight=True) if loss is None else loss)
        self.decoder = KEYPOINT_CODECS.build(decoder) if decoder is not None else None
        if (of_codec := getattr(self.decoder, 'num_keypoints', num_joints)) != num_joints:
            raise InputError(
                f'TemporalPoseHead has num_joints={num_joints}, and its decoder, {type(self.decoder).__name__}, has '
                f'num_keypoints={of_codec}: give both the number of joints of the data set'
            )
        for name, module in self.loss_modules.items():
            parents = getattr(module, 'joint_parents', range(num_joints))
            if len(parents) != num_joints or not set(parents) <= set(range(num_joints)):
                raise InputError(
                    f'the loss {name}, {type(module).__name__}, has joint_parents={parents}: expected for each of the '
                    f"{num_joints} joints its parent's index, for the root its own"
                )

    def forward(self, feats: Tensor | tuple[Tensor, ...]) -> Tensor:
        """Features to poses.

        Args:
            feats: (B, T, in_channels), or with features of each joint (B, T, K, in_channels / K); of several feature
                maps, the last one is used.

        Returns:
            (B, T, K, 3) root-relative metres.
        """
        feats = feats if isinstance(feats, Tensor) else feats[-1]
        return self.conv(feats.flatten(2)).unflatten(-1, (self.num_joints, 3))

    def loss(self, feats: Tensor | tuple[Tensor, ...], batch_data_samples: list, train_cfg: dict | None = None) -> dict:
        """The losses of the poses that features give, scalars by name.

        Args:
            feats: see :meth:`forward`.
            batch_data_samples: samples whose ``gt_instance_labels``, concatenated, hold ``lifting_target_label``
                (B * T, K, 3) m and ``lifting_target_weight`` (B * T, K).
            train_cfg: not used.

        Returns:
            ``loss_pose3d``, or ``loss_NAME`` of each loss of a list.

        Raises:
            InputError: labels and poses differ in number or joints; a loss over time gets single frames.
        """
        poses = self(feats)
        labels = torch.cat([sample.gt_instance_labels.lifting_target_label for sample in batch_data_samples])
        weights = torch.cat([sample.gt_instance_labels.lifting_target_weight for sample in batch_data_samples])
        if len(labels) != poses.shape[:2].numel():
            raise InputError(
                f'the network gives {poses.shape[1]} poses for each sample, and the data set has '
                f'{len(labels) / len(poses):g}: does its seq_len equal the receptive field? A backbone that gives a '
                'pose for every frame takes seq_len=1 and a clip_len'
            )
        if labels.shape[1] != self.num_joints:
            raise InputError(
                f'TemporalPoseHead has num_joints={self.num_joints}, and the poses of the data set have '
                f'{labels.shape[1]} joints: give it as many'
            )
        return {
            f'loss_{name}': self._evaluate(name, loss, poses, labels.view(poses.shape), weights.view(poses.shape[:3]))
            for name, loss in self.loss_modules.items()
        }

    @staticmethod
    def _evaluate(name: str, loss: nn.Module, poses: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
        """One loss of poses and labels (B, T, K, 3) with weights (B, T, K)."""
        if not (isinstance(loss, MPJPEVelocityJointLoss) or getattr(loss, 'over_time', False)):
            poses, labels, weights = poses.flatten(0, 1), labels.flatten(0, 1), weights.flatten(0, 1)
        elif poses.shape[1] < 2:
            raise InputError(
                f'the loss {name}, {type(loss).__name__}, compares consecutive frames, and each sample has one: give '
                'the training data set a clip_len, and the backbone train_on_clips=True'
            )
        if not getattr(loss, 'use_target_weight', False):
            return loss(poses, labels)
        if isinstance(loss, MPJPEVelocityJointLoss):  # MMPose's multiplies differences with the weights of all frames
            raise InputError(
                f'the loss {name}, MPJPEVelocityJointLoss with use_target_weight=True, fails in MMPose: leave '
                'use_target_weight out'
            )
        if isinstance(loss, BoneLoss):
            return loss(poses, labels, weights * weights[:, loss.joint_parents])
        return loss(poses, labels, weights[..., None])

    def predict(
        self, feats: Tensor | tuple[Tensor, ...], batch_data_samples: list, test_cfg: dict | None = None
    ) -> list:
        """Decoded poses: a list of ``InstanceData`` with ``keypoints`` (T, K, 3) m and ``keypoint_scores`` (T, K)."""
        return self.decode(self(feats).float())


def _build_losses(loss: dict | list[dict]) -> nn.ModuleDict:
    """Losses by name."""
    if isinstance(loss, dict):
        module = MODELS.build(loss)
        return module if isinstance(module, CombinedLoss) else nn.ModuleDict(dict(pose3d=module))
    if not isinstance(loss, list) or not loss or not all(isinstance(cfg, dict) for cfg in loss):
        raise InputError(f'loss of TemporalPoseHead: expected the config of a loss, or a list of such, got {loss!r}')
    names = [cfg.get('name') for cfg in loss]
    if not all(isinstance(name, str) and name.isidentifier() for name in names) or len(set(names)) < len(names):
        raise InputError(f'loss of TemporalPoseHead: expected a name of its own for each loss of the list, got {names}')
    return nn.ModuleDict({cfg['name']: MODELS.build({k: v for k, v in cfg.items() if k != 'name'}) for cfg in loss})
