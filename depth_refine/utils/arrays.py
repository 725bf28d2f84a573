"""Steps that are written for tensors and take arrays, too."""

import numpy as np
import torch
from torch import Tensor


def as_tensor(values: np.ndarray | Tensor) -> Tensor:
    """A tensor of the same numbers, in the same memory wherever PyTorch can read it."""
    return torch.from_numpy(np.ascontiguousarray(values)) if isinstance(values, np.ndarray) else values


def as_given(result: Tensor, given: np.ndarray | Tensor) -> np.ndarray | Tensor:
    """What was computed from ``as_tensor(given)``, as an array if that was one."""
    return result.numpy() if isinstance(given, np.ndarray) else result
