"""The causal refiner on a stream, one frame at a time, on one thread."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from mmpose.structures import PoseDataSample

from depth_refine.models import StreamingRefiner
from depth_refine.structures.skeleton import FLIP_INDICES

from .comparison import Contender, Result, compare
from .networks import CHANNELS_IN, FIELD, JOINTS, bfloat16, build_refiner
from .setup import Setup

_SIZE = (1000, 1000)  # px
_PEER = 'the same refiner on the window of each frame'


def measure(setup: Setup, channels: int = 1024, frames: int = 50, windows: int = 5) -> Iterator[Result]:
    """Frames a second, with the config's flip test, beside recomputing a window for every frame.

    Args:
        setup: see :class:`Setup`.
        channels: C.
        frames: frames of a round.
        windows: windows of a round.
    """
    refiner = build_refiner(setup, channels, 'refiner_causal_243.py').eval()
    with bfloat16(setup.device):
        in_bfloat16 = stream(refiner, frames)
    contenders = {
        'fp32': Contender(stream(refiner, frames), frames),
        'bf16': Contender(in_bfloat16, frames),
        _PEER: Contender(recompute(refiner, setup.device, windows), windows),
    }
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        rates = setup.take_turns(contenders)
    finally:
        torch.set_num_threads(threads)
    for name in ('fp32', 'bf16'):
        work = f'frame by frame, on one thread, {name}'
        yield compare(work, 'frames/s', rates[name], target=300)
        yield compare(work, 'frames/s', rates[name], _PEER, rates[_PEER], target=10)


def stream(refiner: torch.nn.Module, frames: int) -> Callable[[], None]:
    """The work of refining some more frames of a stream."""
    streaming = StreamingRefiner(refiner, _SIZE)
    low, high = [0, 0, -0.75], [*_SIZE, 0.75]
    keypoints = np.random.default_rng(0).uniform(low, high, (frames, JOINTS, CHANNELS_IN))

    def work() -> None:
        for frame in keypoints:
            streaming(frame)

    return work


def recompute(refiner: torch.nn.Module, device: str, windows: int) -> Callable[[], None]:
    """The work of refining the window of each of some frames."""
    inputs = torch.randn(1, JOINTS * CHANNELS_IN, FIELD, device=device)
    sample = PoseDataSample(metainfo=dict(flip_indices=FLIP_INDICES))

    def work() -> None:
        with torch.inference_mode():
            for _ in range(windows):
                refiner(inputs, [sample], mode='predict')

    return work
