import pytest
import torch
from scipy import stats

from depth_refine.functional.random_bits import random_bits


@pytest.mark.parametrize(('dtype', 'shape'), [(torch.int8, (7, 30_001)), (torch.int16, (400_003,))])
def test_uniform_over_all_values(dtype, shape):
    torch.manual_seed(0)
    values = random_bits(shape, dtype)
    assert values.shape == shape and values.dtype == dtype
    counts = (values.flatten().long() - torch.iinfo(dtype).min).bincount(minlength=256**values.itemsize)
    assert len(counts) == 256**values.itemsize and stats.chisquare(counts).pvalue > 0.001


def test_parts_of_one_number_are_independent():
    torch.manual_seed(0)
    values = random_bits((40_000, 8), torch.int8).double()
    correlation = torch.corrcoef(values.T) - torch.eye(8)
    assert correlation.abs().max() < 5 / 200


@pytest.mark.parametrize('shape', [(0,), (3, 0), (1,), (2, 3, 5)])
def test_seed_and_odd_sizes(shape):
    torch.manual_seed(3)
    first, second = random_bits(shape, torch.int16), random_bits(shape, torch.int16)
    torch.manual_seed(3)
    assert first.shape == shape and torch.equal(first, random_bits(shape, torch.int16))
    assert first.numel() == 0 or not torch.equal(first, second)
