"""Dilated convolutions of whole sequences without gradients."""

import torch
from torch import Tensor

from .matrix_product import PackedLinear

_MANY_CHANNELS = 512  # with fewer, what fewer multiplications gain goes into the sums around them
_PIECE = 2048  # frames computed at once: enough for products at full speed, and little memory for their sums


def side_by_side(x: Tensor, taps: int, dilation: int) -> Tensor:
    """(B, T, C) to (B, T - (taps - 1) * dilation, taps * C): each row holds the frames of one dilated kernel."""
    if taps == 1:
        return x
    frames = x.shape[1] - (taps - 1) * dilation
    return torch.cat([x[:, i * dilation :][:, :frames] for i in range(taps)], dim=-1)


class PackedDilatedConvolution:
    """A dilated convolution followed by a ReLU, its weights in the order that the processor's library works in.

    One matrix product on W shifted views side by side. In float32 on CPUs wide kernels of three need two thirds of
    the multiplications: outputs y_t and y_(t + d), for dilation d, come from four products instead of six (Winograd's
    minimal filtering F(2, 3); Lavin and Gray, "Fast algorithms for convolutional neural networks", CVPR 2016, section
    4.1), with inputs x and taps g:

        a = (x_t - x_(t + 2d)) g_0                          y_t       = a + b + c
        b = (x_(t + d) + x_(t + 2d)) (g_0 + g_1 + g_2) / 2  y_(t + d) = b - c + e
        c = (x_(t + 2d) - x_(t + d)) (g_0 - g_1 + g_2) / 2
        e = (x_(t + 3d) - x_(t + d)) g_2

    Its roundings are as large as those of the direct sum, and an output depends on the frames of its own kernel alone,
    which is not so for F(4, 3) and above. In bfloat16 each product would be rounded.

    Args:
        weight: (out_channels, W * in_channels), taps side by side.
        bias: (out_channels,).
        taps: W.
    """

    def __init__(self, weight: Tensor, bias: Tensor, taps: int) -> None:
        self._taps = taps
        self._direct = PackedLinear(weight, bias)
        self._products = None
        wide = weight.shape[1] >= taps * _MANY_CHANNELS
        if taps == 3 and wide and self._direct.is_packed and weight.dtype == torch.float32:
            first, middle, last = weight.chunk(3, dim=1)
            ends = first + last
            self._products = (
                PackedLinear(first),
                PackedLinear((ends + middle) / 2, bias),  # this product is in both outputs once
                PackedLinear((ends - middle) / 2),
                PackedLinear(last),
            )

    def relu(self, x: Tensor, dilation: int) -> Tensor:
        """(B, T, in_channels) to (B, T - (W - 1) * dilation, out_channels), followed by a ReLU."""
        pairs = 0 if self._products is None else (x.shape[1] // dilation - 2) // 2
        if pairs < 1:
            return self._direct.relu(side_by_side(x, self._taps, dilation))
        out = x.new_empty(len(x), x.shape[1] - 2 * dilation, self._direct.out_channels)
        in_pairs = 2 * pairs * dilation
        step = max(_PIECE // (2 * dilation), 1) * 2 * dilation
        for start in range(0, in_pairs, step):
            stop = min(start + step, in_pairs)
            self._pairs(x[:, start : stop + 2 * dilation], out[:, start:stop], dilation)
        if in_pairs < out.shape[1]:
            out[:, in_pairs:] = self._direct.relu(side_by_side(x[:, in_pairs:], 3, dilation))
        return out

    def _pairs(self, x: Tensor, out: Tensor, dilation: int) -> None:
        """(B, (2 P + 2) * dilation, in_channels) to (B, 2 P * dilation, out_channels), by the products."""
        x0, x1 = x.unflatten(1, (-1, 2, dilation)).unbind(2)  # frames t and t + d; the next of x0 are t + 2d
        (x0, x2), (x1, x3) = ((frames[:, :-1], frames[:, 1:]) for frames in (x0, x1))
        of_a, of_b, of_c, of_e = self._products
        b, c = of_b(x1 + x2), of_c(x2 - x1)
        y0, y1 = out.unflatten(1, (-1, 2, dilation)).unbind(2)
        torch.add(of_a(x0 - x2).add_(b), c, out=y0).relu_()
        torch.sub(of_e(x3 - x1).add_(b), c, out=y1).relu_()
