"""Many small random integers from a few large ones."""

import math

import torch
from torch import Size, Tensor


def random_bits(shape: Size | tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """Integers uniform over all values of a narrow type, drawn from PyTorch's global generator, on the CPU.

    PyTorch draws one 64-bit number for each element, one after the other, which takes longer than what is done with
    the elements. Here eight int8 or four int16 come out of one.

    Args:
        shape: of the result.
        dtype: ``torch.int8``, ``torch.int16`` or ``torch.int32``.
    """
    count = math.prod(shape)
    numbers = torch.empty(-(-count * dtype.itemsize // 8), dtype=torch.int64).random_(-(2**63), None)
    return numbers.view(dtype)[:count].view(shape)
