"""Soft-argmax of 3D heatmaps on GPUs: Triton kernels that read the logits once a pass and write their gradient alone.

Between the passes the logits themselves are kept, the coordinates, and of each heatmap the logarithm of its sum of
exponentials. The axes of a heatmap are taken in the order of their strides, so that neighbouring threads read
neighbouring numbers in any layout. Exponentials are powers of two, one instruction of a GPU, and logarithms to base 2.

A program works on a tile of a heatmap, some rows along the axis of the smallest stride; "first" and "second" are the
indices of a row on the other two axes, "third" those of its bins.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor
from torch.autograd.function import once_differentiable

_TILE = 4096  # bins: 32 for each of a program's 128 threads, with several reads under way at once
_LOG2_E = tl.constexpr(1.4426950408889634)


def fused_soft_argmax_3d(logits: Tensor) -> Tensor:
    """:func:`.soft_argmax.soft_argmax_3d` for GPUs.

    Args:
        logits: (B, K, D, H, W) of float32 or half precision, in any memory layout.

    Returns:
        (B, K, 3) coordinates in [0, 1], order x, y, z, float32.
    """
    return _FusedSoftArgmax3D.apply(logits)


class _FusedSoftArgmax3D(torch.autograd.Function):
    """The kernels' launches."""

    @staticmethod
    def forward(ctx, logits: Tensor) -> Tensor:
        tiles = _Tiles(logits)
        sums = logits.new_empty((*logits.shape[:2], tiles.count, 5), dtype=torch.float32)
        coords = logits.new_empty((*logits.shape[:2], 3), dtype=torch.float32)
        log_sums = logits.new_empty(logits.shape[:2], dtype=torch.float32)
        if coords.numel():
            with torch.cuda.device_of(logits):
                _sum_tiles[tiles.grid](logits, sums, *tiles.strides(logits), *tiles.sizes, **tiles.constants)
                block = triton.next_power_of_2(tiles.count)
                _find_coordinates[tiles.grid[:1]](
                    sums, coords, log_sums, tiles.count, *tiles.sizes[1:], **tiles.columns, BLOCK=block
                )
        ctx.save_for_backward(logits, coords, log_sums)
        return coords

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: Tensor) -> Tensor:
        logits, coords, log_sums = ctx.saved_tensors
        tiles = _Tiles(logits)
        grad_logits = torch.empty_like(logits)
        strides = *tiles.strides(logits), *tiles.strides(grad_logits)
        if coords.numel():
            with torch.cuda.device_of(logits):
                _find_gradient[tiles.grid](
                    *(logits, grad_logits, coords, log_sums, grad.to(coords.dtype).contiguous()),
                    *(*strides, *tiles.sizes),
                    **tiles.constants,
                    **tiles.columns,
                )
        return grad_logits


class _Tiles:
    """How programs share out heatmaps.

    Args:
        logits: (B, K, D, H, W).
    """

    def __init__(self, logits: Tensor) -> None:
        batch, joints = logits.shape[:2]
        self._axes = sorted((2, 3, 4), key=logits.stride, reverse=True)
        bins = [logits.shape[axis] for axis in self._axes]
        width = triton.next_power_of_2(bins[2])
        rows = max(_TILE // width, 1)
        self.count = triton.cdiv(bins[0] * bins[1], rows)
        self.grid = batch * joints, self.count
        self.sizes = joints, *bins
        self.constants = dict(ROWS=rows, WIDTH=width)
        # where coordinates (x, y, z) have each axis
        self.columns = {name: 4 - axis for name, axis in zip(('FIRST', 'SECOND', 'THIRD'), self._axes, strict=True)}

    def strides(self, logits: Tensor) -> tuple[int, ...]:
        """Of batch, joints and the three axes."""
        return logits.stride(0), logits.stride(1), *map(logits.stride, self._axes)


@triton.jit
def _sum_tiles(
    logits, sums, s_b, s_k, s_0, s_1, s_2, joints, n_0: tl.constexpr, n_1: tl.constexpr, n_2: tl.constexpr,
    ROWS: tl.constexpr, WIDTH: tl.constexpr,
):  # fmt: skip
    """Of each tile (5,): the largest logit, the sum of exponentials relative to it, and their sums times each index."""
    first, second, third, inside = _indices(n_0, n_1, n_2, ROWS, WIDTH)
    at = _offsets(first, second, third, joints, s_b, s_k, s_0, s_1, s_2)
    values = tl.load(logits + at, mask=inside, other=float('-inf')).to(tl.float32) * _LOG2_E
    largest = tl.max(values)
    exponentials = tl.exp2(values - tl.where(largest == float('-inf'), 0.0, largest))
    of_rows = tl.sum(exponentials, 1)
    of_tile = sums + (tl.program_id(0).to(tl.int64) * tl.num_programs(1) + tl.program_id(1)) * 5
    tl.store(of_tile, largest)
    tl.store(of_tile + 1, tl.sum(of_rows))
    tl.store(of_tile + 2, tl.sum(of_rows * first))
    tl.store(of_tile + 3, tl.sum(of_rows * second))
    tl.store(of_tile + 4, tl.sum(tl.sum(exponentials, 0) * third))


@triton.jit
def _find_coordinates(
    sums, coords, log_sums, tiles, n_0: tl.constexpr, n_1: tl.constexpr, n_2: tl.constexpr,
    FIRST: tl.constexpr, SECOND: tl.constexpr, THIRD: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Coordinates (3,) of a heatmap, and the logarithm of its sum of exponentials, from the sums of its tiles."""
    heatmap = tl.program_id(0).to(tl.int64)
    tile = tl.arange(0, BLOCK)
    of_tiles = sums + (heatmap * tiles + tile) * 5
    exists = tile < tiles
    of_each = tl.load(of_tiles, mask=exists, other=float('-inf'))
    largest = tl.max(of_each)
    scale = tl.exp2(of_each - largest)
    total = tl.sum(scale * tl.load(of_tiles + 1, mask=exists, other=0.0))
    first = tl.sum(scale * tl.load(of_tiles + 2, mask=exists, other=0.0)) / total
    second = tl.sum(scale * tl.load(of_tiles + 3, mask=exists, other=0.0)) / total
    third = tl.sum(scale * tl.load(of_tiles + 4, mask=exists, other=0.0)) / total
    tl.store(log_sums + heatmap, largest + tl.log2(total))
    tl.store(coords + heatmap * 3 + FIRST, (first + 0.5) / n_0)
    tl.store(coords + heatmap * 3 + SECOND, (second + 0.5) / n_1)
    tl.store(coords + heatmap * 3 + THIRD, (third + 0.5) / n_2)


@triton.jit
def _find_gradient(
    logits, grad_logits, coords, log_sums, grads,
    s_b, s_k, s_0, s_1, s_2, g_b, g_k, g_0, g_1, g_2, joints,
    n_0: tl.constexpr, n_1: tl.constexpr, n_2: tl.constexpr,
    ROWS: tl.constexpr, WIDTH: tl.constexpr, FIRST: tl.constexpr, SECOND: tl.constexpr, THIRD: tl.constexpr,
):  # fmt: skip
    """Probability of each bin times its distance from the coordinates, along their gradients."""
    first, second, third, inside = _indices(n_0, n_1, n_2, ROWS, WIDTH)
    at = _offsets(first, second, third, joints, s_b, s_k, s_0, s_1, s_2)
    values = tl.load(logits + at, mask=inside, other=float('-inf')).to(tl.float32) * _LOG2_E
    heatmap = tl.program_id(0).to(tl.int64)
    coords += heatmap * 3
    grads += heatmap * 3
    along_rows = ((first + 0.5) / n_0 - tl.load(coords + FIRST)) * tl.load(grads + FIRST)
    along_rows += ((second + 0.5) / n_1 - tl.load(coords + SECOND)) * tl.load(grads + SECOND)
    along_third = ((third + 0.5) / n_2 - tl.load(coords + THIRD)) * tl.load(grads + THIRD)
    probabilities = tl.exp2(values - tl.load(log_sums + heatmap))
    found = probabilities * (along_rows[:, None] + along_third[None, :])
    to = _offsets(first, second, third, joints, g_b, g_k, g_0, g_1, g_2)
    tl.store(grad_logits + to, found.to(grad_logits.dtype.element_ty), mask=inside)


@triton.jit
def _indices(n_0: tl.constexpr, n_1: tl.constexpr, n_2: tl.constexpr, ROWS: tl.constexpr, WIDTH: tl.constexpr):
    """First and second (ROWS,), third (WIDTH,) of this program's tile, and which of its bins exist."""
    row = tl.program_id(1) * ROWS + tl.arange(0, ROWS)
    third = tl.arange(0, WIDTH)
    return row // n_1, row % n_1, third, (row < n_0 * n_1)[:, None] & (third < n_2)[None, :]


@triton.jit
def _offsets(first, second, third, joints, s_b, s_k, s_0, s_1, s_2):
    """Where the bins of this program's tile lie, (ROWS, WIDTH)."""
    heatmap = tl.program_id(0).to(tl.int64)
    start = heatmap // joints * s_b + heatmap % joints * s_k
    return start + (first * s_0 + second * s_1)[:, None] + (third * s_2)[None, :]
