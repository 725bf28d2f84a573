"""The refiner: whole videos, training steps and streams, compared with networks of its size."""

import copy
import functools
from collections.abc import Callable, Iterator

import numpy as np
import torch
from mmengine.hub import get_config
from mmengine.optim import build_optim_wrapper
from mmpose.registry import MODELS
from mmpose.structures import PoseDataSample
from torch import Tensor, nn

from depth_refine.models import DepthTemporalRefiner, StreamingRefiner, optimise_for_inference
from depth_refine.models.temporal_convnet import TemporalConv
from depth_refine.structures.skeleton import H36M
from depth_refine.utils.runner import use_mixed_precision

from .data_sets import endless_batches, write_data_root
from .memory import measure_alone
from .setup import CHANNELS_IN, FIELD, JOINTS, MMPOSE, PRECISIONS, REFINER, Setup, config, matrix_products
from .turns import Contender, Row, take_turns

CHANNELS, PRODUCT_ROWS = 1024, 4096
FRAMES, HOUR = 3000, 50 * 3600  # predicted frames of a video
WINDOWS = dict(cpu=256, cuda=1024)  # of a training step, and of MMPose's batch
_MMPOSE = 'MMPose, a window a frame, fp32'
_STREAM_FRAMES, _STREAM_CAMERA = 50, dict(w=1000, h=1000)  # px


def measure_inference(setup: Setup) -> Iterator[Row]:
    """Frames a second of whole videos, optimised and plain, and the memory of an hour of video."""
    device, windows = setup.device, WINDOWS[setup.device]
    plain, video = build_refiner().to(device).eval(), make_video(FRAMES, device)
    batch = torch.randn(windows, JOINTS * CHANNELS_IN, FIELD, device=device)
    lifter = functools.partial(build_mmpose().to(device).eval(), data_samples=None)
    contenders = {_MMPOSE: Contender(forward(lifter, batch), windows)}
    for precision, amp in PRECISIONS.items():
        optimised = optimise_for_inference(copy.deepcopy(plain), device, amp)
        contenders[f'optimised, {precision}'] = Contender(forward(optimised, video), FRAMES)
        contenders[f'plain, {precision}'] = Contender(forward(plain, video, amp), FRAMES)
        if setup.videopose3d:
            peer = build_videopose3d(setup, 'TemporalModel').eval()
            theirs = video.transpose(1, 2).unflatten(2, (JOINTS, CHANNELS_IN))
            contenders[f'VideoPose3D, {precision}'] = Contender(forward(peer, theirs, amp), FRAMES)
    with torch.inference_mode():
        ideal = {name: setup.ideal(contenders['plain, fp32'].run, FRAMES, name) for name in PRECISIONS}
        rates = take_turns(contenders, setup.rounds)
    for ours, peer, target in (
        ('optimised, fp32', 'VideoPose3D, fp32', 1),
        ('optimised, fp32', _MMPOSE, 14),
        ('optimised, bf16', 'VideoPose3D, fp32', 4.4 if setup.amx else 1),
        ('optimised, bf16', 'VideoPose3D, bf16', None),
        ('plain, fp32', 'VideoPose3D, fp32', None),
        ('plain, bf16', 'VideoPose3D, fp32', None),
    ):
        columns = dict(target=target, ideal=ideal[ours.split()[-1]])
        yield Row(f'whole video, {ours}', 'frames/s', rates[ours], peer, rates.get(peer), **columns)
    growth = measure_alone(refine_long_video, CHANNELS, HOUR, device, device=device).growth
    work = f'whole video, optimised, fp32: memory of {HOUR:,} frames on top of weights and inputs'
    yield Row(work, 'MB', growth / 1e6, target=1000, at_most=True)


def measure_training(setup: Setup) -> Iterator[Row]:
    """Windows a second: forward, loss, backward and Adam with amsgrad, on one batch of the config's loader."""
    batch, root, loader = WINDOWS[setup.device], setup.folder / 'training', config(REFINER).train_dataloader
    write_data_root(root, loader.dataset, max(batch, FIELD))
    data = next(endless_batches(loader, root, batch))
    contenders = {}
    for precision, amp in PRECISIONS.items():
        contenders[precision] = Contender(our_step(setup, data, amp), batch)
        contenders[f'nn.Dropout, {precision}'] = Contender(our_step(setup, data, amp, torch_dropout=True), batch)
        if setup.videopose3d:
            contenders[f'VideoPose3D, {precision}'] = Contender(their_step(setup, batch, amp), batch)
    ideal = {name: setup.ideal(contenders['fp32'].run, batch, name) for name in PRECISIONS}
    rates = take_turns(contenders, setup.rounds)
    for ours, peer, target in (
        ('fp32', 'VideoPose3D, fp32', 1.5),
        ('bf16', 'VideoPose3D, fp32', 5 if setup.amx else 1),
        ('bf16', 'VideoPose3D, bf16', None),
        ('fp32', 'nn.Dropout, fp32', None),
        ('bf16', 'nn.Dropout, bf16', 1.3),  # below that, ByteDropout would not be worth having
    ):
        work = f'refiner, training step of {batch}, {ours}'
        yield Row(work, 'windows/s', rates[ours], peer, rates.get(peer), target, ideal=ideal[ours])
    for precision, amp in PRECISIONS.items():
        with torch.inference_mode():
            rates = take_turns(matrix_products(setup.device, PRODUCT_ROWS, amp), setup.rounds)
        work = f'large matrix product as FrameConv1d has it, {precision}'
        yield Row(work, 'GFLOP/s', rates['conv2d'] / 1e9, 'F.linear', rates['linear'] / 1e9)


def measure_streaming(setup: Setup) -> Iterator[Row]:
    """Frames a second of a stream on one thread, flip test included, compared with refining each frame's window."""
    refiner = build_refiner('refiner_causal_243.py').to(setup.device).eval()
    streaming = StreamingRefiner(refiner, _STREAM_CAMERA, flip_indices=H36M.flip_indices)
    optimised = optimise_for_inference(copy.deepcopy(refiner), setup.device)
    low, high = [0, 0, -0.75], [*_STREAM_CAMERA.values(), 0.75]
    keypoints = np.random.default_rng(0).uniform(low, high, (_STREAM_FRAMES, JOINTS, CHANNELS_IN))
    window, sample = make_video(1, setup.device), PoseDataSample(metainfo=dict(flip_indices=H36M.flip_indices))
    contenders = dict(
        stream=Contender(lambda: [streaming(frame) for frame in keypoints], len(keypoints)),
        window=Contender(lambda: optimised(window, [sample], mode='predict')),
    )
    with torch.inference_mode():
        rates = take_turns(contenders, setup.rounds, threads=1)
    work, peer = 'frame by frame, one thread, fp32', 'the window of each frame, optimised'
    yield Row(work, 'frames/s', rates['stream'], peer, rates['window'], target=10)


def build_refiner(name: str = REFINER, channels: int | None = None) -> DepthTemporalRefiner:
    """Our refiner from a config, with random weights."""
    cfg = config(name).model
    cfg.backbone.channels = cfg.head.in_channels = channels or CHANNELS
    return MODELS.build(cfg)


def build_videopose3d(setup: Setup, name: str) -> nn.Module:
    """VideoPose3D's dilated ``TemporalModel``, or strided ``TemporalModelOptimized1f``."""
    build = getattr(setup.peer('model'), name)
    return build(JOINTS, CHANNELS_IN, JOINTS, filter_widths=[3] * 5, dropout=0.25, channels=CHANNELS).to(setup.device)


def build_mmpose() -> nn.Module:
    """MMPose's lifter of 243 frames, with our three channels a joint."""
    cfg = get_config(MMPOSE).model
    cfg.backbone.update(in_channels=JOINTS * CHANNELS_IN, stem_channels=CHANNELS)
    cfg.head.in_channels = CHANNELS
    return MODELS.build(cfg)


def make_video(frames: int, device: str) -> Tensor:
    """Inputs (1, K * C, frames + R - 1) of a video, for ``frames`` predicted frames."""
    return torch.randn(1, JOINTS * CHANNELS_IN, frames + FIELD - 1, device=device)


def forward(network: Callable, inputs: Tensor, amp: bool = False) -> Callable[[], object]:
    """The work of a network, under autocast or not."""
    return torch.autocast(inputs.device.type, torch.bfloat16, enabled=amp)(lambda: network(inputs))


def refine_long_video(channels: int, frames: int, device: str) -> Callable[[], None]:
    """The work of refining a long video, for a process of its own."""
    refiner = optimise_for_inference(build_refiner(channels=channels), device)
    return torch.inference_mode()(forward(refiner, make_video(frames, device)))


def our_step(setup: Setup, data: dict, amp: bool, torch_dropout: bool = False) -> Callable[[], object]:
    """The work of a training step, as in mmengine's loop, with PyTorch's dropout or with ours."""
    cfg, refiner = config(REFINER), build_refiner().to(setup.device).train()
    for layer in refiner.modules() if torch_dropout else ():
        if isinstance(layer, TemporalConv):
            layer.dropout = nn.Dropout(layer.dropout.p)
    if amp:
        use_mixed_precision(cfg)
    wrapper = build_optim_wrapper(refiner, cfg.optim_wrapper)
    return lambda: refiner.train_step(data, wrapper)


def their_step(setup: Setup, batch: int, amp: bool) -> Callable[[], object]:
    """The work of a training step of VideoPose3D's strided network on random windows, with our loss and optimiser."""
    windows = torch.randn(batch, FIELD, JOINTS, CHANNELS_IN, device=setup.device)
    target = 0.3 * torch.randn(batch, 1, JOINTS, 3, device=setup.device)
    network = build_videopose3d(setup, 'TemporalModelOptimized1f').train()
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3, amsgrad=True)

    def step() -> dict:
        optimiser.zero_grad()
        with torch.autocast(setup.device, torch.bfloat16, enabled=amp):
            loss = (network(windows) - target).norm(dim=-1).mean()
        loss.backward()
        optimiser.step()
        return dict(loss=loss)

    return step
