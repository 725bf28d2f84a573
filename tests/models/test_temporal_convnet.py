import copy
import pickle

import pytest
import torch
from torch.nn.functional import conv1d, relu

from depth_refine.models import TemporalConvNet

CHANNELS = 8


@pytest.fixture(autouse=True)
def as_wide_networks(monkeypatch):
    monkeypatch.setattr('depth_refine.models.dilated_convolution._MANY_CHANNELS', 1)


def build(num_blocks, kernel_size=3, causal=False, dropout=0.0):
    torch.manual_seed(0)
    net = TemporalConvNet(6, CHANNELS, num_blocks, kernel_size, dropout, causal).double()
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm1d):  # statistics that would show if they were left out
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
            module.weight.data.uniform_(0.5, 2)
            module.bias.data.normal_()
    return net


def freeze_batch_norm(net):
    """Strided mode with the statistics of evaluation, so that both modes must agree."""
    net.train()
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm1d):
            module.eval()
    return net


def frames_with_gradient(net, frames, output=0):
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm1d):
            module.bias.data += 100 * module.weight.data  # every ReLU open, so that no path is cut by chance
    x = torch.randn(1, 6, frames, dtype=torch.float64, requires_grad=True)
    net(x)[0][..., output].sum().backward()
    return x.grad.abs().sum((0, 1)).nonzero().flatten().tolist()


@pytest.mark.parametrize(
    ('kernel_size', 'num_blocks', 'field'), [(1, 2, 1), (3, 2, 27), (3, 3, 81), (3, 4, 243), (5, 1, 25)]
)
def test_receptive_field_by_gradient(kernel_size, num_blocks, field):
    net = build(num_blocks, kernel_size).eval()
    assert net.receptive_field == field
    assert frames_with_gradient(net, field + 4, output=2) == list(range(2, 2 + field))


@pytest.mark.parametrize('causal', [False, True])
@pytest.mark.parametrize(('kernel_size', 'num_blocks'), [(1, 2), (3, 1), (3, 3), (5, 1)])
def test_strided_equals_dilated_in_outputs_and_gradients(kernel_size, num_blocks, causal):
    net = build(num_blocks, kernel_size, causal)
    field = net.receptive_field
    video = torch.randn(2, 6, field + 3, dtype=torch.float64)
    weights = torch.randn(2, CHANNELS, 4, dtype=torch.float64)

    dilated = net.eval()(video)[0]
    (dilated * weights).sum().backward()
    dilated_grads = [p.grad.clone() for p in net.parameters()]
    net.zero_grad()
    freeze_batch_norm(net)
    strided = torch.cat([net(video[..., t : t + field])[0] for t in range(4)], dim=-1)
    (strided * weights).sum().backward()

    torch.testing.assert_close(strided, dilated)
    for parameter, grad in zip(net.parameters(), dilated_grads, strict=True):
        torch.testing.assert_close(parameter.grad, grad)


@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
@pytest.mark.parametrize('many_channels', [1, 1000])
def test_what_is_not_finite_shows_in_the_output(dtype, many_channels, monkeypatch):
    monkeypatch.setattr('depth_refine.models.dilated_convolution._MANY_CHANNELS', many_channels)
    net = build(num_blocks=2).float().eval()
    x = torch.randn(1, 6, 60)
    with torch.no_grad(), torch.autocast('cpu', dtype=dtype, enabled=dtype != torch.float32):
        x[0, 2, 30] = float('nan')
        missing = net(x)[0].isnan()
        assert missing[..., 4:31].all() and not missing[..., :4].any() and not missing[..., 31:].any()
        net.blocks[1].conv2.conv.weight[0, 0] = float('nan')
        assert net(torch.randn(1, 6, 60))[0].isnan().any()


def test_a_batch_of_one_window_trains():
    net = build(num_blocks=2).train()
    before = [norm.running_mean.clone() for norm in (net.input_conv.norm, net.blocks[1].conv2.norm)]
    x = torch.randn(1, 6, 27, dtype=torch.float64)
    out = net(x)[0]
    out.sum().backward()
    assert out.shape == (1, CHANNELS, 1) and all(p.grad is not None for p in net.parameters())
    after = [norm.running_mean for norm in (net.input_conv.norm, net.blocks[1].conv2.norm)]
    assert not torch.equal(before[0], after[0]) and torch.equal(before[1], after[1])
    frame, last = torch.randn(1, 1, CHANNELS, dtype=torch.float64), net.blocks[1].conv2
    torch.testing.assert_close(last.forward_strided(frame), last.forward_dilated(frame, 1))


def test_block_against_a_plain_formula():
    net = build(num_blocks=1).eval()
    x = torch.randn(1, 6, 9, dtype=torch.float64)

    def unit(x, module, **kwargs):
        norm = module.norm
        x = conv1d(x, module.conv.weight, **kwargs)
        x = (x - norm.running_mean[:, None]) / (norm.running_var[:, None] + norm.eps).sqrt()
        return relu(x * norm.weight[:, None] + norm.bias[:, None])

    hidden = unit(x, net.input_conv)
    block = net.blocks[0]
    expected = hidden[..., 3:4] + unit(unit(hidden, block.conv1, dilation=3), block.conv2)
    torch.testing.assert_close(net(x)[0], expected)


@pytest.mark.parametrize('kernel_size', [2, 3])
def test_causal_uses_the_present_and_the_past_only(kernel_size):
    net = build(2, kernel_size, causal=True).eval()
    field = net.receptive_field
    # output t is the estimate for input frame t + field - 1, the last frame it sees
    assert frames_with_gradient(net, field + 5, output=3) == list(range(3, 3 + field))
    # the residual path alone carries the present frame, not the middle one
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm1d) and module is not net.input_conv.norm:
            torch.nn.init.zeros_(module.weight)
            torch.nn.init.zeros_(module.bias)
    assert frames_with_gradient(net, field, output=0) == list(range(field - kernel_size, field))


def test_symmetric_residual_is_the_middle():
    net = build(2).eval()
    for module in net.blocks.modules():
        if isinstance(module, torch.nn.BatchNorm1d):
            torch.nn.init.zeros_(module.weight)
            torch.nn.init.zeros_(module.bias)
    assert frames_with_gradient(net, 27) == [12, 13, 14]


def test_every_convolution_has_norm_relu_and_dropout():
    net = TemporalConvNet(6, CHANNELS, num_blocks=2, dropout=0.25)
    count = 1 + 2 * 2
    for kind in (torch.nn.Conv1d, torch.nn.BatchNorm1d, torch.nn.Dropout):
        assert sum(isinstance(module, kind) for module in net.modules()) == count
    assert all(module.p == 0.25 for module in net.modules() if isinstance(module, torch.nn.Dropout))
    assert (net.eval().input_conv.forward_dilated(torch.randn(1, 9, 6), 1) >= 0).all()


def test_wrong_lengths():
    net = build(1)
    with pytest.raises(ValueError, match='windows of exactly 9 frames while training, got 10'):
        net(torch.zeros(2, 6, 10, dtype=torch.float64))
    with pytest.raises(ValueError, match='at least 9 frames while evaluating, got 8'):
        net.eval()(torch.zeros(2, 6, 8, dtype=torch.float64))
    with pytest.raises(ValueError, match='odd kernel_size, got 2'):
        TemporalConvNet(6, kernel_size=2)


def test_a_copy_of_a_used_network_follows_its_own_weights():
    net = build(1).float().eval()
    x = torch.randn(1, 6, 12)
    with torch.no_grad():
        before = net(x)[0]
        copies = copy.deepcopy(net), pickle.loads(pickle.dumps(net))
        for other in copies:
            torch.testing.assert_close(other(x)[0], before)
            other.blocks[0].conv1.conv.weight.zero_()
            assert not torch.allclose(other(x)[0], before)
        torch.testing.assert_close(net(x)[0], before)


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
@pytest.mark.parametrize('way', ['training', 'statistics alone', 'tuned while evaluating', 'written to data'])
def test_every_evaluation_has_the_newest_weights(way, dtype):
    """Fused optimisers and the statistics of batch norm change tensors without counting it."""
    net = build(num_blocks=1).to(dtype).eval()
    optimizer = torch.optim.Adam(net.parameters(), lr=0.1, fused=True)
    window, video = torch.randn(4, 6, 9, dtype=dtype), torch.randn(1, 6, 20, dtype=dtype)
    outputs = []
    for _ in range(3):
        if way != 'tuned while evaluating':
            net.train()
        loss = net(window)[0].square().sum()
        if way == 'written to data':
            net.blocks[0].conv1.conv.weight.data.mul_(2)
        elif way != 'statistics alone':
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if net.training:
            net.eval()
        with torch.inference_mode():
            outputs.append(net(video)[0])
            torch.testing.assert_close(outputs[-1], copy.deepcopy(net)(video)[0])
    assert not any(torch.allclose(outputs[i], outputs[i + 1]) for i in range(2))


@torch.no_grad()
def test_rounded_in_between():
    net, x = build(num_blocks=1).float().eval(), torch.randn(1, 6, 20)
    for _ in range(3):  # new weights may lie where the old ones lay
        net(x)
        net.half().float()
        torch.testing.assert_close(net(x)[0], copy.deepcopy(net)(x)[0], atol=0, rtol=0)


def test_made_in_inference_mode():
    with torch.inference_mode():
        net = TemporalConvNet(in_channels=6, channels=8, num_blocks=1).eval()
        assert net(torch.randn(1, 6, 12))[0].shape == (1, 8, 4)


def test_folded_bias_is_not_rounded():
    conv = build(num_blocks=1).float().blocks[0].conv1
    (exact_weight, exact_bias), (weight, bias) = conv.fold_norm(torch.float32), conv.fold_norm(torch.bfloat16)
    assert torch.equal(bias, exact_bias) and torch.equal(weight, exact_weight.bfloat16())
    assert not torch.equal(bias, bias.bfloat16().float())
