"""Training noise of the second stage that looks like the first stage's errors."""

import functools
import math

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmpose.registry import TRANSFORMS
from scipy.signal import lfilter
from torch import Tensor

from depth_refine.functional.quick_normal import quick_normal
from depth_refine.utils.options import require_number


@TRANSFORMS.register_module()
class FirstStageNoise(BaseTransform):
    """Add noise to the depths that is as large as the first stage is unsure, and correlated over time.

    In place of :class:`GaussianJointNoise`, whose noise is as large for every joint and frame and independent between
    frames. The noise of a joint is an autoregressive process of first order of unit variance, times the normalised
    spread of its heatmap in depth, times ``scale``. Not in the paper.

    To be used after ``GenerateTarget`` on four channels, the input source ``'2d+depth+std'``; in test pipelines too if
    the spread is not kept, where it takes it away and adds nothing.

    Required keys: ``keypoint_labels`` (T, K, 4) of normalised (u, v, depth, spread); ``test_mode`` (optional).

    Modified keys: ``keypoint_labels``, (T, K, 4) or (T, K, 3).

    Args:
        scale: standard deviation of the noise in units of the spread.
        correlation: of the noise in neighbouring frames, from 0 to below 1.
        keep_spread: leave the fourth channel to the network.

    Raises:
        ValueError: an argument is out of its range, or labels are not of that form.
    """

    def __init__(self, scale: float = 1.0, correlation: float = 0.9, keep_spread: bool = False) -> None:
        require_number('scale of FirstStageNoise', scale, 0, 100)
        require_number('correlation of FirstStageNoise', correlation, 0, math.nextafter(1, 0))
        self.scale = scale
        self.correlation = correlation
        self.keep_spread = keep_spread

    def transform(self, results: dict) -> dict:
        """Replace ``keypoint_labels`` by a noisy copy."""
        labels = results['keypoint_labels']
        if labels.ndim != 3 or labels.shape[-1] != 4:
            raise ValueError(
                f"FirstStageNoise takes keypoint_labels (T, K, 4), from '2d+depth+std', got {labels.shape}"
            )
        if not results.get('test_mode', False):
            labels = labels.copy()
            labels[..., 2] += self.scale * labels[..., 3] * self._process(labels.shape[:2])
        results['keypoint_labels'] = labels if self.keep_spread else labels[..., :3]
        return results

    def _process(self, shape: tuple[int, int]) -> np.ndarray:
        """(T, K) unit variance, correlated along T."""
        innovations = np.random.standard_normal(shape)
        innovations[1:] *= np.sqrt(1 - self.correlation**2)
        return lfilter([1], [1, -self.correlation], innovations, axis=0)

    def transform_batch(self, batch: dict) -> dict:
        """The same on ``keypoint_labels`` (B, T, K, 4)."""
        labels = batch['keypoint_labels']
        mixing = _mixing(labels.shape[1], self.correlation, labels.device)
        noise = torch.einsum('st,btk->bsk', mixing, quick_normal(tuple(labels.shape[:3]), labels.device))
        labels[..., 2] += self.scale * labels[..., 3] * noise
        return dict(batch, keypoint_labels=labels if self.keep_spread else labels[..., :3])


@functools.cache
def _mixing(frames: int, correlation: float, device: torch.device) -> Tensor:
    """(T, T) that makes the autoregressive process of unit variance from independent numbers."""
    steps = np.subtract.outer(np.arange(frames), np.arange(frames))
    mixing = np.where(steps >= 0, correlation ** np.abs(steps), 0.0)
    mixing[:, 1:] *= np.sqrt(1 - correlation**2)
    return torch.from_numpy(mixing.astype(np.float32)).to(device)
