"""Integral (soft-argmax) decoding of 3D heatmaps: Sun et al., Integral Human Pose Regression, ECCV 2018, eq. 1.

Shape key: B batch, K joints, D x H x W depth, height and width of the heatmap. A bin ``i`` of ``n`` stands for its
centre ``(i + 0.5) / n``, so that a uniform heatmap decodes to the middle, 0.5, on every axis. (Sun et al. and MMPose
take ``i / n``, which pulls every estimate by half a bin.)
"""

import functools
import logging
import math
from collections.abc import Callable, Iterator

import torch
from mmengine.logging import print_log
from torch import Tensor
from torch.autograd.function import once_differentiable

_PIECE = 2**18  # bins that a core's cache holds
_ACCELERATOR_PIECE = 2**26  # bins that keep an accelerator busy, 268 MB of float32


def heatmap_marginals(logits: Tensor) -> tuple[Tensor, Tensor]:
    """Softmax over a whole 3D heatmap, summed to the image plane and to the depth axis.

    The softmax is computed in float32 whatever the type of the logits: a half-precision sum over 300,000 bins is too
    coarse. As in :func:`soft_argmax_3d`, probabilities exist in pieces only.

    Args:
        logits: (B, K, D, H, W).

    Returns:
        Probabilities ``xy`` (B, K, H, W) and ``z`` (B, K, D); each sums to 1 for every joint.

    Raises:
        ValueError: ``logits`` does not have five dimensions.
    """
    if logits.ndim != 5:
        raise ValueError(f'expected logits of shape (B, K, D, H, W), got {tuple(logits.shape)}')
    batch, joints, depth, height, width = logits.shape
    xy = logits.new_empty((batch, joints, height, width), dtype=torch.float32)
    z = logits.new_empty((batch, joints, depth), dtype=torch.float32)
    for piece in _pieces(logits):
        xy[piece], z[piece] = _marginals(_probabilities(logits[piece], torch.float32))
    return xy, z


def expectation(probabilities: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance of a distribution over the bins of one axis.

    Args:
        probabilities: (..., n), each row summing to 1.

    Returns:
        Mean (...) in [0, 1] and variance (...) in units of the squared axis length.
    """
    n = probabilities.shape[-1]
    centres = _centres(n, probabilities)
    mean = (probabilities * centres).sum(dim=-1)  # a matrix product would drop to half precision under autocast
    variance = (probabilities * (centres - mean[..., None]) ** 2).sum(dim=-1)
    return mean, variance


def soft_argmax_3d(logits: Tensor) -> Tensor:
    """Centroid of each joint's 3D heatmap.

    The gradient of a logit is its probability times the distance of its bin from the centroid, along the incoming
    gradient. One tensor of the heatmap's size is kept for it, and becomes it: the probabilities, or the logits where
    these are of half precision, in which probabilities would be too coarse; theirs are computed again. Either way they
    are computed in pieces that stay in the cache, on accelerators of 268 MB, and sums are float32. GPUs with Triton
    compute them as they read the logits (:mod:`.fused_soft_argmax`), unless these are float64.

    Args:
        logits: (B, K, D, H, W), in any memory layout.

    Returns:
        (B, K, 3) coordinates in [0, 1], order x, y, z, at bin centres ``(i + 0.5) / n``; float32, or float64 if the
        logits are.

    Raises:
        ValueError: ``logits`` does not have five dimensions.
    """
    if logits.ndim != 5:
        raise ValueError(f'expected logits of shape (B, K, D, H, W), got {tuple(logits.shape)}')
    if torch.compiler.is_compiling():  # a graph has no pieces, and fuses the passes itself
        xy, z = _marginals(_probabilities(logits, torch.promote_types(logits.dtype, torch.float32)))
        return torch.stack([expectation(p)[0] for p in (xy.sum(dim=2), xy.sum(dim=3), z)], dim=-1)
    with torch.autocast(logits.device.type, enabled=False):
        if logits.is_cuda and logits.dtype != torch.float64 and (fused := _fused_soft_argmax()) is not None:
            return fused(logits)
        return _SoftArgmax3D.apply(logits)


@functools.cache
def _fused_soft_argmax() -> Callable[[Tensor], Tensor] | None:
    """That of Triton's kernels, or nothing, and a warning why, where they cannot be built."""
    try:
        from .fused_soft_argmax import fused_soft_argmax_3d

        fused_soft_argmax_3d(torch.zeros(1, 1, 1, 1, 1, device='cuda'))
    except Exception as error:  # no Triton, no C compiler for it, a GPU that it does not know
        print_log(
            f'soft-argmax runs as several PyTorch operations, as its kernels cannot be built: {error!r}',
            logger='current',
            level=logging.WARNING,
        )
        return None
    return fused_soft_argmax_3d


class _SoftArgmax3D(torch.autograd.Function):
    """Piecewise soft-argmax, see :func:`soft_argmax_3d`."""

    @staticmethod
    def forward(ctx, logits: Tensor) -> Tensor:
        dtype = torch.promote_types(logits.dtype, torch.float32)
        coords = logits.new_empty((*logits.shape[:2], 3), dtype=dtype)
        z, y, x = (_centres(n, coords) for n in logits.shape[2:])
        ctx.keeps_probabilities = ctx.needs_input_grad[0] and logits.dtype == dtype
        kept = torch.empty_like(logits) if ctx.keeps_probabilities else logits
        for piece in _pieces(logits):
            if ctx.keeps_probabilities and kept.is_contiguous():
                probabilities = kept[piece]
                torch.softmax(logits[piece].flatten(2), dim=2, out=probabilities.flatten(2))
            else:
                probabilities = _probabilities(logits[piece], dtype)
                if ctx.keeps_probabilities:
                    kept[piece] = probabilities
            along_xy, along_z = _marginals(probabilities)
            marginals = (along_xy.sum(dim=2) * x, along_xy.sum(dim=3) * y, along_z * z)
            coords[piece] = torch.stack([marginal.sum(dim=2) for marginal in marginals], dim=-1)
        ctx.save_for_backward(kept, coords)
        return coords

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: Tensor) -> Tensor:
        kept, coords = ctx.saved_tensors
        last_pass = not torch._C._autograd._get_current_graph_task_keep_graph()  # no public name
        grad_logits = kept if ctx.keeps_probabilities and last_pass else torch.empty_like(kept)
        z, y, x = (_centres(n, coords) for n in kept.shape[2:])
        for piece in _pieces(kept):
            along_x, along_y, along_z = (
                (axis - coords[piece][..., i, None]) * grad[piece][..., i, None] for i, axis in enumerate((x, y, z))
            )
            distance = (along_z[..., :, None] + along_y[..., None, :])[..., None] + along_x[:, :, None, None]
            probabilities = kept[piece] if ctx.keeps_probabilities else _probabilities(kept[piece], coords.dtype)
            torch.mul(probabilities, distance, out=grad_logits[piece])
        return grad_logits


def _pieces(logits: Tensor) -> Iterator[tuple[slice, slice]]:
    """Parts of (B, K, ...): for each thread what its core's cache holds, on accelerators few that bound the memory."""
    batch, joints, *bins = logits.shape
    on_cpu = logits.device.type == 'cpu'
    piece, workers = (_PIECE, torch.get_num_threads()) if on_cpu else (_ACCELERATOR_PIECE, 1)
    heatmaps = max(piece // math.prod(bins), 1) * workers
    step, joint_step = max(heatmaps // joints, 1), min(heatmaps, joints)
    for start in range(0, batch, step):
        for joint in range(0, joints, joint_step):
            yield slice(start, start + step), slice(joint, joint + joint_step)


def _marginals(volume: Tensor) -> tuple[Tensor, Tensor]:
    """Sums of (b, k, D, H, W) over the depth and over the image plane."""
    return volume.sum(dim=2), volume.sum(dim=(3, 4))


def _probabilities(logits: Tensor, dtype: torch.dtype) -> Tensor:
    """Softmax over each whole heatmap of (b, k, D, H, W)."""
    return logits.flatten(2).softmax(dim=2, dtype=dtype).view(logits.shape)


def _centres(n: int, like: Tensor) -> Tensor:
    """(n,) bin centres."""
    return (torch.arange(n, device=like.device, dtype=like.dtype) + 0.5) / n
