import numpy as np
import torch
from scipy import stats

from depth_refine.functional.quick_normal import quick_normal

CPU = torch.device('cpu')


def test_distribution():
    torch.manual_seed(0)
    values = quick_normal((1_000_003,), CPU).numpy().astype(np.float64)
    assert stats.kstest(values, 'norm').pvalue > 0.01
    assert abs(values.mean()) < 0.004 and abs(values.std() - 1) < 0.003
    assert abs(stats.skew(values)) < 0.01 and abs(stats.kurtosis(values)) < 0.02
    assert np.abs(np.corrcoef(values[:-1], values[1:])[0, 1]) < 0.004
    assert 4 < np.abs(values).max() < 4.33


def test_reproducible_and_new_each_time():
    torch.manual_seed(5)
    first, second = quick_normal((3, 7, 1), CPU), quick_normal((3, 7, 1), CPU)
    assert first.shape == (3, 7, 1) and first.dtype == torch.float32
    assert not torch.equal(first, second)
    torch.manual_seed(5)
    assert torch.equal(first, quick_normal((3, 7, 1), CPU))
