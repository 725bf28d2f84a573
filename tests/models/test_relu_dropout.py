import pytest
import torch

from depth_refine.models.relu_dropout import ReLUDropout


@pytest.mark.parametrize('p', [0.1, 0.25, 0.9])
def test_rate_and_expectation(p):
    torch.manual_seed(0)
    x = torch.ones(1000, 1001)
    y = ReLUDropout(p)(x)
    # five standard deviations of a million fair decisions
    assert (y == 0).float().mean().item() == pytest.approx(p, abs=5 * (p * (1 - p) / x.numel()) ** 0.5 + 2**-17)
    kept = y[y != 0]
    torch.testing.assert_close(kept, torch.full_like(kept, 1 / (1 - p)), rtol=1e-3, atol=0)


@pytest.mark.parametrize('p', [0.25, 0.3])
def test_decisions_are_independent(p):
    torch.manual_seed(0)
    dropped = (ReLUDropout(p)(torch.ones(40000, 16)) == 0).double()
    correlation = torch.corrcoef(dropped.T) - torch.eye(16)  # eight or four neighbours come from one random number
    assert correlation.abs().max() < 5 / 200


@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
@pytest.mark.parametrize('p', [0.25, 0.3])
def test_values_and_gradient_against_relu_and_a_mask(p, dtype):
    x = torch.randn(7, 13, dtype=dtype, requires_grad=True)
    torch.manual_seed(5)
    mask = ReLUDropout(p)(torch.ones(7, 13, dtype=dtype))  # the same decisions
    torch.manual_seed(5)
    y = ReLUDropout(p)(x)
    weights = torch.randn(7, 13, dtype=dtype)
    (grad,) = torch.autograd.grad((y * weights).sum(), x)
    plain = torch.relu(x) * mask
    (expected,) = torch.autograd.grad((plain * weights).sum(), x)
    torch.testing.assert_close(y, plain)
    torch.testing.assert_close(grad, expected)
    assert (mask == 0).any() and (mask > 1).any() and (x < 0).any()


def test_not_a_number_stays():
    assert ReLUDropout(0.25)(torch.full((1000,), torch.nan)).isnan().all()


def test_seed_dtype_and_shape():
    x = torch.ones(3, 5, 7, dtype=torch.bfloat16)
    outs = []
    for _ in range(2):
        torch.manual_seed(3)
        outs.append(ReLUDropout(0.25)(x))
    assert torch.equal(*outs) and outs[0].dtype == torch.bfloat16 and outs[0].shape == x.shape
    assert not torch.equal(ReLUDropout(0.25)(x), outs[0])


def test_strided_input():
    x = torch.randn(6, 4).t()
    torch.manual_seed(1)
    expected = ReLUDropout(0.5)(x.contiguous())
    torch.manual_seed(1)
    assert torch.equal(ReLUDropout(0.5)(x), expected)


@pytest.mark.parametrize(
    ('p', 'training', 'expected'), [(0, True, 1), (0.0, True, 1), (1.0, True, 0), (0.25, False, 1)]
)
def test_without_random_numbers(p, training, expected):
    x = torch.tensor([1.0, -1.0]).expand(4, 2)
    assert (ReLUDropout(p).train(training)(x) == torch.tensor([expected, 0])).all()
    assert ReLUDropout(0.25)(torch.ones(0, 5)).shape == (0, 5)
