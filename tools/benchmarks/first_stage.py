"""The first stage: training steps, the soft-argmax's part of them, and prediction."""

import copy
from collections.abc import Callable, Iterator

import numpy as np
import torch
from mmengine.optim import build_optim_wrapper
from mmengine.structures import InstanceData
from mmpose.registry import MODELS
from mmpose.structures import PoseDataSample
from torch import Tensor, nn

from depth_refine.functional.soft_argmax import soft_argmax_3d
from depth_refine.models import optimise_for_inference
from depth_refine.structures.skeleton import H36M
from depth_refine.utils.runner import use_mixed_precision

from .memory import measure_alone
from .setup import JOINTS, PRECISIONS, Setup, config
from .turns import Contender, Row, take_turns

IMAGES, SIDE, DEPTH = dict(cpu=8, cuda=64), 256, 50  # of a batch; px; layers of the ResNet
_LAYOUTS = dict(channels_last=torch.channels_last, contiguous=torch.contiguous_format)


def measure(setup: Setup) -> Iterator[Row]:
    """Training steps and prediction on one network and batch."""
    cfg = config('integral_h36m.py').model
    cfg.backbone.update(depth=DEPTH, init_cfg=None)
    cfg.head.in_channels = 2048 if DEPTH >= 50 else 512
    cfg.head.decoder.input_size = (SIDE, SIDE)
    model, data = MODELS.build(cfg).to(setup.device), make_batch(IMAGES[setup.device], setup.device)
    heatmap = (IMAGES[setup.device], cfg.head.num_joints, cfg.head.depth_bins, SIDE // 4, SIDE // 4)
    yield from _training(setup, model, data, heatmap)
    yield from _prediction(setup, model.eval(), data)


def _training(setup: Setup, model: nn.Module, data: dict, heatmap: tuple[int, ...]) -> Iterator[Row]:
    """Images a second in both layouts, and the time and memory of the soft-argmax."""
    images, contenders = heatmap[0], {}
    for precision, amp in PRECISIONS.items():
        for layout, memory_format in _LAYOUTS.items():
            step = train(copy.deepcopy(model).to(memory_format=memory_format), data, amp)
            contenders[f'{layout}, {precision}'] = Contender(step, images)
        decode = decode_and_back(soft_argmax_3d, heatmap, setup.device, amp)
        contenders[f'soft-argmax, {precision}'] = Contender(decode, images)
    ideal = {name: setup.ideal(contenders['contiguous, fp32'].run, images, name) for name in PRECISIONS}
    rates = take_turns(contenders, setup.rounds)
    for precision, amp in PRECISIONS.items():
        work, peer = f'first stage, training step of {images}, channels last, {precision}', f'contiguous, {precision}'
        columns = dict(target=1.5 if amp and setup.amx else None, ideal=ideal[precision])
        yield Row(work, 'images/s', rates[f'channels_last, {precision}'], peer, rates[peer], **columns)
    for precision in PRECISIONS:
        part, whole = (1000 * images / rates[f'{name}, {precision}'] for name in ('soft-argmax', 'channels_last'))
        work = f'3D soft-argmax of {" x ".join(map(str, heatmap))}, forward and backward, {precision}'
        yield Row(work, 'ms', part, 'that whole step', whole)
    ours, plain = (
        measure_alone(decode_and_back, decode, heatmap, setup.device, device=setup.device).growth / 1e6
        for decode in (soft_argmax_3d, plain_soft_argmax_3d)
    )
    yield Row('its memory on top of the heatmap, fp32', 'MB', ours, 'plain softmax', plain, target=1.05, at_most=True)


def _prediction(setup: Setup, model: nn.Module, data: dict) -> Iterator[Row]:
    """Images a second with the config's flip test."""
    images, peer = len(data['inputs']), "MMPose's top-down inference, fp32"
    contenders = {peer: Contender(predict(model, data), images)}
    for precision, amp in PRECISIONS.items():
        optimised = optimise_for_inference(copy.deepcopy(model), setup.device, amp)
        contenders[precision] = Contender(predict(optimised, data), images)
    ideal = {name: setup.ideal(contenders[peer].run, images, name) for name in PRECISIONS}
    rates = take_turns(contenders, setup.rounds)
    for name in PRECISIONS:
        work = f'first stage, prediction of {images}, optimised, {name}'
        yield Row(work, 'images/s', rates[name], peer, rates[peer], ideal=ideal[name])


def make_batch(images: int, device: str) -> dict:
    """Random crops with labels, as a data loader gives them."""
    size = np.array([SIDE, SIDE], float)
    samples = []
    for _ in range(images):
        where = dict(input_center=size / 2, input_scale=size, input_size=(SIDE, SIDE))
        sample = PoseDataSample(metainfo=dict(where, flip_indices=H36M.flip_indices))
        sample.gt_instances = InstanceData(bboxes=np.zeros((1, 4)), bbox_scores=np.ones(1))
        labels, weights = torch.rand(1, JOINTS, 3, device=device), torch.ones(1, JOINTS, device=device)
        sample.gt_instance_labels = InstanceData(keypoint_labels=labels, keypoint_weights=weights)
        samples.append(sample)
    inputs = [torch.randint(256, (3, SIDE, SIDE), dtype=torch.uint8) for _ in range(images)]
    return dict(inputs=inputs, data_samples=samples)


def train(model: nn.Module, data: dict, amp: bool) -> Callable[[], object]:
    """The work of a training step, as in mmengine's loop."""
    cfg = config('integral_h36m.py')
    if amp:
        use_mixed_precision(cfg)
    wrapper = build_optim_wrapper(model.train(), cfg.optim_wrapper)
    return lambda: model.train_step(data, wrapper)


def predict(model: nn.Module, data: dict) -> Callable[[], object]:
    """The work of predicting a batch."""
    return torch.inference_mode()(lambda: model.test_step(data))


def decode_and_back(
    decode: Callable[[Tensor], Tensor], heatmap: tuple[int, ...], device: str, amp: bool = False
) -> Callable[[], None]:
    """The work of one forward and backward pass over a random heatmap (B, K, D, H, W), channels last as in training."""
    batch, joints, bins, height, width = heatmap
    dtype = torch.bfloat16 if amp else torch.float32
    logits = torch.randn(batch, height, width, joints * bins, device=device, dtype=dtype)
    logits = logits.permute(0, 3, 1, 2).unflatten(1, (joints, bins)).requires_grad_()
    grad = torch.randn(batch, joints, 3, device=device)

    def work() -> None:
        logits.grad = None
        decode(logits).backward(grad)

    return work


def plain_soft_argmax_3d(logits: Tensor) -> Tensor:
    """:func:`soft_argmax_3d` in its plainest form."""
    probabilities = logits.flatten(2).softmax(dim=2).view(logits.shape)
    axes = [probabilities.sum(dim=others) for others in ((2, 3), (2, 4), (3, 4))]  # x, y, z
    centres = [(torch.arange(axis.shape[-1], device=axis.device) + 0.5) / axis.shape[-1] for axis in axes]
    return torch.stack([(axis * centre).sum(dim=2) for axis, centre in zip(axes, centres, strict=True)], dim=-1)
