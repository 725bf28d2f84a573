"""Codec of the second stage: MMPose's video lifting codec plus a depth channel."""

import numpy as np
import torch
from mmpose.codecs import VideoPoseLifting
from mmpose.registry import KEYPOINT_CODECS
from torch import Tensor

from depth_refine.utils.arrays import as_given, as_tensor
from depth_refine.utils.errors import InputError
from depth_refine.utils.options import require_number
from depth_refine.utils.units import DEPTH_RANGE, require_unit


@KEYPOINT_CODECS.register_module()
class DepthSequenceLifting(VideoPoseLifting):
    """Normalises sequences of (u px, v px[, depth m[, its spread m]]) and root-centres their 3D targets.

    Shape key: ... any batch axes, T input frames, T' target frames, K joints, C input channels (2 to 4).

    2D is normalised by the image width to [-1, 1] about the image centre, depth by ``depth_range / 2`` to [-1, 1]; the
    target is relative to joint 0, metres, camera axes. Differs from :class:`mmpose.codecs.VideoPoseLifting`, which
    subtracts a 2-vector and so takes no depth, takes one sequence at a time, and adds weights of a trajectory.

    Args:
        num_keypoints: K.
        depth_range: the paper's D, metres.
    """

    batched = True  # see H36MDepthSequenceDataset
    label_mapping_table = dict(
        lifting_target_label='lifting_target_label', lifting_target_weight='lifting_target_weight'
    )

    def __init__(self, num_keypoints: int = 17, depth_range: float = 1.5) -> None:
        super().__init__(num_keypoints=num_keypoints, reshape_keypoints=False)
        require_number('depth_range of DepthSequenceLifting', depth_range, 0)
        require_unit('depth_range of DepthSequenceLifting', depth_range, DEPTH_RANGE)
        self.depth_range = depth_range

    def encode(
        self,
        keypoints: np.ndarray | Tensor,
        keypoints_visible: np.ndarray | Tensor | None = None,
        lifting_target: np.ndarray | Tensor | None = None,
        lifting_target_visible: np.ndarray | Tensor | None = None,
        camera_param: dict | None = None,
    ) -> dict:
        """Normalise sequences, one or many.

        Args:
            keypoints: (..., T, K, C).
            keypoints_visible: ignored.
            lifting_target: (..., T', K, 3) camera-frame metres; None where there is no truth.
            lifting_target_visible: (..., T', K); all by default.
            camera_param: ``w`` and ``h``, the image size in pixels: numbers, or (...).

        Returns:
            ``keypoint_labels`` (..., T, K, C), and of a target ``lifting_target_label`` (..., T', K, 3),
            ``lifting_target_weight`` (..., T', K), 0 or 1, and ``target_root`` (..., T', 3), what was subtracted;
            arrays or tensors, as they came.

        Raises:
            InputError: ``camera_param`` lacks the image size.
        """
        if not camera_param or not {'w', 'h'} <= camera_param.keys():
            raise InputError("DepthSequenceLifting needs camera_param with 'w' and 'h', the image size in pixels")
        poses = as_tensor(keypoints)
        width, height = (
            torch.as_tensor(camera_param[key], dtype=poses.dtype, device=poses.device) for key in ('w', 'h')
        )
        depth, zero, (joints, channels) = torch.full_like(width, 2 / self.depth_range), width * 0, poses.shape[-2:]
        scale = torch.stack([2 / width, 2 / width, depth, depth][:channels], dim=-1)
        shift = torch.stack([zero - 1, -height / width, zero, zero][:channels], dim=-1)
        # in one pass over rows of K * C numbers: PyTorch is slow where it broadcasts over a last axis of 3
        scale, shift = (values.tile(joints)[..., None, :] for values in (scale, shift))
        labels = torch.addcmul(shift, poses.flatten(-2), scale).view(poses.shape)
        encoded = dict(keypoint_labels=as_given(labels, keypoints))
        if lifting_target is not None:
            target = as_tensor(lifting_target)
            weight = torch.ones(target.shape[:-1], dtype=torch.float32, device=target.device)
            if lifting_target_visible is not None:
                weight = (as_tensor(lifting_target_visible) > 0.5).float()
            root = target[..., 0, :]
            encoded.update(
                lifting_target_label=as_given(target - root[..., None, :], lifting_target),
                lifting_target_weight=as_given(weight, lifting_target),
                target_root=as_given(root, lifting_target),
            )
        return encoded
