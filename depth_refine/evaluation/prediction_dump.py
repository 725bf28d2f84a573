"""Safe reading of the predictions that ``tools/test.py --dump`` writes, a pickle with tensors."""

import io
from collections import OrderedDict
from pathlib import Path
from typing import Any

import torch

from depth_refine.utils.errors import InputError
from depth_refine.utils.safe_pickle import PlainUnpickler


def read_predictions(path: Path) -> list[dict]:
    """Read a list of one dict for each sample, of plain values, arrays and tensors, without running code.

    Raises:
        InputError: the file is missing or damaged, would run code, or holds anything else.
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
    """The base class's unpickler, which also accepts tensors."""

    def find_class(self, module: str, name: str) -> Any:
        """The functions that build tensors from plain numbers; all else is up to the base class."""
        tensors = {
            ('torch._utils', '_rebuild_tensor_v2'): torch._utils._rebuild_tensor_v2,
            ('torch.storage', '_load_from_bytes'): _storage,
            ('collections', 'OrderedDict'): OrderedDict,
        }
        return tensors.get((module, name)) or super().find_class(module, name)


def _storage(content: bytes) -> Any:
    """Substitute for PyTorch's ``_load_from_bytes``, which loads without restriction."""
    return torch.load(io.BytesIO(content), weights_only=True)
