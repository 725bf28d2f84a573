"""Training noise of the second stage in proportion to the first stage's uncertainty."""

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
    """Add noise to depths in proportion to the first stage's own uncertainty, correlated over time.

    It takes the place of :class:`GaussianJointNoise`, whose noise is equally large for all joints and frames, and
    independent between frames. The noise of a joint is a first-order autoregressive process of unit variance, times the
    normalised standard deviation of its depth, times ``scale``. Not in the paper.

    To be used after ``GenerateTarget`` on four channels, the input source ``'2d+depth+std'``; in test pipelines too,
    where it removes the fourth channel and adds no noise. Random numbers are PyTorch's.

    Required keys: ``keypoint_labels`` (..., T, K, 4), normalised u, v, depth and its standard deviation; ``test_mode``
    (optional).

    Modified keys: ``keypoint_labels``, (..., T, K, 3).

    Args:
        scale: standard deviation of the noise in units of the depth's.
        correlation: of the noise in neighbouring frames, from 0 to below 1.

    Raises:
        InputError: an argument is out of its range, or labels have another shape.

    Example:
        >>> import torch
        >>> from depth_refine.datasets.transforms import FirstStageNoise
        >>> labels = torch.zeros(27, 17, 4)  # T frames, K joints; u, v, depth and its standard deviation
        >>> FirstStageNoise()(dict(keypoint_labels=labels))['keypoint_labels'].shape
        torch.Size([27, 17, 3])
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
