import numpy as np
import pytest
import torch
from torch.overrides import TorchFunctionMode

from depth_refine.datasets.window_gatherer import WindowGatherer


class PretendedAccelerator(TorchFunctionMode):
    """All tensors of the CPU say that they are on an accelerator, and what is to be made there is made on the CPU."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func == torch.Tensor.device.__get__:
            return torch.device('lazy')
        args = [torch.device('cpu') if isinstance(arg, torch.device) else arg for arg in args]
        kwargs = {name: 'cpu' if name == 'device' else value for name, value in (kwargs or {}).items()}
        return func(*args, **kwargs)


@pytest.mark.parametrize('is_accelerator', [False, True])
def test_rows_in_any_order(is_accelerator):
    numbers = torch.arange(60.0).reshape(20, 3)
    videos = [np.arange(4, 11), np.array([19, 3, 12, 0, 1])]
    which, starts = torch.tensor([0, 0, 0, 1, 1, 1]), torch.tensor([0, -2, 6, 1, -9, 4])
    rows = torch.tensor([[4, 5, 6], [4, 4, 4], [10, 10, 10], [3, 12, 0], [19, 19, 19], [1, 1, 1]])
    gatherer = WindowGatherer(dict(a=numbers, strided=numbers[:, :2]), videos)

    def gather():
        for some in (slice(0, 6), slice(0, 1), slice(3, 6)):  # some windows lie within videos, all, none
            yield gatherer.gather('a', which[some], starts[some], 3), numbers[rows[some]]
        yield gatherer.gather('a', which[:1], starts[:1], 7), numbers[None, 4:11]
        yield gatherer.gather('strided', which, starts, 3), numbers[rows][..., :2]

    if is_accelerator:
        with PretendedAccelerator():
            windows = list(gather())
    else:
        windows = list(gather())
    for got, expected in windows:
        assert torch.equal(got, expected) and got.is_contiguous()
