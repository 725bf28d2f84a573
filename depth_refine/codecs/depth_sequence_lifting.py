"""Codec of the second stage: MMPose's video lifting codec plus a depth channel."""

import numpy as np
from mmpose.codecs import VideoPoseLifting
from mmpose.registry import KEYPOINT_CODECS


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
