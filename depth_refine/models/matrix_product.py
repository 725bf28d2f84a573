"""Matrix products of the refiner, on CPUs through oneDNN.

PyTorch gives float32 products to the BLAS that it was built with. That is MKL, which on processors that are not Intel's
leaves the wider half of their registers unused. oneDNN, which PyTorch has for convolutions, does not, and is as good on
Intel's. PyTorch calls it for products that ``torch.compile`` has made, hence the private names; where a release or a
machine lacks them, PyTorch's own product is taken.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

_MANY_ROWS = 1024  # a product of so many has reached its full speed


def _has_onednn(x: Tensor) -> bool:
    if x.device.type != 'cpu' or not torch.backends.mkldnn.is_available():
        return False
    ops = torch.ops.mkldnn
    if not hasattr(ops, '_linear_pointwise') or not hasattr(ops, '_reorder_linear_weight'):
        return False
    return x.dtype == torch.float32 or (x.dtype == torch.bfloat16 and ops._is_mkldnn_bf16_supported())


def _onednn_linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    return torch.ops.mkldnn._linear_pointwise(x, weight, bias, 'none', [], '')


def linear(x: Tensor, weight: Tensor) -> Tensor:
    """:func:`torch.nn.functional.linear`, with gradients.

    Args:
        x: (..., in_channels).
        weight: (out_channels, in_channels).

    Returns:
        (..., out_channels), in the precision of autocast, if that is on.
    """
    if torch.is_autocast_enabled(x.device.type) or x.dtype != torch.float32 or not _has_onednn(x):
        return F.linear(x, weight)  # in bfloat16 that is oneDNN already
    return _OneDNNLinear.apply(x.flatten(0, -2), weight).unflatten(0, x.shape[:-1])


class _OneDNNLinear(torch.autograd.Function):
    """(n, in_channels) by (out_channels, in_channels) to (n, out_channels)."""

    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return _onednn_linear(x, weight)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, grad: Tensor) -> tuple[Tensor | None, Tensor | None]:
        x, weight = ctx.saved_tensors
        grad_x = _onednn_linear(grad, weight.t()) if ctx.needs_input_grad[0] else None
        grad_weight = None
        if ctx.needs_input_grad[1]:
            # both are transposed by a copy, which a few rows at a time find in the cache
            for rows, inputs in zip(grad.split(_MANY_ROWS), x.split(_MANY_ROWS), strict=True):
                part = _onednn_linear(rows.t(), inputs.t())
                grad_weight = part if grad_weight is None else grad_weight.add_(part)
        return grad_x, grad_weight


class PackedLinear:
    """A linear layer without gradients, its weights in the order that the processor's library works in.

    It holds a copy of the weights.

    Args:
        weight: (out_channels, in_channels).
        bias: (out_channels,); where oneDNN has it, added before the sum is rounded to the precision of the weights.
        rows: of the inputs, about. The order of the weights depends on it.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None = None, rows: int = _MANY_ROWS) -> None:
        self.out_channels = len(weight)
        self.is_packed = _has_onednn(weight)
        self._bias = bias if self.is_packed or bias is None else bias.to(weight.dtype)
        # for a single row oneDNN has another way, which is slower than two rows
        self._weight = torch.ops.mkldnn._reorder_linear_weight(weight, max(rows, 2)) if self.is_packed else weight

    def __call__(self, x: Tensor) -> Tensor:
        """(..., in_channels) to (..., out_channels)."""
        if not self.is_packed:
            return F.linear(x, self._weight, self._bias)
        if x.shape[:-1].numel() == 1:
            rows = x.flatten(0, -2).repeat(2, 1)
            return _onednn_linear(rows, self._weight, self._bias)[:1].view(*x.shape[:-1], -1)
        return _onednn_linear(x, self._weight, self._bias)

    def relu(self, x: Tensor) -> Tensor:
        """(..., in_channels) to (..., out_channels), followed by a ReLU; oneDNN's own makes zeros of NaN."""
        return self(x).relu_()
