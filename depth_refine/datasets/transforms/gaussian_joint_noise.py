"""Training noise of the second stage."""

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmpose.registry import TRANSFORMS

from depth_refine.functional.quick_normal import quick_normal
from depth_refine.utils.options import require_number
from depth_refine.utils.units import NOISE, require_unit

_PART = 64  # on CPUs, windows whose noise stays in a processor's cache


@TRANSFORMS.register_module()
class GaussianJointNoise(BaseTransform):
    """Add Gaussian noise to the normalised poses and depths that the refiner reads (section II, last paragraph).

    The first stage is better on its own training frames than it will be on new ones; the noise makes the refiner's
    training inputs look like test-time predictions. It is drawn independently for every frame, joint and channel, from
    NumPy's global generator, or PyTorch's for whole batches; mmengine seeds both in every worker.

    The paper prints one sigma = 0.1, "2D poses and depths" in section II and "on depths" in section III. In normalised
    units 0.1 is 75 mm of depth but 50 px of a 1000 px wide image, so the default takes the second reading.

    To be used after ``GenerateTarget``. Works on the labels of :class:`DepthSequenceLifting` and of MMPose's own
    lifting codecs: (T, K, C), or (K * C, T) with the channels of a joint adjacent, where C = 2 (u, v), 3 (u, v, depth)
    or 4 (and the depth's spread, which is left as it is). Where the third channel is a confidence
    (``concat_vis=True``), set ``sigma_depth=0``.

    Required keys: ``keypoints`` (..., K, C), ``keypoint_labels``; ``test_mode`` (optional): if true, nothing is done.

    Modified keys: ``keypoint_labels``.

    Args:
        sigma_2d: standard deviation on u and v, in units of half the image width.
        sigma_depth: standard deviation on depth, in units of half the depth range.
        prob: probability that a sample gets noise.

    Raises:
        InputError: a negative sigma, or one above 1, which are px or mm; a ``prob`` outside [0, 1].
        ValueError: labels that are not K joints with 2 to 4 channels.
    """

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
        """Replace ``keypoint_labels`` by a noisy copy."""
        if results.get('test_mode', False) or np.random.rand() >= self.prob:
            return results
        labels = results['keypoint_labels']
        num_joints = results['keypoints'].shape[-2]
        rows_are_channels = labels.ndim == 2
        channels = labels.shape[0] / num_joints if rows_are_channels else labels.shape[-1]
        if channels not in (2, 3, 4):
            raise ValueError(
                f'GaussianJointNoise takes keypoint_labels (T, {num_joints}, C) or ({num_joints} * C, T) '
                f'with C = 2, 3 or 4, got {labels.shape}'
            )
        sigma = np.array([self.sigma_2d, self.sigma_2d, self.sigma_depth, 0])[: int(channels)]
        if rows_are_channels:
            sigma = np.tile(sigma, num_joints)[:, None]
        results['keypoint_labels'] = (labels + sigma * np.random.standard_normal(labels.shape)).astype(labels.dtype)
        return results

    def transform_batch(self, batch: dict) -> dict:
        """Add noise to ``keypoint_labels`` (B, T, K, C) in place."""
        labels = batch['keypoint_labels']
        chosen = (torch.rand(len(labels), device=labels.device) < self.prob).to(labels)[:, None, None, None]
        windows = _PART if labels.device.type == 'cpu' else len(labels)
        for part, is_noisy in zip(labels.split(windows), chosen.split(windows), strict=True):
            for channels, sigma in ((part[..., :2], self.sigma_2d), (part[..., 2:3], self.sigma_depth)):
                if sigma:
                    noise = quick_normal((*part.shape[:2], channels[0, 0].numel()), labels.device).view(channels.shape)
                    channels.add_(noise.mul_(is_noisy), alpha=sigma)
        return batch
