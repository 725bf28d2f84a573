"""Training steps of the refiner."""

import contextlib
from collections.abc import Callable, Iterator

import numpy as np
import torch
from mmengine.optim import build_optim_wrapper
from mmengine.structures import InstanceData
from mmpose.structures import PoseDataSample

from depth_refine.utils.runner import use_mixed_precision

from .comparison import Contender, Result, Spread, compare
from .networks import (
    CHANNELS_IN,
    FIELD,
    JOINTS,
    REFINER_CONFIG,
    bfloat16,
    build_refiner,
    build_videopose3d,
    count_flops,
)
from .processes import measure_alone
from .setup import Setup
from .training_loop import train

_PEER = 'VideoPose3D, strided, fp32'
_PEER_BF16 = 'VideoPose3D, strided, bf16'


def measure(setup: Setup, channels: int = 1024, batch: int | None = None, steps: int | None = None) -> Iterator[Result]:
    """Samples a second: forward, loss, backward and Adam; then the whole training loop beside that.

    Args:
        setup: see :class:`Setup`.
        channels: C.
        batch: windows of a step; by default 256, on an accelerator the config's 1024.
        steps: of the loop; by default 20, on an accelerator 200.
    """
    steps = steps or (200 if setup.device == 'cuda' else 20)
    batch = batch or (1024 if setup.device == 'cuda' else 256)
    windows = torch.randn(batch, FIELD, JOINTS, CHANNELS_IN, device=setup.device)
    target = 0.3 * torch.randn(batch, 1, JOINTS, 3, device=setup.device)
    contenders = {
        'fp32': Contender(our_step(setup, channels, windows, target, amp=False), batch),
        'bf16': Contender(our_step(setup, channels, windows, target, amp=True), batch),
    }
    if setup.videopose3d:
        contenders[_PEER] = Contender(their_step(setup, channels, windows, target, amp=False), batch)
        contenders[_PEER_BF16] = Contender(their_step(setup, channels, windows, target, amp=True), batch)
    flops = count_flops(contenders['fp32'].run) / batch
    rates = setup.take_turns(contenders)
    for name, goal in (('fp32', 1.6), ('bf16', 4)):
        work, ceiling = f'training step of {batch}, {name}', setup.machine.matrix[name]
        yield compare(work, 'samples/s', rates[name], _PEER, rates.get(_PEER), flops, ceiling, goal)
        if setup.device == 'cuda':
            share = Spread.of(rates[name] * flops / ceiling)
            yield Result(f'{work}: share of the matrix product', '', share, target=0.4)
    yield compare(f'training step of {batch}, bf16', 'samples/s', rates['bf16'], _PEER_BF16, rates.get(_PEER_BF16))
    for on_device in (False, True) if setup.device == 'cuda' else (False,):
        root, alone = setup.folder / f'training_{on_device}', np.median(rates['bf16'])
        arguments = setup.configs / REFINER_CONFIG, root, channels, batch, steps, on_device
        loop = measure_alone(train, *arguments, device=setup.device).result
        work = f'training loop of {batch}, bf16, {"--data-on-device" if on_device else "data from a worker"}'
        yield compare(work, 'samples/s', loop, 'the step alone', alone)


def our_step(setup: Setup, channels: int, windows: torch.Tensor, target: torch.Tensor, amp: bool) -> Callable[[], None]:
    """A step as mmengine's training loop takes it, on one batch of ``merge_windows``."""
    refiner, cfg = build_refiner(setup, channels).train(), setup.config(REFINER_CONFIG)
    if amp:
        use_mixed_precision(cfg)
    wrapper = build_optim_wrapper(refiner, cfg.optim_wrapper)
    sample = PoseDataSample()
    sample.gt_instance_labels = InstanceData(
        lifting_target_label=target.flatten(0, 1), lifting_target_weight=torch.ones_like(target[:, 0, :, 0])
    )
    return lambda: refiner.train_step(dict(inputs=windows, data_samples=[sample]), wrapper)


def their_step(
    setup: Setup, channels: int, windows: torch.Tensor, target: torch.Tensor, amp: bool
) -> Callable[[], None]:
    """VideoPose3D's network with the same loss and optimiser."""
    network = build_videopose3d(setup, 'TemporalModelOptimized1f', channels).train()
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3, amsgrad=True)

    def step() -> None:
        optimiser.zero_grad()
        with bfloat16(setup.device) if amp else contextlib.nullcontext():
            loss = (network(windows) - target).norm(dim=-1).mean()
        loss.backward()
        optimiser.step()

    return step
