"""Integral (soft-argmax) decoding of 3D heatmaps: Sun et al., Integral Human Pose Regression, ECCV 2018, eq. 1.

Shape key: B batch, K joints, D x H x W depth, height and width of the heatmap. Bin ``i`` of ``n`` stands for its centre
``(i + 0.5) / n``, so that a uniform heatmap decodes to the middle, 0.5, on every axis. Sun et al. and MMPose take
``i / n``, which shifts every estimate by half a bin.
"""

import torch
from torch import Tensor


def soft_argmax_3d(logits: Tensor) -> Tensor:
    """Joint coordinates as the centroids of 3D heatmaps.

    Args:
        logits: (B, K, D, H, W), in any memory layout.

    Returns:
        (B, K, 3) coordinates in [0, 1], order x, y, z, of bin centres ``(i + 0.5) / n``; float32, or float64 if the
        logits are.

    Raises:
        ValueError: ``logits`` does not have five dimensions.

    Example:
        >>> import torch
        >>> from depth_refine.functional import soft_argmax_3d
        >>> logits = torch.zeros(1, 1, 4, 2, 2)  # (B, K, D, H, W)
        >>> logits[0, 0, 3, 1, 0] = 100  # a peak in the last bin of depth, the lower row, the left column
        >>> soft_argmax_3d(logits)
        tensor([[[0.2500, 0.7500, 0.8750]]])
    """
    xy, z = heatmap_marginals(logits)
    return torch.stack([bin_mean(xy.sum(dim=2)), bin_mean(xy.sum(dim=3)), bin_mean(z)], dim=-1)


def heatmap_marginals(logits: Tensor) -> tuple[Tensor, Tensor]:
    """Marginal probabilities of 3D heatmaps in the image plane and along the depth axis.

    The softmax goes over the whole heatmap, and is computed in float32 at least: a half-precision sum over 300,000 bins
    is too coarse.

    Args:
        logits: (B, K, D, H, W).

    Returns:
        Probabilities ``xy`` (B, K, H, W) and ``z`` (B, K, D); each sums to 1 for every joint.

    Raises:
        ValueError: ``logits`` does not have five dimensions.
    """
    if logits.ndim != 5:
        raise ValueError(f'expected logits of shape (B, K, D, H, W), got {tuple(logits.shape)}')
    dtype = torch.promote_types(logits.dtype, torch.float32)
    probabilities = logits.flatten(2).softmax(dim=2, dtype=dtype).unflatten(2, logits.shape[2:])
    return probabilities.sum(dim=2), probabilities.sum(dim=(3, 4))


def bin_mean(probabilities: Tensor) -> Tensor:
    """Mean of a distribution over the bins of one axis.

    Args:
        probabilities: (..., n), each row summing to 1.

    Returns:
        (...) in [0, 1].
    """
    # a matrix product would drop to half precision under autocast
    return (probabilities * _centres(probabilities)).sum(dim=-1)


def bin_variance(probabilities: Tensor) -> Tensor:
    """Variance of a distribution over the bins of one axis.

    Args:
        probabilities: (..., n), each row summing to 1.

    Returns:
        (...) in units of the squared axis length.
    """
    distance = _centres(probabilities) - bin_mean(probabilities)[..., None]
    return (probabilities * distance**2).sum(dim=-1)


def _centres(probabilities: Tensor) -> Tensor:
    """(n,) bin centres."""
    n = probabilities.shape[-1]
    return (torch.arange(n, device=probabilities.device, dtype=probabilities.dtype) + 0.5) / n
