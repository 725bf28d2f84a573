"""The second stage as an MMPose pose estimator."""

import torch
from mmengine.structures import InstanceData
from mmpose.models.backbones import TCN
from mmpose.models.pose_estimators.base import BasePoseEstimator
from mmpose.registry import MODELS
from mmpose.structures import PoseDataSample
from torch import Tensor

from depth_refine.utils.errors import InputError

from .temporal_pose_head import TemporalPoseHead

_PIECE = 8192  # output frames: 34 MB of 1024 float32 channels


@MODELS.register_module()
class DepthTemporalRefiner(BasePoseEstimator):
    """Refines sequences of 2D poses, with or without joint depths, to 3D poses (section II, "Second stage").

    Shape key: B batch, T frames, K joints, C channels of a joint (2: u, v; 3: u, v, depth), R receptive field.

    The temporal backbone and the head come from the config: :class:`TemporalConvNet` and :class:`TemporalPoseHead`, or
    MMPose's ``TCN`` with our head, or MMPose's ``DSTFormer`` with its ``MotionRegressionHead``. Data sets, backbones
    and heads share one layout, frames before channels.

    Args:
        backbone: config of the temporal backbone. It takes (B, T, K, C) and gives (B, T - R + 1, features), or with
            features of each joint (B, T - R + 1, K, features), alone or last in a tuple; it states its
            ``receptive_field`` R unless that is 1. MMPose's ``TCN``, with channels before frames, is adapted.
        head: config of the head, which takes what the backbone gives.
        num_joints: K, as many as the skeleton of the data set has.
        test_cfg: ``flip_test`` averages with the mirrored sequence's prediction.
        kwargs: further arguments of :class:`mmpose.models.pose_estimators.base.BasePoseEstimator`.

    Raises:
        InputError: the backbone, the head or its codec is for another number of joints.

    Example:
        >>> import torch
        >>> from depth_refine.models import DepthTemporalRefiner
        >>> backbone = dict(type='TemporalConvNet', in_channels=13 * 3, channels=64, num_blocks=2)
        >>> head = dict(type='TemporalPoseHead', in_channels=64, num_joints=13)
        >>> refiner = DepthTemporalRefiner(backbone, head, num_joints=13).eval()
        >>> refiner.receptive_field
        27
        >>> refiner(torch.zeros(1, 100, 13, 3)).shape  # 100 frames in, 100 - 27 + 1 poses out
        torch.Size([1, 74, 13, 3])
    """

    def __init__(self, backbone: dict, head: dict, num_joints: int = 17, **kwargs) -> None:
        super().__init__(backbone=backbone, head=head, **kwargs)
        self.num_joints = num_joints
        self._check_joints()

    def _check_joints(self) -> None:
        """Refuse parts that are for another number of joints."""
        decoder = getattr(self.head, 'decoder', None)
        for part, said in (
            (self.backbone, getattr(self.backbone, 'num_joints', None)),
            (self.head, getattr(self.head, 'num_joints', None)),
            (decoder, getattr(decoder, 'num_keypoints', None)),
        ):
            if said not in (None, self.num_joints):
                raise InputError(
                    f'DepthTemporalRefiner has num_joints={self.num_joints}, and its {type(part).__name__} is for '
                    f'{said} joints: give both the number of joints of the data set'
                )
        channels = getattr(self.backbone, 'in_channels', 0)
        if channels > self.num_joints and channels % self.num_joints:
            raise InputError(
                f'DepthTemporalRefiner has num_joints={self.num_joints}, and its {type(self.backbone).__name__} takes '
                f'{channels} channels, not a multiple of that: expected joints x 2 (u, v) or joints x 3 (with depth)'
            )

    @property
    def receptive_field(self) -> int:
        """Number of input frames R behind an output frame.

        It is 1 for backbones that give one output for every input frame.
        """
        if isinstance(self.backbone, TCN):  # each layer is dilated by the receptive field of those before it
            field = 1
            for kernel_size in self.backbone.kernel_sizes:
                field *= kernel_size
            return field
        return getattr(self.backbone, 'receptive_field', 1)

    def forward(self, inputs, data_samples: list | None = None, mode: str = 'tensor'):
        """Sequences of (u, v) or (u, v, depth) to 3D poses, their losses, or samples that have them, as ``mode`` says.

        Args:
            inputs: normalised sequences, in one of MMPose's two layouts for lifting: (B, T, K, C), or (B, K * C, T)
                with the channels of a joint adjacent; a list of samples is stacked. While training T = R; while
                evaluating T >= R, whole videos included.
            data_samples: needed by the modes ``'loss'`` and ``'predict'``.
            mode: ``'tensor'``, ``'loss'`` or ``'predict'``.

        Returns:
            ``'tensor'``: (B, T - R + 1, K, 3), metres, root-relative, camera axes. ``'loss'``: dict of losses.
            ``'predict'``: the data samples with ``pred_instances``.

        Raises:
            InputError: the joints are not those of the model, or the channels or frames do not fit the backbone.
        """
        if isinstance(inputs, list):
            inputs = torch.stack(inputs)
        if inputs.ndim not in (3, 4):
            raise InputError(f'expected inputs (batch, frames, joints, channels), got {tuple(inputs.shape)}')
        if inputs.ndim == 3:
            if inputs.shape[1] % self.num_joints:
                raise InputError(
                    f'expected inputs (batch, {self.num_joints} joints x channels, frames), got {tuple(inputs.shape)}'
                )
            inputs = inputs.transpose(1, 2).unflatten(2, (self.num_joints, -1))
        if inputs.shape[2] != self.num_joints:
            raise InputError(
                f'expected inputs (batch, frames, {self.num_joints} joints, channels), got {tuple(inputs.shape)}: does '
                'num_joints of the model equal the joints of the data set?'
            )
        return super().forward(inputs, data_samples, mode)

    def extract_feat(self, inputs: Tensor) -> Tensor | tuple[Tensor, ...]:
        """The backbone's features of inputs (B, T, K, C), in the head's precision even under autocast.

        Coordinates need that precision: bfloat16 rounds half a metre to a multiple of 2 mm.
        """
        joints, channels = inputs.shape[2:]
        expected = getattr(self.backbone, 'in_channels', channels)
        if expected not in (channels, joints * channels):
            raise InputError(
                f'{type(self.backbone).__name__} takes {expected} channels, got inputs with {joints} joints x '
                f'{channels}: does the input source of the data set match the model?'
            )
        if isinstance(self.backbone, TCN):
            feats = tuple(feat.transpose(1, 2) for feat in self.backbone(inputs.flatten(2).transpose(1, 2)))
        else:
            feats = super().extract_feat(inputs)
        dtype = next(self.head.parameters()).dtype
        return feats.to(dtype) if isinstance(feats, Tensor) else tuple(feat.to(dtype) for feat in feats)

    def _forward(self, inputs: Tensor) -> Tensor:
        """Sequences (B, T, K, C) to poses (B, T - R + 1, K, 3).

        A convolution sees R frames only, so long videos go through it in pieces that overlap by R - 1 frames, in
        bounded memory. Other backbones get the whole sequence.
        """
        frames, past = inputs.shape[1], self.receptive_field - 1
        is_convolution = isinstance(self.backbone, TCN) or hasattr(self.backbone, 'receptive_field')
        if self.training or not is_convolution or frames - past <= _PIECE:
            return self._poses(inputs)
        starts = range(0, frames - past, _PIECE)
        return torch.cat([self._poses(inputs[:, start : start + _PIECE + past]) for start in starts], dim=1)

    def _poses(self, inputs: Tensor) -> Tensor:
        feats = self.extract_feat(inputs)
        with torch.autocast(inputs.device.type, enabled=False):
            return self.head(feats)

    def loss(self, inputs: Tensor, data_samples: list) -> dict:
        """Losses of training windows (B, R, K, C), or of clips (B, T, K, C)."""
        feats = self.extract_feat(inputs)
        if not isinstance(self.head, TemporalPoseHead):  # MMPose's heads need one sample for each clip
            data_samples = _samples_of(data_samples, len(inputs))
        with torch.autocast(inputs.device.type, enabled=False):
            return self.head.loss(feats, data_samples, train_cfg=self.train_cfg)

    def predict(self, inputs: Tensor, data_samples: list) -> list:
        """Set ``pred_instances`` of each sample: ``keypoints`` (T - R + 1, K, 3) m and ``keypoint_scores``.

        The network puts the root near the origin, our codec exactly there. The metainfo of ``pred_instances`` says
        whether ``flip_test`` was on.
        """
        poses = self._forward(inputs)
        flip_test = bool(self.test_cfg.get('flip_test', False))
        if flip_test:
            flip_indices = list(data_samples[0].metainfo['flip_indices'])
            mirrored = self._forward(self.mirror(inputs, flip_indices))
            poses = (poses + self.mirror(mirrored, flip_indices)) / 2
        for sample, instances in zip(data_samples, self.head.decode(poses.float()), strict=True):
            instances.set_metainfo(dict(flip_test=flip_test))
            sample.pred_instances = instances
        return data_samples

    @staticmethod
    def mirror(joints: Tensor, flip_indices: list[int]) -> Tensor:
        """Mirror normalised inputs or poses.

        Args:
            joints: (..., K, C). The first channel is u or x, which is 0 in the middle of the image or, for inputs
                normalised by rays, on the optical axis.
            flip_indices: K symmetric counterparts.
        """
        joints = joints[..., flip_indices, :]
        return torch.cat([-joints[..., :1], joints[..., 1:]], dim=-1)


def _samples_of(data_samples: list, count: int) -> list:
    """``count`` samples, from samples that a collate function may have merged."""
    if len(data_samples) == count:
        return data_samples
    labels = InstanceData.cat([sample.gt_instance_labels for sample in data_samples])
    samples = [PoseDataSample() for _ in range(count)]
    for index, sample in enumerate(samples):
        sample.gt_instance_labels = labels[index * len(labels) // count : (index + 1) * len(labels) // count]
    return samples
