"""Temporal backbone of the second stage (section II, "Second stage").

Shape key: B batch, T frames, C channels, W kernel size, R receptive field.
"""

import torch.nn.functional as F
from mmengine.model import BaseModule
from mmpose.registry import MODELS
from torch import Tensor, nn

from depth_refine.utils.errors import InputError
from depth_refine.utils.options import require_number

from .byte_dropout import ByteDropout
from .frame_conv import FrameConv1d

_MOST_CHANNELS, _MOST_BLOCKS, _LARGEST_KERNEL = 1 << 16, 10, 1000


class TemporalConv(nn.Module):
    """Convolution, batch norm, ReLU and dropout.

    The convolution has no bias: batch norm would remove it.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, dropout: float) -> None:
        super().__init__()
        self.conv = FrameConv1d(in_channels, out_channels, kernel_size, bias=False)
        self.norm = nn.BatchNorm1d(out_channels)
        self.relu = nn.ReLU(inplace=True)
        self.dropout = ByteDropout(dropout)

    def forward(self, x: Tensor, dilation: int | None = 1) -> Tensor:
        """Sequences (B, T, in_channels) to features of their frames, (B, T', out_channels).

        Args:
            x: (B, T, in_channels).
            dilation: of the kernel; None for a stride of W instead.

        Returns:
            (B, T - (W - 1) * dilation, out_channels), or (B, T / W, out_channels) with the stride.
        """
        x = self.conv(x, dilation)
        return self.dropout(self.relu(self._normalise(x.flatten(0, 1)))).view_as(x)

    def _normalise(self, frames: Tensor) -> Tensor:
        """Batch norm; a single frame, as in an epoch's last batch, is normalised by the running statistics."""
        norm = self.norm
        if norm.training and len(frames) == 1:
            return F.batch_norm(frames, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=norm.eps)
        return norm(frames)


class TemporalBlock(nn.Module):
    """Residual block of a dilated kernel-W convolution and a kernel-1 convolution.

    The residual is the input frame that the output frame stands for: the kernel's middle one, or its last one if
    causal.
    """

    def __init__(self, channels: int, kernel_size: int, dropout: float, causal: bool) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.residual_tap = kernel_size - 1 if causal else kernel_size // 2
        self.conv1 = TemporalConv(channels, channels, kernel_size, dropout)
        self.conv2 = TemporalConv(channels, channels, 1, dropout)

    def forward(self, x: Tensor, dilation: int | None) -> Tensor:
        """(B, T, C) to (B, T', C), T' and ``dilation`` as in :class:`TemporalConv`."""
        out = self.conv2(self.conv1(x, dilation), None if dilation is None else 1)
        if dilation is None:
            return x[:, self.residual_tap :: self.kernel_size] + out
        before, after = (taps * dilation for taps in (self.residual_tap, self.kernel_size - 1 - self.residual_tap))
        return x[:, before : -after or None] + out


@MODELS.register_module()
class TemporalConvNet(BaseModule):
    """Dilated temporal ConvNet over pose sequences.

    An input convolution of kernel W is followed by residual blocks; block i (from 1) has dilation W^i, so the receptive
    field R is W^(num_blocks + 1). Every convolution is followed by batch norm, ReLU and dropout. Nothing is padded.

    While training, only the one output of a window of exactly R frames is computed, by strided convolutions; while
    evaluating, every output of a sequence of any length, by dilated ones. Both use the same weights and agree on every
    window (Pavllo et al., CVPR 2019, appendix A.5). Losses over time need clips, which dilated convolutions train on.

    Deviations from the paper: it prints the dilation of every block as W^B, which would not give its receptive field of
    W^(B+1); block i has W^i here, as in Pavllo et al. Convolutions before batch norm have no bias.

    Args:
        in_channels: joints x channels of a joint.
        channels: the paper's C.
        num_blocks: the paper's B.
        kernel_size: the paper's W; odd unless ``causal``.
        dropout: the paper's p.
        causal: the output stands for the last frame of its receptive field, not for the middle one.
        train_on_clips: train on sequences of any length.
        init_cfg: initialisation, see :class:`mmengine.model.BaseModule`.

    Raises:
        InputError: a number is out of its range; an even ``kernel_size`` without ``causal``, which has no middle frame.

    Example:
        >>> import torch
        >>> from depth_refine.models import TemporalConvNet
        >>> net = TemporalConvNet(in_channels=17 * 3, channels=64, num_blocks=3).eval()
        >>> (features,) = net(torch.zeros(1, 200, 17, 3))
        >>> net.receptive_field, features.shape
        (81, torch.Size([1, 120, 64]))
    """

    def __init__(
        self,
        in_channels: int,
        channels: int = 1024,
        num_blocks: int = 4,
        kernel_size: int = 3,
        dropout: float = 0.25,
        causal: bool = False,
        train_on_clips: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        for name, value, low, high in (
            ('in_channels', in_channels, 1, _MOST_CHANNELS),
            ('channels', channels, 1, _MOST_CHANNELS),
            ('num_blocks', num_blocks, 0, _MOST_BLOCKS),
            ('kernel_size', kernel_size, 1, _LARGEST_KERNEL),
        ):
            require_number(f'{name} of TemporalConvNet', value, low, high, whole=True)
        require_number('dropout of TemporalConvNet', dropout, 0, 1)
        if kernel_size % 2 == 0 and not causal:
            raise InputError(f'a symmetric TemporalConvNet needs an odd kernel_size, got {kernel_size}')
        self.in_channels = in_channels
        self.kernel_size = kernel_size
        self.causal = causal
        self.train_on_clips = train_on_clips
        self.input_conv = TemporalConv(in_channels, channels, kernel_size, dropout)
        self.blocks = nn.ModuleList(TemporalBlock(channels, kernel_size, dropout, causal) for _ in range(num_blocks))

    @property
    def receptive_field(self) -> int:
        """Number of input frames that an output frame depends on, W^(num_blocks + 1)."""
        return self.kernel_size ** (len(self.blocks) + 1)

    def forward(self, x: Tensor) -> tuple[Tensor]:
        """Sequence to features.

        Args:
            x: (B, T, joints, channels of a joint) or (B, T, in_channels); while training T must be the receptive field
                R, while evaluating or on clips T >= R.

        Returns:
            One feature map, (B, T - R + 1, channels).

        Raises:
            InputError: the channels or T do not fit.
        """
        x = x.flatten(2)
        self._check(*x.shape[1:])
        is_strided = self.training and not self.train_on_clips
        x = self.input_conv(x, None if is_strided else 1)
        for i, block in enumerate(self.blocks, start=1):
            x = block(x, None if is_strided else self.kernel_size**i)
        return (x,)

    def _check(self, frames: int, channels: int) -> None:
        field = self.receptive_field
        if channels != self.in_channels:
            raise InputError(
                f'TemporalConvNet takes (batch, frames, joints, channels) with {self.in_channels} joints x channels, '
                f'got {channels}'
            )
        needs_windows = self.training and not self.train_on_clips
        if frames < field or (needs_windows and frames != field):
            expected = f'windows of exactly {field}' if needs_windows else f'at least {field}'
            hint = '; train_on_clips=True takes clips' if needs_windows and frames > field else ''
            raise InputError(
                f'TemporalConvNet with a receptive field of {field} frames takes {expected} frames while '
                f'{"training" if self.training else "evaluating"}, got {frames}{hint}'
            )
