"""Training noise of the second stage that looks like the first stage's errors."""

import itertools
import math

import torch
from mmcv.transforms import BaseTransform
from mmpose.registry import TRANSFORMS
from torch import Tensor

from depth_refine.utils.arrays import as_given, as_tensor
from depth_refine.utils.errors import InputError
from depth_refine.utils.options import require_number


@TRANSFORMS.register_module()
class FirstStageNoise(BaseTransform):
    """Add noise to the depths that is as large as the first stage is unsure, and correlated over time.

    In place of :class:`GaussianJointNoise`, whose noise is as large for every joint and frame and independent between
    frames. The noise of a joint is an autoregressive process of first order of unit variance, times the normalised
    spread of its heatmap in depth, times ``scale``. Not in the paper.

    To be used after ``GenerateTarget`` on four channels, the input source ``'2d+depth+std'``; in test pipelines too,
    where it takes the spread away and adds nothing. Random numbers are PyTorch's.

    Required keys: ``keypoint_labels`` (..., T, K, 4) of normalised (u, v, depth, spread); ``test_mode`` (optional).

    Modified keys: ``keypoint_labels``, (..., T, K, 3).

    Args:
        scale: standard deviation of the noise in units of the spread.
        correlation: of the noise in neighbouring frames, from 0 to below 1.

    Raises:
        InputError: an argument is out of its range, or labels are not of that form.
    """

    batched = True  # see DepthSequenceDataset

    def __init__(self, scale: float = 1.0, correlation: float = 0.9) -> None:
        require_number('scale of FirstStageNoise', scale, 0, 100)
        require_number('correlation of FirstStageNoise', correlation, 0, math.nextafter(1, 0))
        self.scale = scale
        self.correlation = correlation

    def transform(self, results: dict) -> dict:
        """Replace ``keypoint_labels`` by a noisy copy."""
        given = results['keypoint_labels']
        if given.ndim < 3 or given.shape[-1] != 4:
            raise InputError(
                f"FirstStageNoise takes keypoint_labels (T, K, 4), from '2d+depth+std', got {tuple(given.shape)}"
            )
        labels = as_tensor(given)
        noisy = labels[..., :3].clone(memory_format=torch.contiguous_format)
        if not results.get('test_mode', False):
            noisy[..., 2] += self.scale * labels[..., 3] * self._process(labels[..., 3])
        results['keypoint_labels'] = as_given(noisy, given)
        return results

    def _process(self, like: Tensor) -> Tensor:
        """(..., T, K) of unit variance, correlated along T."""
        frames = torch.randn_like(like).movedim(-2, 0)
        frames[1:] *= math.sqrt(1 - self.correlation**2)
        for before, frame in itertools.pairwise(frames):
            frame.add_(before, alpha=self.correlation)
        return frames.movedim(0, -2)
