import io

import numpy as np
import onnxruntime
import pytest
import torch
from torch.func import grad, jvp, vmap

from depth_refine.functional import soft_argmax_3d
from depth_refine.functional.soft_argmax import bin_mean, bin_variance, heatmap_marginals

B, K, D, H, W = 2, 3, 5, 6, 7


def make_logits(*shape, dtype=torch.float32, seed=0):
    shape = shape or (B, K, D, H, W)
    return (3 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)).to(dtype)


def naive_soft_argmax(logits: np.ndarray) -> np.ndarray:
    out = np.zeros((*logits.shape[:2], 3))
    for b, k in np.ndindex(*logits.shape[:2]):
        heatmap = np.exp(logits[b, k] - logits[b, k].max())
        for z, y, x in np.ndindex(D, H, W):
            out[b, k] += heatmap[z, y, x] / heatmap.sum() * np.array([(x + 0.5) / W, (y + 0.5) / H, (z + 0.5) / D])
    return out


@pytest.mark.parametrize('layout', ['contiguous', 'channels last', 'strided', 'expanded'])
@pytest.mark.parametrize(('dtype', 'tolerance'), [(torch.float32, 1e-6), (torch.float64, 1e-14)])
def test_equals_naive_loop_on_unequal_axes(layout, dtype, tolerance):
    logits = make_logits(dtype=dtype)
    if layout == 'channels last':
        logits = logits.flatten(1, 2).contiguous(memory_format=torch.channels_last).unflatten(1, (K, D))
    elif layout == 'strided':
        logits = logits.repeat_interleave(2, dim=4)[..., ::2]
    elif layout == 'expanded':
        logits = logits[:1].expand(3, K, D, H, W)
    coords = soft_argmax_3d(logits)
    assert coords.dtype == dtype
    np.testing.assert_allclose(coords.numpy(), naive_soft_argmax(logits.double().numpy()), atol=tolerance)


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_precision_logits_keep_float32_coordinates(dtype):
    logits = make_logits(1, 2, 72, 64, 48, dtype=dtype).requires_grad_()
    exact = logits.detach().float().requires_grad_()
    with torch.autocast('cpu', dtype=torch.bfloat16):
        coords = soft_argmax_3d(logits)
    assert coords.dtype == torch.float32
    torch.testing.assert_close(coords, soft_argmax_3d(exact), atol=1e-6, rtol=0)
    (weights := torch.rand(1, 2, 3)).mul(coords).sum().backward()
    (weights * soft_argmax_3d(exact)).sum().backward()
    torch.testing.assert_close(logits.grad.float(), exact.grad, rtol=torch.finfo(dtype).eps, atol=1e-7)


@pytest.mark.parametrize(('x', 'y', 'z'), [(0, 0, 0), (6, 5, 4), (2, 5, 1)])
def test_peak_decodes_to_its_bin_centre(x, y, z):
    logits = torch.full((1, 1, D, H, W), -float('inf')).half()
    logits[0, 0, z, y, x] = 60000
    expected = torch.tensor([(x + 0.5) / W, (y + 0.5) / H, (z + 0.5) / D])
    torch.testing.assert_close(soft_argmax_3d(logits)[0, 0], expected)


@pytest.mark.parametrize(
    'shape', [(0, K, D, H, W), (B, 0, D, H, W), (1, 1, 1, 1, 1), (1, 2, 1, 1, 3), (1, 1, 72, 64, 64)]
)
def test_uniform_heatmap_is_the_middle_at_any_size(shape):
    coords = soft_argmax_3d(torch.zeros(shape))
    torch.testing.assert_close(coords, torch.full((*shape[:2], 3), 0.5), atol=1e-6, rtol=0)


def test_derivatives():
    logits = make_logits(1, 2, 2, 3, 4, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(soft_argmax_3d, logits, check_forward_ad=True, check_batched_grad=True)
    assert torch.autograd.gradgradcheck(soft_argmax_3d, logits, check_fwd_over_rev=True)


def test_function_transforms():
    logits, tangent = make_logits(4, B, K, D, H, W), make_logits(4, B, K, D, H, W, seed=1)
    expected = torch.stack([soft_argmax_3d(each) for each in logits])
    torch.testing.assert_close(vmap(soft_argmax_3d)(logits), expected)
    coords, change = vmap(lambda x, t: jvp(soft_argmax_3d, (x,), (t,)))(logits, tangent)
    torch.testing.assert_close(coords, expected)
    by_grad = vmap(grad(lambda x: soft_argmax_3d(x).sum()))(logits)
    torch.testing.assert_close((by_grad * tangent).flatten(1).sum(1), change.flatten(1).sum(1), atol=1e-4, rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
def test_compiled(dtype):
    found = []
    for decode in (soft_argmax_3d, torch.compile(soft_argmax_3d, fullgraph=True)):
        leaf = make_logits(dtype=dtype).requires_grad_()
        coords = decode(leaf)
        (coords * torch.arange(3)).sum().backward()
        found.append((coords.detach(), leaf.grad))
    assert found[0][0].dtype == found[1][0].dtype == torch.float32
    torch.testing.assert_close(found[1], found[0], atol=1e-6, rtol=torch.finfo(dtype).eps)


class Decode(torch.nn.Module):
    def forward(self, logits):
        return soft_argmax_3d(logits)


@pytest.mark.parametrize('dynamo', [False, True])
def test_both_onnx_exporters(dynamo):
    file = io.BytesIO()
    names = dict(input_names=['logits'], output_names=['coords'], dynamo=dynamo)
    if dynamo:
        torch.onnx.export(Decode(), (make_logits(),), verbose=False, **names).save(file)
    else:
        torch.onnx.export(Decode(), (make_logits(),), file, **names)
    session = onnxruntime.InferenceSession(file.getvalue())
    for seed in (1, 2):
        logits = make_logits(seed=seed)
        (coords,) = session.run(None, dict(logits=logits.numpy()))
        np.testing.assert_allclose(coords, soft_argmax_3d(logits).numpy(), atol=1e-6)


def test_memory_is_that_of_a_softmax():
    """Between forward and backward, one tensor of the heatmaps' size is kept."""
    kept = []
    logits = make_logits().requires_grad_()
    with torch.autograd.graph.saved_tensors_hooks(lambda x: kept.append(x) or x, lambda x: x):
        soft_argmax_3d(logits)
    assert len({x.data_ptr() for x in kept if x.numel() == logits.numel()}) == 1


def test_marginals_are_sums_of_the_softmax():
    logits = make_logits(dtype=torch.bfloat16)
    volume = logits.double().flatten(2).softmax(dim=2).view(B, K, D, H, W)
    for marginal, axes in zip(heatmap_marginals(logits), (2, (3, 4)), strict=True):
        torch.testing.assert_close(marginal.double(), volume.sum(axes), rtol=1e-5, atol=1e-8)


def test_mean_and_variance_of_a_known_distribution():
    probabilities = torch.tensor([[0.25, 0.0, 0.0, 0.75], [0.0, 1.0, 0.0, 0.0]])
    mean, variance = bin_mean(probabilities), bin_variance(probabilities)
    assert mean.tolist() == pytest.approx([0.25 * 0.125 + 0.75 * 0.875, 0.375])
    assert variance.tolist() == pytest.approx([0.25 * 0.75 * 0.75**2, 0])


def test_wrong_shape():
    with pytest.raises(ValueError, match=r'\(B, K, D, H, W\), got \(2, 3\)'):
        soft_argmax_3d(torch.zeros(2, 3))
