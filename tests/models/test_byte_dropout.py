import pytest
import torch

from depth_refine.models.byte_dropout import ByteDropout


@pytest.mark.parametrize('p', [0.25, 0.5, 0.1, 0.0, 1.0])
@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
def test_drops_at_its_rate_and_keeps_the_expectation(p, dtype):
    torch.manual_seed(0)
    x = torch.ones(1001, 333, dtype=dtype)
    out = ByteDropout(p)(x)
    assert out.shape == x.shape and out.dtype == dtype
    kept = (out != 0).float()
    assert kept.mean().item() == pytest.approx(1 - p, abs=5 / len(x.flatten()) ** 0.5)
    if p < 1:
        assert out[out != 0].unique().item() == pytest.approx(1 / (1 - p), rel=torch.finfo(dtype).eps)
    if 0 < p < 1:  # neighbours in both directions, and those eight apart, which share a random number's bits
        for a, b in ((kept[1:], kept[:-1]), (kept[:, 1:], kept[:, :-1]), (kept[:, 8:], kept[:, :-8])):
            assert abs(torch.corrcoef(torch.stack([a.flatten(), b.flatten()]))[0, 1]) < 0.01


def test_gradient_goes_where_the_output_came_from():
    x = torch.randn(50, 7, requires_grad=True)
    torch.manual_seed(1)
    out = ByteDropout(0.25)(x)
    (grad,) = torch.autograd.grad(out.sum(), x, create_graph=True)
    torch.testing.assert_close(grad, (out != 0) / 0.75)
    torch.manual_seed(1)
    assert torch.equal(ByteDropout(0.25)(x), out)
    assert torch.equal(ByteDropout(0.25).eval()(x), x)
