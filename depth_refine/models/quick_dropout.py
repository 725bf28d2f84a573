"""Dropout that does not spend most of a CPU's time on random numbers."""

import torch
from torch import Tensor, nn

_LEVELS = 2**16


class QuickDropout(nn.Dropout):
    """:class:`torch.nn.Dropout`, on CPUs with four decisions from each 64-bit random number.

    PyTorch draws one number for each element, one after the other, the largest part of a training step of a small
    refiner. The rate is rounded to a multiple of 2^-16 on CPUs; the scale fits the rounded rate, so
    that the expectation stays exact. ``torch.manual_seed`` fixes the decisions.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Any shape; the same shape and dtype come out."""
        threshold = round(self.p * _LEVELS)
        if not self.training or x.device.type != 'cpu' or threshold in (0, _LEVELS):
            return super().forward(x)
        bits = torch.empty(-(-x.numel() // 4), dtype=torch.int64).random_(-(2**63), None)
        keep = bits.view(torch.int16)[: x.numel()].view(x.shape) >= threshold - _LEVELS // 2
        return x * keep.to(x.dtype).mul_(_LEVELS / (_LEVELS - threshold))
