"""Reads the predictions that ``tools/test.py --dump`` writes, a pickle with tensors, without running code from it."""

import io
from collections import OrderedDict
from pathlib import Path
from typing import Any

import torch

from depth_refine.utils.errors import InputError
from depth_refine.utils.safe_pickle import PlainUnpickler


def read_predictions(path: Path) -> list[dict]:
    """Read one dict for each sample, of plain values, arrays and tensors.

    Raises:
        InputError: the file is missing, damaged, asks for code to be run, or holds anything else.
    """
    try:
        with path.open('rb') as file:
            samples = _Unpickler(file).load()
    except Exception as error:  # a damaged pickle can raise anything
        raise InputError(f'{path} is not a readable file of predictions ({error}). Make it again.') from error
    if not isinstance(samples, list) or not all(isinstance(sample, dict) for sample in samples):
        raise InputError(f'{path}: expected a list of one dict for each sample, as tools/test.py --dump writes')
    return samples


class _Unpickler(PlainUnpickler):
    """Unpickles tensors besides what its base class does."""

    def find_class(self, module: str, name: str) -> Any:
        """Functions that make tensors of the numbers given, or the base class's stand-in."""
        tensors = {
            ('torch._utils', '_rebuild_tensor_v2'): torch._utils._rebuild_tensor_v2,
            ('torch.storage', '_load_from_bytes'): _storage,
            ('collections', 'OrderedDict'): OrderedDict,
        }
        return tensors.get((module, name)) or super().find_class(module, name)


def _storage(content: bytes) -> Any:
    """Stand-in for PyTorch's function of that name, which loads without restriction."""
    return torch.load(io.BytesIO(content), weights_only=True)
