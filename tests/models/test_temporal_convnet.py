import pytest
import torch
from small_models import randomise_statistics
from torch.nn.functional import conv1d, relu

from depth_refine.models import TemporalConvNet

CHANNELS = 8


def build(num_blocks, kernel_size=3, causal=False, dropout=0.0):
    torch.manual_seed(0)
    return randomise_statistics(TemporalConvNet(6, CHANNELS, num_blocks, kernel_size, dropout, causal).double())


def norms(net):
    return [module for module in net.modules() if isinstance(module, torch.nn.BatchNorm1d)]


def freeze_batch_norm(net):
    """Train with the statistics of evaluation, so that both modes must agree."""
    net.train()
    for norm in norms(net):
        norm.eval()


def frames_with_gradient(net, frames, output=0):
    for norm in norms(net):
        norm.bias.data += 100 * norm.weight.data  # every ReLU open, so that no path is cut by chance
    x = torch.randn(1, frames, 6, dtype=torch.float64, requires_grad=True)
    net(x)[0][:, output].sum().backward()
    return x.grad.abs().sum((0, 2)).nonzero().flatten().tolist()


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
    video = torch.randn(2, field + 3, 6, dtype=torch.float64)
    weights = torch.randn(2, 4, CHANNELS, dtype=torch.float64)

    dilated = net.eval()(video)[0]
    (dilated * weights).sum().backward()
    dilated_grads = [p.grad.clone() for p in net.parameters()]
    net.zero_grad()
    freeze_batch_norm(net)
    strided = torch.cat([net(video[:, t : t + field])[0] for t in range(4)], dim=1)
    (strided * weights).sum().backward()

    torch.testing.assert_close(strided, dilated)
    for parameter, grad in zip(net.parameters(), dilated_grads, strict=True):
        torch.testing.assert_close(parameter.grad, grad)


def test_clips_train_as_their_windows_do():
    net = build(2)
    freeze_batch_norm(net)
    clip = torch.randn(2, 30, 6, dtype=torch.float64)
    windows = torch.cat([net(clip[:, t : t + 27])[0] for t in range(4)], dim=1)
    net.train_on_clips = True
    torch.testing.assert_close(net(clip)[0], windows)


def test_against_plain_convolutions():
    net = build(num_blocks=1).eval()
    x = torch.randn(1, 9, 2, 3, dtype=torch.float64)

    def unit(x, module, **kwargs):
        norm = module.norm
        x = conv1d(x, module.conv.weight, **kwargs)
        x = (x - norm.running_mean[:, None]) / (norm.running_var[:, None] + norm.eps).sqrt()
        return relu(x * norm.weight[:, None] + norm.bias[:, None])

    hidden = unit(x.flatten(2).transpose(1, 2), net.input_conv)
    block = net.blocks[0]
    expected = hidden[..., 3:4] + unit(unit(hidden, block.conv1, dilation=3), block.conv2)
    torch.testing.assert_close(net(x)[0].transpose(1, 2), expected)


@pytest.mark.parametrize('kernel_size', [2, 3])
def test_causal_uses_the_present_and_the_past_only(kernel_size):
    net = build(2, kernel_size, causal=True).eval()
    field = net.receptive_field
    # output t is the estimate for input frame t + field - 1, the last frame it sees
    assert frames_with_gradient(net, field + 5, output=3) == list(range(3, 3 + field))


@pytest.mark.parametrize(('causal', 'frames'), [(True, [24, 25, 26]), (False, [12, 13, 14])])
def test_residual_is_the_present_or_the_middle(causal, frames):
    net = build(2, causal=causal).eval()
    for norm in norms(net.blocks):
        torch.nn.init.zeros_(norm.weight)
        torch.nn.init.zeros_(norm.bias)
    assert frames_with_gradient(net, 27) == frames


@pytest.mark.parametrize('training', [False, True])
def test_layers_are_called_as_modules(training):
    """Whoever adds a forward hook to a layer sees it in training and in evaluation."""
    net, called = TemporalConvNet(6, CHANNELS, num_blocks=2, dropout=0.25).train(training), []
    kinds = (torch.nn.Conv1d, torch.nn.BatchNorm1d, torch.nn.ReLU, torch.nn.Dropout)
    for module in net.modules():
        if isinstance(module, kinds):
            module.register_forward_hook(lambda module, _, out: called.append(type(module)))
    net(torch.randn(3, 27, 6))
    assert [sum(issubclass(kind, k) for kind in called) for k in kinds] == [1 + 2 * 2] * 4
    assert all(module.p == 0.25 for module in net.modules() if isinstance(module, torch.nn.Dropout))


@pytest.mark.parametrize('amp', [False, True])
def test_what_is_not_finite_shows_in_the_output(amp):
    net, x = build(num_blocks=2).float().eval(), torch.randn(1, 60, 6)
    with torch.no_grad(), torch.autocast('cpu', dtype=torch.bfloat16, enabled=amp):
        x[0, 30, 2] = float('nan')
        missing = net(x)[0].isnan()
        assert missing[:, 4:31].all() and not missing[:, :4].any() and not missing[:, 31:].any()
        net.blocks[1].conv2.conv.weight.data[0, 0] = float('nan')  # after an evaluation with other weights
        assert net(torch.randn(1, 60, 6))[0].isnan().any()


def test_a_batch_of_one_window_trains():
    net = build(num_blocks=2).train()
    first, last = net.input_conv.norm.running_mean.clone(), net.blocks[1].conv2.norm.running_mean.clone()
    net(torch.randn(1, 27, 6, dtype=torch.float64))[0].sum().backward()
    assert all(p.grad is not None for p in net.parameters())
    assert not net.input_conv.norm.running_mean.equal(first) and net.blocks[1].conv2.norm.running_mean.equal(last)


@pytest.mark.parametrize('training', [False, True])
def test_first_and_second_derivatives(training):
    net = build(num_blocks=1).train(training)
    net.requires_grad_(False)
    x = torch.randn(3, 9 if training else 11, 6, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: net(x)[0], x)
    assert torch.autograd.gradgradcheck(lambda x: net(x)[0], x)


@pytest.mark.slow
@pytest.mark.parametrize('training', [False, True])
def test_compiled(training):
    net, x = build(num_blocks=1).train(training), torch.randn(3, 9, 6, dtype=torch.float64)
    expected = net(x)[0]
    torch.testing.assert_close(torch.compile(net, fullgraph=True)(x)[0], expected)


def test_parameters_have_the_names_of_checkpoints():
    names = ['conv.weight', *(f'norm.{name}' for name in ('weight', 'bias', 'running_mean', 'running_var'))]
    layers = ['input_conv', *(f'blocks.{i}.conv{j}' for i in range(2) for j in (1, 2))]
    expected = {f'{layer}.{name}' for layer in layers for name in (*names, 'norm.num_batches_tracked')}
    state = TemporalConvNet(6, CHANNELS, num_blocks=2).state_dict()
    assert set(state) == expected
    assert state['blocks.0.conv1.conv.weight'].shape == (CHANNELS, CHANNELS, 3)


def test_wrong_inputs():
    net = build(1)
    with pytest.raises(ValueError, match='windows of exactly 9 frames while training, got 10'):
        net(torch.zeros(2, 10, 6, dtype=torch.float64))
    with pytest.raises(ValueError, match='at least 9 frames while evaluating, got 8'):
        net.eval()(torch.zeros(2, 8, 6, dtype=torch.float64))
    with pytest.raises(ValueError, match=r'\(batch, frames, joints, channels\) with 6 joints x channels, got 9'):
        net(torch.zeros(2, 6, 9, dtype=torch.float64))
    with pytest.raises(ValueError, match='odd kernel_size, got 2'):
        TemporalConvNet(6, kernel_size=2)
