import sys

import numpy as np
import pytest
import torch

from depth_refine.functional import soft_argmax
from depth_refine.functional.soft_argmax import expectation, heatmap_marginals, soft_argmax_3d

B, K, D, H, W = 2, 3, 5, 6, 7


def naive_soft_argmax(logits: np.ndarray) -> np.ndarray:
    out = np.zeros((*logits.shape[:2], 3))
    for b, k in np.ndindex(*logits.shape[:2]):
        heatmap = np.exp(logits[b, k] - logits[b, k].max())
        heatmap /= heatmap.sum()
        for z, y, x in np.ndindex(*heatmap.shape):
            out[b, k] += heatmap[z, y, x] * np.array(
                [(x + 0.5) / heatmap.shape[2], (y + 0.5) / heatmap.shape[1], (z + 0.5) / heatmap.shape[0]]
            )
    return out


def test_equals_naive_loop_on_unequal_axes():
    logits = torch.randn(B, K, D, H, W, generator=torch.Generator().manual_seed(0)) * 3
    np.testing.assert_allclose(soft_argmax_3d(logits).numpy(), naive_soft_argmax(logits.double().numpy()), atol=1e-6)


@pytest.mark.parametrize('bin_xyz', [(0, 0, 0), (6, 5, 4), (2, 5, 1)])
def test_peak_decodes_to_its_bin_centre(bin_xyz):
    x, y, z = bin_xyz
    logits = torch.zeros(1, 1, D, H, W)
    logits[0, 0, z, y, x] = 100
    expected = torch.tensor([(x + 0.5) / W, (y + 0.5) / H, (z + 0.5) / D])
    torch.testing.assert_close(soft_argmax_3d(logits)[0, 0], expected)


def test_uniform_heatmap_is_the_middle_at_full_size():
    torch.testing.assert_close(
        soft_argmax_3d(torch.zeros(1, 1, 72, 64, 64)), torch.full((1, 1, 3), 0.5), atol=1e-6, rtol=0
    )


def plain_soft_argmax(logits):
    """Softmax and expectations, differentiated by autograd."""
    volume = logits.flatten(2).softmax(dim=2).view_as(logits)
    axes = (volume.sum((2, 3)), volume.sum((2, 4)), volume.sum((3, 4)))
    return torch.stack([(p * (torch.arange(p.shape[-1], dtype=p.dtype) + 0.5)).sum(-1) / p.shape[-1] for p in axes], -1)


def test_gradient():
    logits = torch.randn(1, 2, 2, 3, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(soft_argmax_3d, logits)


@pytest.mark.parametrize('piece', [1, D * H * W, 2 * D * H * W, 7 * D * H * W, 2**18])
@pytest.mark.parametrize('layout', ['contiguous', 'channels last', 'strided'])
def test_pieces_and_layouts_equal_autograd(piece, layout, monkeypatch):
    monkeypatch.setattr('depth_refine.functional.soft_argmax._PIECE', piece)
    batch, joints = 5, 3
    logits = torch.randn(batch, joints * D, H, W, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    if layout == 'channels last':
        logits = logits.contiguous(memory_format=torch.channels_last)
    logits = logits.unflatten(1, (joints, D))
    if layout == 'strided':
        logits = logits.repeat(1, 1, 1, 1, 2)[..., ::2]
    grad = torch.randn(batch, joints, 3, dtype=torch.float64)
    outputs, gradients = [], []
    for function in (soft_argmax_3d, plain_soft_argmax):
        leaf = logits.detach().requires_grad_()
        outputs.append(function(leaf))
        outputs[-1].backward(grad)
        gradients.append(leaf.grad)
    torch.testing.assert_close(*outputs)
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
def test_another_pass_through_a_kept_graph(dtype):
    logits = torch.randn(B, K, D, H, W, dtype=dtype, requires_grad=True)
    coords = soft_argmax_3d(logits)
    grads = [torch.autograd.grad(coords.square().sum(), logits, retain_graph=keep)[0] for keep in (True, True, False)]
    assert torch.equal(grads[0], grads[1]) and torch.equal(grads[0], grads[2])
    with pytest.raises(RuntimeError, match='second time'):
        torch.autograd.grad(coords.sum(), logits)


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_precision_gradient(dtype):
    logits = (3 * torch.randn(2, 3, 12, 20, 16)).to(dtype)
    gradients = []
    for leaf in (logits.requires_grad_(), logits.detach().float().requires_grad_()):
        (soft_argmax_3d(leaf) ** 2).sum().backward()
        gradients.append(leaf.grad.float())
    assert leaf.grad.abs().max() > 1e-4
    torch.testing.assert_close(gradients[0], gradients[1], rtol=torch.finfo(dtype).eps, atol=1e-7)


def test_very_large_and_infinite_logits():
    logits = torch.full((1, 1, D, H, W), -float('inf'))
    logits[0, 0, 1, 2, 3] = 60000.0
    expected = torch.tensor([(3 + 0.5) / W, (2 + 0.5) / H, (1 + 0.5) / D])
    torch.testing.assert_close(soft_argmax_3d(logits.half())[0, 0], expected)


def test_half_precision_logits_keep_float32_coordinates():
    logits = torch.randn(1, 1, 72, 64, 64).bfloat16()
    coords = soft_argmax_3d(logits)
    assert coords.dtype == torch.float32
    torch.testing.assert_close(coords, soft_argmax_3d(logits.float()))


def test_autocast_keeps_full_precision():
    logits = torch.randn(2, 3, 24, 24, 24)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        coords = soft_argmax_3d(logits)
    torch.testing.assert_close(coords, soft_argmax_3d(logits), atol=1e-6, rtol=0)


def test_marginals_sum_to_one():
    xy, z = heatmap_marginals(torch.randn(B, K, D, H, W))
    assert xy.shape == (B, K, H, W) and z.shape == (B, K, D)
    torch.testing.assert_close(xy.sum((2, 3)), torch.ones(B, K))
    torch.testing.assert_close(z.sum(2), torch.ones(B, K))


@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
@pytest.mark.parametrize('piece', [1, 2 * D * H * W, 2**18])
@pytest.mark.parametrize('memory_format', [torch.contiguous_format, torch.channels_last])
def test_marginals_are_sums_of_the_softmax(piece, memory_format, dtype, monkeypatch):
    monkeypatch.setattr('depth_refine.functional.soft_argmax._PIECE', piece)
    logits = 3 * torch.randn(5, K * D, H, W, generator=torch.Generator().manual_seed(2))
    logits = logits.to(dtype, memory_format=memory_format).unflatten(1, (K, D))
    volume = logits.double().contiguous().flatten(2).softmax(dim=2).view(5, K, D, H, W)
    xy, z = heatmap_marginals(logits)
    torch.testing.assert_close(xy.double(), volume.sum(2), rtol=1e-5, atol=1e-8)
    torch.testing.assert_close(z.double(), volume.sum((3, 4)), rtol=1e-5, atol=1e-8)


def test_expectation_of_a_known_distribution():
    mean, variance = expectation(torch.tensor([0.25, 0.0, 0.0, 0.75]))
    assert mean.item() == pytest.approx(0.25 * 0.125 + 0.75 * 0.875)
    assert variance.item() == pytest.approx(0.25 * 0.75 * 0.75**2)


def test_wrong_shape():
    with pytest.raises(ValueError, match=r'\(B, K, D, H, W\), got \(2, 3\)'):
        soft_argmax_3d(torch.zeros(2, 3))


@pytest.mark.parametrize(
    ('dtype', 'tolerance'), [(torch.float32, 1e-6), (torch.float64, 1e-12), (torch.bfloat16, 4e-3)]
)
def test_compiles_to_one_graph(dtype, tolerance):
    logits = torch.randn(B, K, D, H, W, generator=torch.Generator().manual_seed(0)).to(dtype)
    weights = torch.arange(3, dtype=torch.float64)
    found = []
    for decode in (soft_argmax_3d, torch.compile(soft_argmax_3d, backend='aot_eager', fullgraph=True)):
        leaf = logits.clone().requires_grad_()
        coords = decode(leaf)
        (coords * weights).sum().backward()
        found.append((coords.detach(), leaf.grad))
    assert found[0][0].dtype == found[1][0].dtype == torch.promote_types(dtype, torch.float32)
    torch.testing.assert_close(found[1], found[0], atol=tolerance, rtol=tolerance)


def test_without_triton_soft_argmax_says_why_it_is_slower(monkeypatch):
    messages = []
    monkeypatch.setattr(soft_argmax, 'print_log', lambda message, **_: messages.append(message))
    monkeypatch.setitem(sys.modules, 'triton', None)
    monkeypatch.delitem(sys.modules, 'depth_refine.functional.fused_soft_argmax', raising=False)
    soft_argmax._fused_soft_argmax.cache_clear()
    assert soft_argmax._fused_soft_argmax() is soft_argmax._fused_soft_argmax() is None
    assert len(messages) == 1 and 'its kernels cannot be built: ModuleNotFoundError' in messages[0]
    soft_argmax._fused_soft_argmax.cache_clear()
