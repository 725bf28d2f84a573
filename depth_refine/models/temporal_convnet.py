"""Temporal backbone of the second stage (section II, "Second stage")."""

import torch.nn.functional as F
from mmengine.model import BaseModule
from mmpose.registry import MODELS
from torch import Tensor, nn


class TemporalConv(nn.Module):
    """Convolution, batch norm, ReLU and dropout; stride and dilation are chosen at call time, the weights are the same.

    The convolution has no bias: batch norm would remove it.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, dropout: float) -> None:
        super().__init__()
        self.conv = nn.Conv1d(in_channels, out_channels, kernel_size, bias=False)
        self.norm = nn.BatchNorm1d(out_channels)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, stride: int = 1, dilation: int = 1) -> Tensor:
        """(B, in_channels, T) to (B, out_channels, T'), without padding."""
        x = F.conv1d(x, self.conv.weight, stride=stride, dilation=dilation)
        return self.dropout(F.relu(self.norm(x)))


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

    def forward_strided(self, x: Tensor) -> Tensor:
        """(B, C, T) to (B, C, T / W): one output for each of the T / W disjoint kernels."""
        residual = x[:, :, self.residual_tap :: self.kernel_size]
        return residual + self.conv2(self.conv1(x, stride=self.kernel_size))

    def forward_dilated(self, x: Tensor, dilation: int) -> Tensor:
        """(B, C, T) to (B, C, T - (W - 1) * dilation): one output for each position of the dilated kernel."""
        out = self.conv2(self.conv1(x, dilation=dilation))
        return x[:, :, self.residual_tap * dilation :][:, :, : out.shape[-1]] + out


@MODELS.register_module()
class TemporalConvNet(BaseModule):
    """Dilated temporal ConvNet over pose sequences.

    Shape key: B batch, T frames, W kernel size, R receptive field.

    An input convolution of kernel W is followed by residual blocks; block i (from 1) has dilation W^i, so the receptive
    field is W^(num_blocks + 1). Every convolution is followed by batch norm, ReLU and dropout. Nothing is padded.

    While training, only the one output of a window of exactly R frames is computed, by strided convolutions; while
    evaluating, every output of a sequence of any length, by dilated ones. Both use the same weights and agree on every
    window (Pavllo et al., CVPR 2019, appendix A.5).

    Deviations from the paper: it prints the dilation of every block as W^B, which would not give its receptive field of
    W^(B+1); block i has W^i here, as in Pavllo et al. Convolutions before batch norm have no bias.

    Args:
        in_channels: joints x channels of a frame.
        channels: the paper's C.
        num_blocks: the paper's B.
        kernel_size: the paper's W; odd unless ``causal``.
        dropout: the paper's p.
        causal: the output stands for the last frame of its receptive field, not for the middle one.
        init_cfg: initialisation, see :class:`mmengine.model.BaseModule`.

    Raises:
        ValueError: an even ``kernel_size`` without ``causal`` has no middle frame.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int = 1024,
        num_blocks: int = 4,
        kernel_size: int = 3,
        dropout: float = 0.25,
        causal: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        if kernel_size % 2 == 0 and not causal:
            raise ValueError(f'a symmetric TemporalConvNet needs an odd kernel_size, got {kernel_size}')
        self.in_channels = in_channels
        self.kernel_size = kernel_size
        self.causal = causal
        self.input_conv = TemporalConv(in_channels, channels, kernel_size, dropout)
        self.blocks = nn.ModuleList(TemporalBlock(channels, kernel_size, dropout, causal) for _ in range(num_blocks))

    @property
    def receptive_field(self) -> int:
        """Number of input frames that an output frame depends on, W^(num_blocks + 1)."""
        return self.kernel_size ** (len(self.blocks) + 1)

    def forward(self, x: Tensor) -> tuple[Tensor]:
        """Sequence to features.

        Args:
            x: (B, in_channels, T); while training T must be the receptive field R, while evaluating T >= R.

        Returns:
            One feature map, (B, channels, T - R + 1).

        Raises:
            ValueError: T does not fit.
        """
        frames, field = x.shape[-1], self.receptive_field
        if frames < field or (self.training and frames != field):
            expected = f'windows of exactly {field}' if self.training else f'at least {field}'
            raise ValueError(
                f'TemporalConvNet with a receptive field of {field} frames takes {expected} frames while '
                f'{"training" if self.training else "evaluating"}, got {frames}'
            )
        x = self.input_conv(x, stride=self.kernel_size if self.training else 1)
        for i, block in enumerate(self.blocks, start=1):
            x = block.forward_strided(x) if self.training else block.forward_dilated(x, self.kernel_size**i)
        return (x,)
