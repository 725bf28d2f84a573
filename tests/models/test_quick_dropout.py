import pytest
import torch

from depth_refine.models.quick_dropout import QuickDropout


@pytest.mark.parametrize('p', [0.1, 0.25, 0.9])
def test_rate_and_expectation(p):
    torch.manual_seed(0)
    x = torch.ones(1000, 1001)
    y = QuickDropout(p)(x)
    # five standard deviations of a million fair decisions
    assert (y == 0).float().mean().item() == pytest.approx(p, abs=5 * (p * (1 - p) / x.numel()) ** 0.5 + 2**-17)
    kept = y[y != 0]
    torch.testing.assert_close(kept, torch.full_like(kept, 1 / (1 - p)), rtol=1e-3, atol=0)


def test_decisions_are_independent():
    torch.manual_seed(0)
    dropped = (QuickDropout(0.5)(torch.ones(40000, 8)) == 0).double()
    correlation = torch.corrcoef(dropped.T) - torch.eye(8)  # four neighbours come from one random number
    assert correlation.abs().max() < 5 / 200


def test_gradient_is_the_mask():
    x = torch.randn(7, 13, requires_grad=True)
    y = QuickDropout(0.25)(x)
    y.sum().backward()
    torch.testing.assert_close(x.grad * x, y)
    assert (x.grad == 0).any() and (x.grad > 1).any()


def test_seed_dtype_and_shape():
    x = torch.ones(3, 5, 7, dtype=torch.bfloat16)
    outs = []
    for _ in range(2):
        torch.manual_seed(3)
        outs.append(QuickDropout(0.25)(x))
    assert torch.equal(*outs) and outs[0].dtype == torch.bfloat16 and outs[0].shape == x.shape
    assert not torch.equal(QuickDropout(0.25)(x), outs[0])


@pytest.mark.parametrize(('p', 'training', 'expected'), [(0.0, True, 1), (1.0, True, 0), (0.25, False, 1)])
def test_without_random_numbers(p, training, expected):
    x = torch.ones(4, 5)
    assert (QuickDropout(p).train(training)(x) == expected).all()
    assert QuickDropout(0.25)(torch.ones(0, 5)).shape == (0, 5)
