"""Memory of batches, used again."""

import math
import weakref

import numpy as np
import torch
from torch import Tensor


class BatchMemory:
    """Gives out tensors in memory that earlier ones, which nobody holds any longer, have left.

    The C library returns blocks as large as a batch of windows to the system and gets them back page by page, each page
    cleared, which takes several times as long as filling them. A block is lent as long as its tensor, a view of it or
    the autograd graph needs it; as many blocks are kept as were ever lent at once.

    Args:
        device: where the tensors are to be. On other devices than the CPU PyTorch itself keeps memory.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._free: list[np.ndarray] = []

    def empty(self, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        """A tensor of this shape and type with any content."""
        if self.device.type != 'cpu':
            return torch.empty(shape, dtype=dtype, device=self.device)
        size = math.prod(shape) * dtype.itemsize
        block = self._free.pop() if self._free else np.empty(0, np.uint8)
        if len(block) < size:
            block = np.empty(size, np.uint8)
        lent = block[:size]
        weakref.finalize(lent, self._free.append, block)  # the tensor's storage holds ``lent``
        return torch.from_numpy(lent).view(dtype).view(shape)
