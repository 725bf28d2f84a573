"""Integral (soft-argmax) decoding of 3D heatmaps: Sun et al., Integral Human Pose Regression, ECCV 2018, eq. 1.

Shape key: B batch, K joints, D x H x W depth, height and width of the heatmap. A bin ``i`` of ``n`` stands for its
centre ``(i + 0.5) / n``, so that a uniform heatmap decodes to the middle, 0.5, on every axis. (Sun et al. and MMPose
take ``i / n``, which pulls every estimate by half a bin.)
"""

import torch
from torch import Tensor


def heatmap_marginals(logits: Tensor) -> tuple[Tensor, Tensor]:
    """Softmax over a whole 3D heatmap, summed to the image plane and to the depth axis.

    The softmax is computed in float32 whatever the type of the logits: a half-precision sum over 300,000 bins is too
    coarse.

    Args:
        logits: (B, K, D, H, W).

    Returns:
        Probabilities ``xy`` (B, K, H, W) and ``z`` (B, K, D); each sums to 1 for every joint.

    Raises:
        ValueError: ``logits`` does not have five dimensions.
    """
    if logits.ndim != 5:
        raise ValueError(f'expected logits of shape (B, K, D, H, W), got {tuple(logits.shape)}')
    volume = logits.flatten(2).softmax(dim=2, dtype=torch.float32).view_as(logits)
    return volume.sum(dim=2), volume.sum(dim=(3, 4))


def expectation(probabilities: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance of a distribution over the bins of one axis.

    Args:
        probabilities: (..., n), each row summing to 1.

    Returns:
        Mean (...) in [0, 1] and variance (...) in units of the squared axis length.
    """
    n = probabilities.shape[-1]
    centres = (torch.arange(n, device=probabilities.device, dtype=probabilities.dtype) + 0.5) / n
    mean = (probabilities * centres).sum(dim=-1)  # a matrix product would drop to half precision under autocast
    variance = (probabilities * (centres - mean[..., None]) ** 2).sum(dim=-1)
    return mean, variance


def soft_argmax_3d(logits: Tensor) -> Tensor:
    """Centroid of each joint's 3D heatmap.

    Args:
        logits: (B, K, D, H, W).

    Returns:
        (B, K, 3) float32 coordinates in [0, 1], order x, y, z, at bin centres ``(i + 0.5) / n``.

    Raises:
        ValueError: ``logits`` does not have five dimensions.
    """
    xy, z = heatmap_marginals(logits)
    return torch.stack([expectation(p)[0] for p in (xy.sum(dim=2), xy.sum(dim=3), z)], dim=-1)
