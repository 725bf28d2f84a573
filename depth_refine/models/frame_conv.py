"""A convolution over frames, for sequences that are stored frame by frame."""

import torch.nn.functional as F
from torch import Tensor, nn


class FrameConv1d(nn.Conv1d):
    """:class:`torch.nn.Conv1d` on (B, T, C) instead of (B, C, T), with a dilation or a stride chosen at call time.

    Data sets give frame after frame, and convolutions are fastest with channels last. PyTorch has that layout for
    images only, so a sequence is convolved as an image of one row. A stride of W, the kernel size, becomes a
    convolution of kernel 1 on W concatenated frames. A linear layer would do the same, but its float32 product takes
    twice as long on an AMD processor (docs/performance.md).

    Example:
        >>> import torch
        >>> from depth_refine.models.frame_conv import FrameConv1d
        >>> conv = FrameConv1d(in_channels=39, out_channels=64, kernel_size=3)
        >>> windows = torch.zeros(2, 27, 39)
        >>> conv(windows, dilation=9).shape, conv(windows, dilation=None).shape
        (torch.Size([2, 9, 64]), torch.Size([2, 9, 64]))
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, bias: bool = True) -> None:
        super().__init__(in_channels, out_channels, kernel_size, bias=bias)  # other options are for (B, C, T) alone

    def forward(self, x: Tensor, dilation: int | None = 1) -> Tensor:
        """Sequences (B, T, in_channels) to features of their frames, (B, T', out_channels).

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
