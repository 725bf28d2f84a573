"""The 3D soft-argmax, forward and backward."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from depth_refine.functional.soft_argmax import soft_argmax_3d

from .comparison import Contender, Result, compare
from .processes import measure_alone
from .setup import Setup

_PEER, _COMPILED = 'plain PyTorch', 'plain PyTorch, compiled'


def measure(setup: Setup, shape: tuple[int, ...] = (4, 17, 72, 64, 64)) -> Iterator[Result]:
    """Time and memory beside softmax, sums and autograd, and time beside the same under ``torch.compile``.

    Args:
        setup: see :class:`Setup`.
        shape: of the heatmap, (B, K, D, H, W).
    """
    decoders = {'ours': soft_argmax_3d, _PEER: plain_soft_argmax_3d}
    timed = decoders | {_COMPILED: torch.compile(plain_soft_argmax_3d)}
    rates = setup.take_turns(
        {name: Contender(make_step(decode, shape, setup.device)) for name, decode in timed.items()}
    )
    work = f'3D soft-argmax of {" x ".join(map(str, shape))}, forward and backward'
    size = torch.tensor(shape).prod().item() * 4
    note = f'one read and one write of the heatmap take {2000 * size / setup.machine.memory:.3g} ms here'
    milliseconds = {name: 1000 / values for name, values in rates.items()}
    columns = dict(target=0.6, at_most=True)
    yield compare(work, 'ms', milliseconds['ours'], _PEER, milliseconds[_PEER], note=note, **columns)
    yield compare(work, 'ms', milliseconds['ours'], _COMPILED, milliseconds[_COMPILED])
    grown = {
        name: measure_alone(make_step, decode, shape, setup.device, device=setup.device).growth / 1e6
        for name, decode in decoders.items()
    }
    note = f'the heatmap has {size / 1e6:.3g} MB'
    work += ': memory on top of the heatmap'
    yield compare(work, 'MB', grown['ours'], _PEER, grown[_PEER], note=note, **columns)


def make_step(decode: Callable[[Tensor], Tensor], shape: tuple[int, ...], device: str) -> Callable[[], None]:
    """The work of one forward and backward pass over a random heatmap."""
    logits = torch.randn(shape, device=device, requires_grad=True)
    grad = torch.randn(*shape[:2], 3, device=device)

    def step() -> None:
        logits.grad = None
        decode(logits).backward(grad)

    return step


def plain_soft_argmax_3d(logits: Tensor) -> Tensor:
    """:func:`soft_argmax_3d` as one would write it, differentiated by autograd."""
    probabilities = logits.flatten(2).softmax(dim=2).view(logits.shape)
    marginals = (probabilities.sum(dim=others) for others in ((2, 3), (2, 4), (3, 4)))
    return torch.stack([(marginal * _centres(marginal)).sum(dim=2) for marginal in marginals], dim=-1)


def _centres(marginal: Tensor) -> Tensor:
    bins = marginal.shape[-1]
    return (torch.arange(bins, device=marginal.device) + 0.5) / bins
