"""Temporal backbone of the second stage (section II, "Second stage").

Shape key: B batch, T frames, C channels, W kernel size. Inside the network sequences are (B, T, C): a convolution whose
stride is its kernel is then a reshape and one matrix product, and a dilated one is a product on W shifted views side by
side.
"""

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from mmpose.registry import MODELS
from torch import Tensor, nn

from depth_refine.utils.errors import InputError
from depth_refine.utils.options import require_number

from .dilated_convolution import PackedDilatedConvolution, side_by_side
from .matrix_product import linear
from .relu_dropout import ReLUDropout

_MOST_CHANNELS, _MOST_BLOCKS, _LARGEST_KERNEL = 1 << 16, 10, 1000


class TemporalConv(nn.Module):
    """Convolution, batch norm, ReLU and dropout; stride or dilation are chosen at call time, the weights are the same.

    The convolution has no bias: batch norm would remove it.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, dropout: float) -> None:
        super().__init__()
        self.conv = nn.Conv1d(in_channels, out_channels, kernel_size, bias=False)
        self.norm = nn.BatchNorm1d(out_channels)
        self.dropout = ReLUDropout(dropout)
        self._kept: tuple | None = None

    def train(self, mode: bool = True) -> 'TemporalConv':
        """As PyTorch's; forgets the folded layer, since what changes weights between two calls may not count it."""
        self._kept = None
        return super().train(mode)

    def _apply(self, fn, recurse: bool = True) -> 'TemporalConv':
        """As PyTorch's, for changes of type and device; a weight that is changed back may lie where it lay."""
        self._kept = None
        return super()._apply(fn, recurse)

    def forward_strided(self, x: Tensor) -> Tensor:
        """(B, T, in_channels) to (B, T / W, out_channels): one output for each of the T / W disjoint kernels."""
        weight = self.conv.weight.transpose(1, 2).flatten(1)
        x = linear(x.reshape(len(x), -1, weight.shape[1]), weight)
        return self.dropout(self._normalise(x.flatten(0, 1)).view(x.shape))

    def _normalise(self, rows: Tensor) -> Tensor:
        """Batch norm; by the running statistics if there is but one row, as the last batch of an epoch may have."""
        norm = self.norm
        if len(rows) > 1:
            return norm(rows)
        return F.batch_norm(rows, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=norm.eps)

    def forward_dilated(self, x: Tensor, dilation: int) -> Tensor:
        """(B, T, in_channels) to (B, T - (W - 1) * dilation, out_channels), as when evaluating."""
        if torch.is_grad_enabled():
            self._kept = None  # weights may change next
            weight, bias = self.fold_norm(x.dtype)
            return F.linear(side_by_side(x, *self.conv.kernel_size, dilation), weight, bias.to(x.dtype)).relu()
        return self._packed(x.dtype).relu(x, dilation)

    def fold_norm(self, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """Weight (out_channels, W * in_channels) and bias (out_channels,) of convolution and batch norm together.

        The bias stays in its own precision: rounded, it would shift all poses alike.
        """
        norm = self.norm
        scale = norm.weight / (norm.running_var + norm.eps).sqrt()
        weight = (self.conv.weight * scale[:, None, None]).transpose(1, 2).flatten(1)
        return weight.to(dtype), norm.bias - norm.running_mean * scale

    def _packed(self, dtype: torch.dtype) -> PackedDilatedConvolution:
        """The folded layer, kept until a weight changes or :meth:`train` or :meth:`eval` is called.

        Neither fused optimisers nor the statistics of batch norm count their changes, nor what writes to ``.data``.
        """
        norm = self.norm
        sources = (self.conv.weight, norm.weight, norm.bias, norm.running_mean, norm.running_var)
        # a version counts the changes made to a tensor in place; the address tells tensors apart
        key = (dtype, *((s.data_ptr(), None if s.is_inference() else s._version) for s in sources))
        if self._kept is None or self._kept[0] != key:
            self._kept = key, PackedDilatedConvolution(*self.fold_norm(dtype), *self.conv.kernel_size)
        return self._kept[1]

    def __getstate__(self) -> dict:
        """Without what is kept: a copy makes its own."""
        return dict(self.__dict__, _kept=None)


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
        """(B, T, C) to (B, T / W, C): one output for each of the T / W disjoint kernels."""
        residual = x[:, self.residual_tap :: self.kernel_size]
        return residual + self.conv2.forward_strided(self.conv1.forward_strided(x))

    def forward_dilated(self, x: Tensor, dilation: int, dtype: torch.dtype) -> Tensor:
        """(B, T, C) to (B, T - (W - 1) * dilation, C): one output for each position of the dilated kernel.

        The convolutions are computed in ``dtype``; the residual keeps its own, as in half precision the roundings of
        all blocks would add up in it.
        """
        out = self.conv2.forward_dilated(self.conv1.forward_dilated(x.to(dtype), dilation), 1)
        residual = x[:, self.residual_tap * dilation :][:, : out.shape[1]]
        if torch.is_grad_enabled() or out.dtype != residual.dtype:
            return out + residual
        return out.add_(residual)


@MODELS.register_module()
class TemporalConvNet(BaseModule):
    """Dilated temporal ConvNet over pose sequences.

    R is the receptive field.

    An input convolution of kernel W is followed by residual blocks; block i (from 1) has dilation W^i, so the receptive
    field is W^(num_blocks + 1). Every convolution is followed by batch norm, ReLU and dropout. Nothing is padded.

    While training, only the one output of a window of exactly R frames is computed, by strided convolutions; while
    evaluating, every output of a sequence of any length, by dilated ones. Both use the same weights and agree on every
    window (Pavllo et al., CVPR 2019, appendix A.5). Under autocast the first layer and the residuals stay in float32
    while evaluating.

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
        InputError: a number is out of its range; an even ``kernel_size`` without ``causal``, which has no middle frame.
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
        device = x.device.type
        dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else x.dtype
        x = x.transpose(1, 2)
        if self.training:
            x = self.input_conv.forward_strided(x.to(dtype))
            for block in self.blocks:
                x = block.forward_strided(x)
        else:
            with torch.autocast(device, enabled=False):
                x = self.input_conv.forward_dilated(x, 1)
                for i, block in enumerate(self.blocks, start=1):
                    x = block.forward_dilated(x, self.kernel_size**i, dtype)
        return (x.transpose(1, 2),)
