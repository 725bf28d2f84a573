"""Dropout that makes its mask from random bytes."""

import torch
from torch import Tensor, nn

_INT64 = torch.iinfo(torch.int64)


class ByteDropout(nn.Dropout):
    """:class:`torch.nn.Dropout`, faster on CPUs: 64 random bits decide on eight elements.

    PyTorch draws a number for each element, one after the other, which is a fifth of a training step in float32
    and 30 % in bfloat16 (docs/performance.md). Other rates than multiples of 1/256, and other devices, are PyTorch's.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Drop elements of a tensor of any shape; shape and dtype are kept."""
        threshold = 256 * self.p
        if not self.training or x.device.type != 'cpu' or threshold != int(threshold) or not 0 < threshold < 256:
            return super().forward(x)
        bits = torch.randint(_INT64.min, _INT64.max, (-(-x.numel() // 8),), device=x.device)
        is_kept = bits.view(torch.uint8)[: x.numel()].view(x.shape) >= threshold
        return x * is_kept.to(x.dtype).div_(1 - self.p)
