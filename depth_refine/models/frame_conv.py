"""A convolution over the frames of sequences that are stored frame by frame."""

import torch.nn.functional as F
from torch import Tensor, nn


class FrameConv1d(nn.Conv1d):
    """:class:`torch.nn.Conv1d` on (B, T, C) instead of (B, C, T), with a dilation or a stride chosen at call time.

    Data sets give frames one after the other, and channels last is the layout in which convolutions are fastest. As
    PyTorch knows it for images alone, a sequence is an image of one row. A stride of W, the kernel size, is a
    convolution of kernel 1 on W frames side by side, and no linear layer, whose float32 product takes twice as long on
    an AMD processor (docs/performance.md).
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, bias: bool = True) -> None:
        super().__init__(in_channels, out_channels, kernel_size, bias=bias)  # other options are for (B, C, T) alone

    def forward(self, x: Tensor, dilation: int | None = 1) -> Tensor:
        """Convolve.

        Args:
            x: (B, T, in_channels).
            dilation: of the kernel; None for a stride of W instead, where W divides T.

        Returns:
            (B, T - (W - 1) * dilation, out_channels), or (B, T / W, out_channels) with the stride.
        """
        if dilation is not None:
            return self._convolve(x, self.weight, dilation)
        weight = self.weight.transpose(1, 2).flatten(1).unsqueeze(2)
        return self._convolve(x.reshape(1, -1, weight.shape[1]), weight).view(len(x), -1, self.out_channels)

    def _convolve(self, x: Tensor, weight: Tensor, dilation: int = 1) -> Tensor:
        images = x.transpose(1, 2).unsqueeze(2)  # the same memory: (B, C, 1, T), channels last
        out = F.conv2d(images, weight.unsqueeze(2), self.bias, dilation=(1, dilation))
        return out.squeeze(2).transpose(1, 2)
