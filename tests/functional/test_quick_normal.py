import numpy as np
import torch
from scipy import stats

from depth_refine.functional.quick_normal import quick_normal

CPU = torch.device('cpu')


def test_distribution():
    torch.manual_seed(0)
    values = quick_normal((59_049, 17), CPU).numpy().astype(np.float64)
    for column in values.T:
        assert stats.kstest(column, 'norm').pvalue > 0.001
    values = values.ravel()
    assert stats.kstest(values, 'norm').pvalue > 0.01
    assert abs(values.mean()) < 0.004 and abs(values.std() - 1) < 0.003
    assert abs(stats.skew(values)) < 0.01 and abs(stats.kurtosis(values)) < 0.02
    assert 4 < np.abs(values).max() < 4.01


def test_rows_are_independent_and_their_numbers_as_far_as_said():
    torch.manual_seed(0)
    values = quick_normal((300_000, 17), CPU).numpy().astype(np.float64)
    for products in (values, values**2 - 1):  # a dependence without a correlation would show in the squares
        within = np.corrcoef(products.T) - np.eye(17)
        assert np.abs(within).max() < 5 * (2**-14 + 1 / 300_000) ** 0.5
        after = products[:-1].T @ products[1:] / 300_000 / products.var()
        assert np.abs(after).max() < 5 / 300_000**0.5
    lengths = (values**2).sum(axis=1)
    assert stats.kstest(lengths, stats.chi2(17).cdf).statistic < 2 * (2**-14 + 1 / 300_000) ** 0.5


def test_reproducible_and_new_each_time():
    torch.manual_seed(5)
    first, second = quick_normal((3, 7, 1), CPU), quick_normal((3, 7, 1), CPU)
    assert first.shape == (3, 7, 1) and first.dtype == torch.float32
    assert not torch.equal(first, second)
    torch.manual_seed(5)
    assert torch.equal(first, quick_normal((3, 7, 1), CPU))
