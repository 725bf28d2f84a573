"""Conversions for code that works on tensors and also takes arrays."""

import numpy as np
import torch
from torch import Tensor


def as_tensor(values: np.ndarray | Tensor) -> Tensor:
    """A tensor of the same numbers, in the same memory wherever PyTorch can read it."""
    return torch.from_numpy(np.ascontiguousarray(values)) if isinstance(values, np.ndarray) else values


def as_given(result: Tensor, given: np.ndarray | Tensor) -> np.ndarray | Tensor:
    """The result of a computation on ``as_tensor(given)``, as an array if ``given`` is one."""
    return result.numpy() if isinstance(given, np.ndarray) else result
