"""The paper's training noise of the second stage."""

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmpose.registry import TRANSFORMS
from torch import Tensor

from depth_refine.utils.arrays import as_given
from depth_refine.utils.errors import InputError
from depth_refine.utils.options import require_number
from depth_refine.utils.units import NOISE, require_unit


@TRANSFORMS.register_module()
class GaussianJointNoise(BaseTransform):
    """Add Gaussian noise to the normalised poses and depths that the refiner reads (section II, last paragraph).

    The first stage is better on its own training frames than it will be on new ones; the noise makes the refiner's
    training inputs look like test-time predictions. It is drawn independently for every window, frame, joint and
    channel, by ``torch.randn`` where the labels are.

    The paper prints one sigma = 0.1, "2D poses and depths" in section II and "on depths" in section III. In normalised
    units 0.1 is 75 mm of depth but 50 px of a 1000 px wide image, so the default takes the second reading.

    To be used after ``GenerateTarget``. Works on the labels of :class:`DepthSequenceLifting` and of MMPose's own
    lifting codecs: (..., T, K, C), or (..., K * C, T) with the channels of a joint adjacent, where C = 2 (u, v), 3 (u,
    v, depth) or 4 (and the depth's standard deviation, which does not change). Where the third channel is a confidence
    (``concat_vis=True``), set ``sigma_depth=0``.

    Required keys: ``keypoints`` (..., T, K, C), ``keypoint_labels``; ``test_mode`` (optional): if true, nothing is
    done.

    Modified keys: ``keypoint_labels``: a tensor, as in batches, in place; an array is replaced by a copy.

    Args:
        sigma_2d: standard deviation on u and v, in units of half the image width.
        sigma_depth: standard deviation on depth, in units of half the depth range.
        prob: probability that a window gets noise.

    Raises:
        InputError: a sigma is negative, or above 1, as in px or mm; ``prob`` is not within [0, 1]; or labels do not
            have K joints with 2 to 4 channels.

    Example:
        >>> import numpy as np
        >>> from depth_refine.datasets.transforms import GaussianJointNoise
        >>> poses = np.zeros((27, 17, 3), np.float32)  # T frames, K joints; u, v, depth
        >>> noisy = GaussianJointNoise(sigma_depth=0.1)(dict(keypoints=poses, keypoint_labels=poses))['keypoint_labels']
        >>> bool(noisy[..., :2].any()), round(float(noisy[..., 2].std()), 1)
        (False, 0.1)
    """

    batched = True  # see DepthSequenceDataset

    def __init__(self, sigma_2d: float = 0.0, sigma_depth: float = 0.1, prob: float = 1.0) -> None:
        require_number('sigma_2d of GaussianJointNoise', sigma_2d, 0)
        require_number('sigma_depth of GaussianJointNoise', sigma_depth, 0)
        require_number('prob of GaussianJointNoise', prob, 0, 1)
        require_unit('sigma_2d of GaussianJointNoise', sigma_2d, NOISE)
        require_unit('sigma_depth of GaussianJointNoise', sigma_depth, NOISE)
        self.sigma_2d = sigma_2d
        self.sigma_depth = sigma_depth
        self.prob = prob

    def transform(self, results: dict) -> dict:
        """Add noise to ``keypoint_labels``: in place to a tensor, to a copy of an array."""
        if results.get('test_mode', False):
            return results
        given, num_joints = results['keypoint_labels'], results['keypoints'].shape[-2]
        # a copy of a batch takes longer than adding to it
        labels = given if isinstance(given, Tensor) else torch.from_numpy(np.array(given, order='C'))
        poses, rows = labels, labels.shape[-2]
        if labels.ndim < results['keypoints'].ndim and rows % num_joints == 0:
            poses = labels.unflatten(-2, (num_joints, rows // num_joints)).movedim(-1, -3)  # a view (..., T, K, C)
        if poses.ndim < 3 or poses.shape[-2] != num_joints or poses.shape[-1] not in (2, 3, 4):
            raise InputError(
                f'GaussianJointNoise takes keypoint_labels (T, {num_joints}, C) or ({num_joints} * C, T) '
                f'with C = 2, 3 or 4, got {tuple(labels.shape)}'
            )
        chosen = torch.rand(poses.shape[:-3], device=poses.device) < self.prob
        for channels, sigma in ((poses[..., :2], self.sigma_2d), (poses[..., 2:3], self.sigma_depth)):
            if sigma and channels.shape[-1]:
                noise = torch.randn(channels.shape, dtype=poses.dtype, device=poses.device)
                channels.addcmul_(noise, chosen[..., None, None, None].to(noise), value=sigma)
        results['keypoint_labels'] = as_given(labels, given)
        return results
