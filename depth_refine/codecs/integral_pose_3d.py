"""Codec between crop pixels plus metric depth and the integral head's [0, 1] coordinates."""

import numpy as np
from mmpose.codecs.base import BaseKeypointCodec
from mmpose.registry import KEYPOINT_CODECS

from depth_refine.utils.options import require_number
from depth_refine.utils.units import DEPTH_RANGE, require_unit


@KEYPOINT_CODECS.register_module()
class IntegralPose3D(BaseKeypointCodec):
    """Labels of :class:`IntegralHead3D` from keypoints, and back (section II, "First stage").

    Shape key: N instances, K joints.

    A crop pixel ``c`` of a ``w`` pixels wide crop has the normalised coordinate ``(c + 0.5) / w``: pixel centres lie at
    integers (OpenCV), and heatmap bins at ``(i + 0.5) / n``. A depth ``z`` metres from the root becomes
    ``z / depth_range + 0.5``.

    Args:
        input_size: crop size (w, h), pixels.
        depth_range: the paper's D, the depth covered by the heatmap, metres.

    Example:
        >>> import numpy as np
        >>> from depth_refine.codecs import IntegralPose3D
        >>> codec = IntegralPose3D(input_size=(192, 256), depth_range=1.5)
        >>> joints = np.array([[[95.5, 63.5, 0.3]]])  # (N, K, 3): u px, v px, depth m
        >>> codec.encode(joints)['keypoint_labels']
        array([[[0.5 , 0.25, 0.7 ]]], dtype=float32)
    """

    label_mapping_table = dict(keypoint_labels='keypoint_labels', keypoint_weights='keypoint_weights')

    def __init__(self, input_size: tuple[int, int], depth_range: float = 1.5) -> None:
        super().__init__()
        self.input_size = tuple(input_size)
        require_number('depth_range of IntegralPose3D', depth_range, 0)
        require_unit('depth_range of IntegralPose3D', depth_range, DEPTH_RANGE)
        self.depth_range = depth_range

    def encode(self, keypoints: np.ndarray, keypoints_visible: np.ndarray | None = None) -> dict:
        """Crop pixels and metres to labels and weights of the joints.

        A coordinate outside the heatmap has a label outside [0, 1], which the head cannot output and does not train on;
        the joint's other coordinates count.

        Args:
            keypoints: (N, K, 3) of (u px, v px, depth m relative to the root), or (N, K, 2) from a 2D data set.
            keypoints_visible: (N, K), > 0 where a joint is annotated; all by default.

        Returns:
            ``keypoint_labels`` (N, K, 3) and ``keypoint_weights`` (N, K), float32; the depth of 2D samples has the
            label -1.
        """
        labels = np.full((*keypoints.shape[:2], 3), -1, np.float32)
        labels[..., :2] = (keypoints[..., :2] + 0.5) / self.input_size
        if keypoints.shape[-1] == 3:
            labels[..., 2] = keypoints[..., 2] / self.depth_range + 0.5
        visible = np.ones(labels.shape[:2]) if keypoints_visible is None else keypoints_visible
        return dict(keypoint_labels=labels, keypoint_weights=(visible > 0).astype(np.float32))

    def decode(self, encoded: np.ndarray, scores: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Labels back to crop pixels and metres.

        Args:
            encoded: (N, K, 3) in [0, 1], order x, y, z.
            scores: (N, K) confidences to pass on; ones by default.

        Returns:
            Keypoints (N, K, 3) of (u px, v px, depth m) in the crop, and scores (N, K).
        """
        keypoints = np.empty_like(encoded)
        keypoints[..., :2] = encoded[..., :2] * self.input_size - 0.5
        keypoints[..., 2] = (encoded[..., 2] - 0.5) * self.depth_range
        if scores is None:
            scores = np.ones(encoded.shape[:2], np.float32)
        return keypoints, scores
