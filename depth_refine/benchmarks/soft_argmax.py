"""The 3D soft-argmax, forward and backward."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from depth_refine.functional.soft_argmax import soft_argmax_3d

from .comparison import Contender, Result, compare
from .processes import measure_alone
from .setup import Setup

_PEER = 'plain PyTorch'


def measure(setup: Setup, shape: tuple[int, ...] = (4, 17, 72, 64, 64)) -> Iterator[Result]:
    """Time and memory beside softmax, sums and autograd.

    Args:
        setup: see :class:`Setup`.
        shape: of the heatmap, (B, K, D, H, W).
    """
    names = {'ours': False, _PEER: True}
    contenders = {name: Contender(make_step(plain, shape, setup.device)) for name, plain in names.items()}
    rates = setup.take_turns(contenders)
    work = f'3D soft-argmax of {" x ".join(map(str, shape))}, forward and backward'
    size = torch.tensor(shape).prod().item() * 4
    note = f'one read and one write of the heatmap take {2000 * size / setup.machine.memory:.3g} ms here'
    milliseconds = {name: 1000 / values for name, values in rates.items()}
    columns = dict(target=0.6, at_most=True)
    yield compare(work, 'ms', milliseconds['ours'], _PEER, milliseconds[_PEER], note=note, **columns)
    grown = {
        name: measure_alone(make_step, plain, shape, setup.device, device=setup.device).growth / 1e6
        for name, plain in names.items()
    }
    note = f'the heatmap has {size / 1e6:.3g} MB'
    work += ': memory on top of the heatmap'
    yield compare(work, 'MB', grown['ours'], _PEER, grown[_PEER], note=note, **columns)


def make_step(plain: bool, shape: tuple[int, ...], device: str) -> Callable[[], None]:
    """The work of one forward and backward pass over a random heatmap."""
    logits = torch.randn(shape, device=device, requires_grad=True)
    grad = torch.randn(*shape[:2], 3, device=device)
    decode = plain_soft_argmax_3d if plain else soft_argmax_3d

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
