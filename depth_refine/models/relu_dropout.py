"""ReLU and dropout as one step, which on CPUs does not spend its time on random numbers and masks."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from depth_refine.functional.random_bits import random_bits


class ReLUDropout(nn.Dropout):
    """:func:`torch.relu` followed by :class:`torch.nn.Dropout`, on CPUs with several decisions from a random number.

    PyTorch draws one number for each element, one after the other, the largest part of a training step of a small
    refiner. Here 64 random bits make eight decisions where the rate is a multiple of 2^-8, as 0.25 is, and four
    otherwise, with the rate rounded to a multiple of 2^-16; the scale fits the rounded rate, so that the expectation
    stays exact. ``torch.manual_seed`` fixes the decisions.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Any shape; the same shape and dtype come out."""
        bits = torch.int8 if self.p * 2**8 % 1 == 0 else torch.int16
        levels = 2 ** (8 * bits.itemsize)
        threshold = round(self.p * levels)
        if not self.training or x.device.type != 'cpu' or threshold in (0, levels):
            return super().forward(F.relu(x))
        return _ReLUDropout.apply(x, bits, threshold - levels // 2, levels / (levels - threshold))


class _ReLUDropout(torch.autograd.Function):
    """The output alone is kept for the gradient: it is positive where both steps let x through."""

    @staticmethod
    def forward(ctx, x: Tensor, bits: torch.dtype, least: int, scale: float) -> Tensor:
        out = torch.ge(random_bits(x.shape, bits), least, out=torch.empty(x.shape, dtype=x.dtype))
        out.mul_(x).clamp_min_(0).mul_(scale)
        ctx.save_for_backward(out)
        ctx.scale = scale
        return out

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, grad: Tensor) -> tuple[Tensor, None, None, None]:
        (out,) = ctx.saved_tensors
        return torch.ops.aten.threshold_backward(grad, out, 0).mul_(ctx.scale), None, None, None
