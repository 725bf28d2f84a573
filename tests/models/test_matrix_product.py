import pytest
import torch
import torch.nn.functional as F

from depth_refine.models import matrix_product
from depth_refine.models.matrix_product import PackedLinear, linear


@pytest.fixture(params=[True, False], ids=['oneDNN', 'without oneDNN'])
def backend(request, monkeypatch):
    if not request.param:
        monkeypatch.setattr('torch.ops.mkldnn', None)
        monkeypatch.setattr('torch.backends.mkldnn.is_available', lambda: False)


@pytest.mark.usefixtures('backend')
@pytest.mark.parametrize('shape', [(5,), (1, 1), (2, 7), (3, 500)])
def test_linear_with_gradients_against_float64(shape, monkeypatch):
    monkeypatch.setattr(matrix_product, '_MANY_ROWS', 64)  # several parts, the last one shorter
    torch.manual_seed(0)
    x, weight = torch.randn(*shape, 9), torch.randn(6, 9)
    results = []
    for dtype in (torch.float32, torch.float64):
        a, b = x.to(dtype, copy=True).requires_grad_(), weight.to(dtype, copy=True).requires_grad_()
        out = linear(a, b)
        (out * torch.arange(6, dtype=dtype)).sum().backward()
        results.append([value.double() for value in (out.detach(), a.grad, b.grad)])
    assert results[0][0].shape == (*shape, 6)
    torch.testing.assert_close(results[0][0], x.double() @ weight.double().T, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(results[0], results[1], atol=1e-3, rtol=1e-5)


def test_linear_computes_only_the_gradients_that_are_wanted():
    x, weight = torch.randn(4, 9), torch.randn(6, 9, requires_grad=True)
    linear(x, weight).sum().backward()
    torch.testing.assert_close(weight.grad, x.sum(0).expand(6, 9))
    assert x.grad is None
    x.requires_grad_()
    linear(x, weight.detach()).sum().backward()
    torch.testing.assert_close(x.grad, weight.detach().sum(0).expand(4, 9))


def test_linear_under_autocast():
    x, weight = torch.randn(4, 9, requires_grad=True), torch.randn(6, 9)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        out = linear(x, weight)
    assert out.dtype == torch.bfloat16
    torch.testing.assert_close(out.float(), x.detach() @ weight.T, atol=0.1, rtol=0.02)


@pytest.mark.usefixtures('backend')
@pytest.mark.parametrize('dtype', [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize('shape', [(1,), (1, 1), (2,), (2, 3), (1, 1100)])
def test_packed_linear_for_other_numbers_of_rows_than_it_was_made_for(shape, dtype):
    torch.manual_seed(1)
    x, weight, bias = torch.randn(*shape, 9), torch.randn(6, 9), torch.randn(6)
    out = PackedLinear(weight.to(dtype), bias.to(dtype), rows=2).relu(x.to(dtype))
    assert out.dtype == dtype
    assert out.shape == (*shape, 6)
    rounding = 0.05 if dtype == torch.bfloat16 else 1e-5
    torch.testing.assert_close(out.float(), F.relu(x @ weight.T + bias), atol=rounding, rtol=rounding)


@pytest.mark.usefixtures('backend')
def test_packed_linear_in_half_precision_adds_its_bias_unrounded_where_it_can():
    x, weight = torch.tensor([[1.0, 1], [2, 2]], dtype=torch.bfloat16), torch.full((1, 2), -0.5, dtype=torch.bfloat16)
    bias = torch.tensor([1 + 2**-9])  # 1 in bfloat16
    out = PackedLinear(weight, bias, rows=2).relu(x)
    assert out.flatten().tolist() == [2**-9 if matrix_product._has_onednn(weight) else 0, 0]
