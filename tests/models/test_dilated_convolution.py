import pytest
import torch
import torch.nn.functional as F

from depth_refine.models import dilated_convolution
from depth_refine.models.dilated_convolution import PackedDilatedConvolution
from depth_refine.models.matrix_product import _has_onednn

CHANNELS, OUT = 9, 6


@pytest.fixture(params=[True, False], ids=['oneDNN', 'without oneDNN'])
def backend(request, monkeypatch):
    monkeypatch.setattr(dilated_convolution, '_MANY_CHANNELS', CHANNELS)
    monkeypatch.setattr(dilated_convolution, '_PIECE', 13)  # several, the last one shorter
    if not request.param:
        monkeypatch.setattr('torch.backends.mkldnn.is_available', lambda: False)


def layer(taps: int, dtype=torch.float32):
    torch.manual_seed(0)
    weight, bias = torch.randn(OUT, CHANNELS, taps), torch.randn(OUT)
    flat = weight.transpose(1, 2).flatten(1).to(dtype)
    return PackedDilatedConvolution(flat, bias, taps), weight, bias


# outputs: fewer than a pair of frames, a pair, pairs and part of one, many pairs
@pytest.mark.usefixtures('backend')
@pytest.mark.parametrize('frames', [1, 5, 6, 7, 16, 100])
@pytest.mark.parametrize(('taps', 'dilation'), [(1, 1), (2, 3), (3, 1), (3, 3), (5, 2)])
def test_against_conv1d_in_float64(taps, dilation, frames):
    packed, weight, bias = layer(taps)
    x = torch.randn(2, frames + (taps - 1) * dilation, CHANNELS)
    kept = x.clone()
    out = packed.relu(x, dilation)
    expected = F.conv1d(x.double().transpose(1, 2), weight.double(), bias.double(), dilation=dilation).relu()
    assert out.shape == (2, frames, OUT)
    torch.testing.assert_close(out.double(), expected.transpose(1, 2), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(x, kept, atol=0, rtol=0)


@pytest.mark.usefixtures('backend')
def test_sequences_that_are_no_single_block_of_memory():
    packed, weight, bias = layer(3)
    x = torch.randn(CHANNELS, 2, 60).permute(1, 2, 0)[:, 3::2]
    expected = F.conv1d(x.transpose(1, 2), weight, bias, dilation=3).relu().transpose(1, 2)
    torch.testing.assert_close(packed.relu(x, 3), expected, atol=1e-5, rtol=1e-5)


def test_where_fewer_multiplications_are_used(monkeypatch):
    """Kernels of three, wide, in float32 where oneDNN is there."""
    monkeypatch.setattr(dilated_convolution, '_MANY_CHANNELS', CHANNELS)
    assert (layer(3)[0]._products is not None) == _has_onednn(torch.zeros(1))
    assert layer(2)[0]._products is None
    assert layer(3, torch.bfloat16)[0]._products is None
    monkeypatch.setattr(dilated_convolution, '_MANY_CHANNELS', CHANNELS + 1)
    assert layer(3)[0]._products is None


def test_roundings_are_as_small_as_those_of_the_direct_sum(monkeypatch):
    torch.manual_seed(1)
    channels = 512
    weight, bias, x = torch.randn(64, 3 * channels) / 40, torch.randn(64), torch.randn(1, 400, channels)
    quick = PackedDilatedConvolution(weight, bias, 3)
    monkeypatch.setattr(dilated_convolution, '_MANY_CHANNELS', channels + 1)
    direct = PackedDilatedConvolution(weight, bias, 3)
    assert direct._products is None
    kernel = weight.double().unflatten(1, (3, channels)).transpose(1, 2)
    exact = F.conv1d(x.double().transpose(1, 2), kernel, bias.double(), dilation=3).relu().transpose(1, 2)
    error, reference = ((conv.relu(x, 3) - exact).square().mean().sqrt() for conv in (quick, direct))
    assert 0 < error < 2 * reference


def test_an_output_depends_on_its_own_kernel_alone(monkeypatch):
    """Not even by its rounding, so that a causal refiner is causal and what is not finite stays where it is."""
    monkeypatch.setattr(dilated_convolution, '_MANY_CHANNELS', CHANNELS)
    packed = layer(3)[0]
    x = torch.randn(1, 60, CHANNELS)
    before = packed.relu(x, 3)
    for frame in (20, 25, 59):
        other = x.clone()
        other[:, frame] = float('nan')
        changed = packed.relu(other, 3).isnan().any(dim=2)[0]
        expected = torch.tensor([frame in (t, t + 3, t + 6) for t in range(54)])
        assert torch.equal(changed, expected)
        other[:, frame] = 100.0
        torch.testing.assert_close(packed.relu(other, 3)[:, ~expected], before[:, ~expected], atol=0, rtol=0)
