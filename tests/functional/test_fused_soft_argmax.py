"""What the kernels compute, by Triton's interpreter, on any machine."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest
import torch

from depth_refine.functional.soft_argmax import soft_argmax_3d

LAYOUTS = ['contiguous', 'channels last', 'strided', 'repeated']


def in_layout(logits, layout):
    """The same (B, K, D, H, W) numbers, lying otherwise in memory."""
    if layout == 'channels last':
        joined = logits.flatten(1, 2).contiguous(memory_format=torch.channels_last)
        return joined.unflatten(1, logits.shape[1:3])
    if layout == 'strided':
        return logits.repeat(1, 1, 1, 1, 2)[..., ::2]
    return logits[:1].expand(len(logits), -1, -1, -1, -1) if layout == 'repeated' else logits


def interpret(logits, grad, dtype, layout):
    """Coordinates and gradient, in a process where Triton interprets."""
    from depth_refine.functional.fused_soft_argmax import fused_soft_argmax_3d

    leaf = in_layout(torch.from_numpy(logits).to(getattr(torch, dtype)), layout).requires_grad_()
    with np.errstate(invalid='ignore'):  # of infinite logits
        coords = fused_soft_argmax_3d(leaf)
    coords.backward(torch.from_numpy(grad))
    return coords.detach().numpy(), leaf.grad.float().numpy()


@pytest.fixture(scope='module')
def interpreted():
    """:func:`interpret` in a process of its own, as the interpreter has to be chosen before Triton is imported."""
    with pytest.MonkeyPatch.context() as patch, ProcessPoolExecutor(1, multiprocessing.get_context('spawn')) as pool:
        patch.setenv('TRITON_INTERPRET', '1')
        yield lambda *arguments: pool.submit(interpret, *arguments).result(timeout=120)


@pytest.mark.parametrize('layout', LAYOUTS)
@pytest.mark.parametrize(
    ('shape', 'dtype'),
    [
        ((2, 3, 5, 6, 7), 'float32'),  # less than a tile
        ((3, 2, 9, 33, 70), 'float32'),  # several, the last one not full, rows not a power of two
        ((1, 1, 3, 2, 5000), 'float32'),  # rows longer than a tile
        ((2, 1, 1, 1, 1), 'float32'),
        ((2, 2, 9, 33, 70), 'float16'),
        ((2, 2, 9, 33, 70), 'bfloat16'),
    ],
)
def test_coordinates_and_gradient(interpreted, shape, dtype, layout):
    rng = np.random.default_rng(0)
    logits = torch.from_numpy(3 * rng.standard_normal(shape, np.float32)).to(getattr(torch, dtype)).float()
    grad = rng.standard_normal((*shape[:2], 3), np.float32)
    coords, gradient = interpreted(logits.numpy(), grad, dtype, layout)
    leaf = in_layout(logits.double(), layout).requires_grad_()
    expected = soft_argmax_3d(leaf)
    expected.backward(torch.from_numpy(grad))
    np.testing.assert_allclose(coords, expected.detach().numpy(), rtol=0, atol=1e-6)
    scale = leaf.grad.abs().max().item()
    rounding = 2 * torch.finfo(getattr(torch, dtype)).eps if dtype != 'float32' else 1e-6
    np.testing.assert_allclose(
        gradient, leaf.grad.numpy(), rtol=rounding, atol=1e-6 * scale + 1e-7 * (dtype == 'float16')
    )


@pytest.mark.parametrize('value', [np.inf, -np.inf, np.nan, 6e4, -6e4])
@pytest.mark.parametrize('rest', [0, -np.inf])
def test_what_softmax_makes_of_large_infinite_and_missing_logits(interpreted, value, rest):
    logits = np.full((1, 2, 20, 30, 40), rest, np.float32)  # a heatmap with the value beside one without
    logits[0, 0, 19, 2, 3] = value
    coords, gradient = interpreted(logits, np.ones((1, 2, 3), np.float32), 'float32', 'contiguous')
    leaf = torch.from_numpy(logits).requires_grad_()
    expected = soft_argmax_3d(leaf)
    expected.sum().backward()
    np.testing.assert_allclose(coords, expected.detach().numpy(), rtol=0, atol=1e-6)
    np.testing.assert_allclose(gradient, leaf.grad.numpy(), rtol=0, atol=1e-9)


def test_no_heatmaps(interpreted):
    coords, gradient = interpreted(
        np.zeros((0, 17, 2, 3, 4), np.float32), np.zeros((0, 17, 3), np.float32), 'float32', ''
    )
    assert coords.shape == (0, 17, 3) and gradient.shape == (0, 17, 2, 3, 4)
