"""Codec of the second stage: MMPose's video lifting codec plus a depth channel."""

import numpy as np
import torch
from mmpose.codecs import VideoPoseLifting
from mmpose.registry import KEYPOINT_CODECS
from torch import Tensor

from depth_refine.utils.options import require_number
from depth_refine.utils.units import DEPTH_RANGE, require_unit


@KEYPOINT_CODECS.register_module()
class DepthSequenceLifting(VideoPoseLifting):
    """Normalises sequences of (u px, v px[, depth m]) and root-centres their 3D targets.

    Shape key: T input frames, T' target frames, K joints, C input channels (2, or 3 with depth).

    2D is normalised by the image width to [-1, 1] about the image centre, depth by ``depth_range / 2`` to [-1, 1]; the
    target is relative to joint 0, metres, camera axes. Differs from :class:`mmpose.codecs.VideoPoseLifting`, which
    subtracts a 2-vector and so takes no depth.

    Args:
        num_keypoints: K.
        depth_range: the paper's D, metres.
    """

    def __init__(self, num_keypoints: int = 17, depth_range: float = 1.5) -> None:
        super().__init__(num_keypoints=num_keypoints, reshape_keypoints=False)
        require_number('depth_range of DepthSequenceLifting', depth_range, 0)
        require_unit('depth_range of DepthSequenceLifting', depth_range, DEPTH_RANGE)
        self.depth_range = depth_range

    def encode(
        self,
        keypoints: np.ndarray,
        keypoints_visible: np.ndarray | None = None,
        lifting_target: np.ndarray | None = None,
        lifting_target_visible: np.ndarray | None = None,
        camera_param: dict | None = None,
    ) -> dict:
        """Normalise a sequence.

        Args:
            keypoints: (T, K, C).
            keypoints_visible: (T, K).
            lifting_target: (T', K, 3) camera-frame metres.
            lifting_target_visible: (T', K).
            camera_param: needs ``w`` and ``h``, the image size in pixels.

        Returns:
            As :meth:`mmpose.codecs.VideoPoseLifting.encode`; ``keypoint_labels`` is (T, K, C) and
            ``lifting_target_label`` (T', K, 3).
        """
        size = camera_param and {key: camera_param[key] for key in ('w', 'h')}  # the base class copies all of it deeply
        encoded = super().encode(keypoints[..., :2], keypoints_visible, lifting_target, lifting_target_visible, size)
        depth = keypoints[..., 2:] / np.float32(self.depth_range / 2)
        encoded['keypoint_labels'] = np.concatenate([encoded['keypoint_labels'], depth], axis=-1)
        return encoded

    def encode_batch(
        self, keypoints: Tensor, lifting_target: Tensor, lifting_target_visible: Tensor, image_size: Tensor
    ) -> dict[str, Tensor]:
        """Normalise B sequences at once, on any device.

        Args:
            keypoints: (B, T, K, C), contiguous; overwritten.
            lifting_target: (B, T', K, 3) camera-frame metres.
            lifting_target_visible: (B, T', K).
            image_size: (B, 2) width and height, px.

        Returns:
            Of what :meth:`encode` returns the labels and their weights, with a batch axis in front.
        """
        width, height = image_size.float().unbind(dim=1)
        zero, depth = torch.zeros_like(width), torch.full_like(width, 2 / self.depth_range)
        channels, joints = keypoints.shape[-1], keypoints.shape[-2]
        scale = torch.stack([2 / width, 2 / width, depth, depth], dim=1)[:, :channels]
        shift = torch.stack([zero - 1, -height / width, zero, zero], dim=1)[:, :channels]
        rows = keypoints.flatten(2)  # one pass over rows of K * C, in place: fresh memory costs as much as the rest
        torch.addcmul(shift.repeat(1, joints)[:, None], rows, scale.repeat(1, joints)[:, None], out=rows)
        weights = (lifting_target_visible > 0.5).float()
        return dict(
            keypoint_labels=keypoints,
            lifting_target_label=lifting_target - lifting_target[:, :, :1],
            lifting_target_weight=weights,
            trajectory_weights=weights.clone(),
        )
