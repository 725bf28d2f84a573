"""Whole videos through the refiner."""

from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from mmengine.config import Config
from mmpose.registry import MODELS

from .comparison import Contender, Result, Spread, compare
from .networks import (
    CHANNELS_IN,
    FIELD,
    JOINTS,
    REFINER_CONFIG,
    bfloat16,
    build_mmpose,
    build_refiner,
    build_videopose3d,
    count_flops,
)
from .processes import measure_alone
from .setup import Setup

_HOUR = 50 * 3600  # frames
_PEER, _MMPOSE = 'VideoPose3D, dilated, fp32', 'MMPose, a window a frame, fp32'


def measure(
    setup: Setup, channels: int = 1024, frames: int = 3000, windows: int = 256, long: int = _HOUR, check: int = 20_000
) -> Iterator[Result]:
    """Frames a second beside VideoPose3D and MMPose, and the memory of a long video.

    Args:
        setup: see :class:`Setup`.
        channels: C.
        frames: predicted frames of the video.
        windows: windows in MMPose's batch.
        long: frames of the long video.
        check: frames of a video that is compared with one pass.
    """
    yield from _compare(setup, channels, frames, windows)
    usage = measure_alone(
        long_video, str(setup.configs / REFINER_CONFIG), channels, long, setup.device, device=setup.device
    )
    yield Result(
        f'{long:,} frames in one call, fp32: memory on top of weights and inputs',
        'MB',
        Spread.of(usage.growth / 1e6),
        target=1000,
        at_most=True,
    )
    yield Result(
        f'the same, largest difference from one pass ({check:,} frames)',
        'mm',
        Spread.of(1000 * piecewise_difference(setup, channels, check)),
        target=0.001,
        at_most=True,
    )


def _compare(setup: Setup, channels: int, frames: int, windows: int) -> Iterator[Result]:
    refiner, lifter = build_refiner(setup, channels).eval(), build_mmpose(setup, channels).eval()
    video = make_video(frames, setup.device)
    batch = torch.randn(windows, JOINTS * CHANNELS_IN, FIELD, device=setup.device)

    def in_bfloat16() -> None:
        with bfloat16(setup.device):
            refiner(video)

    contenders = {
        'fp32': Contender(lambda: refiner(video), frames),
        'bf16': Contender(in_bfloat16, frames),
        _MMPOSE: Contender(lambda: lifter(batch, None, mode='tensor'), windows),
    }
    if setup.videopose3d:
        peer = build_videopose3d(setup, 'TemporalModel', channels).eval()
        theirs = video.transpose(1, 2).unflatten(2, (JOINTS, CHANNELS_IN))
        contenders[_PEER] = Contender(lambda: peer(theirs), frames)
    with torch.inference_mode():
        flops = {name: count_flops(contenders[name].run) / frames for name in ('fp32', 'bf16')}
        rates = setup.take_turns(contenders)
    direct = count_flops(contenders['fp32'].run) / frames  # with gradients no multiplications are saved
    for name, target in (('fp32', 1.1), ('bf16', 6)):
        work, ceiling = f'whole video, {name}', setup.machine.matrix[name]
        yield compare(work, 'frames/s', rates[name], _PEER, rates.get(_PEER), flops[name], ceiling, target)
        target = 16 if name == 'fp32' else None
        yield compare(work, 'frames/s', rates[name], _MMPOSE, rates[_MMPOSE], flops[name], ceiling, target)
    share = 100 * rates['fp32'] * direct / setup.machine.matrix['fp32']
    work = 'whole video, fp32: operations of direct convolutions a second, of the matrix product'
    yield compare(work, '%', share, target=90)


def make_video(frames: int, device: str) -> torch.Tensor:
    """Inputs (1, K * C, frames + R - 1), for ``frames`` predicted ones."""
    return torch.randn(1, JOINTS * CHANNELS_IN, frames + FIELD - 1, device=device)


def long_video(config: str, channels: int, frames: int, device: str) -> Callable[[], None]:
    """The work of refining a long video, for a process of its own."""
    cfg = Config.fromfile(Path(config)).model
    cfg.backbone.channels = cfg.head.in_channels = channels
    refiner, video = MODELS.build(cfg).to(device).eval(), make_video(frames, device)

    def work() -> None:
        with torch.inference_mode():
            refiner(video)

    with torch.inference_mode():
        refiner(video[..., :FIELD])  # folds the weights
    return work


def piecewise_difference(setup: Setup, channels: int, frames: int) -> float:
    """Largest distance, m, between the coordinates of a long video and of the same in one pass."""
    refiner, video = build_refiner(setup, channels).eval(), make_video(frames, setup.device)
    with torch.inference_mode():
        return (refiner(video) - refiner.head(refiner.extract_feat(video))).abs().max().item()
