"""The first stage: images a second of prediction, of training and of loading."""

import copy
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from mmengine.optim import build_optim_wrapper
from mmengine.structures import InstanceData
from mmpose.registry import DATASETS, MODELS
from mmpose.structures import PoseDataSample
from torch import nn

from depth_refine.datasets import H36MImageDataset, merge_images
from depth_refine.models import optimise_for_inference
from depth_refine.structures.skeleton import FLIP_INDICES
from depth_refine.utils.runner import use_mixed_precision

from .comparison import Contender, Result, compare
from .made_up_data import write_data_root, write_images
from .networks import REFINER_CONFIG, count_flops
from .setup import Setup

_CONFIG = 'integral_h36m.py'
_PEER = "MMPose's top-down inference, fp32"


def measure(
    setup: Setup, images: int | None = None, depth: int = 50, size: tuple[int, int] = (256, 256)
) -> Iterator[Result]:
    """Prediction beside MMPose's of the same network, with the config's flip test; training steps, and loading, alone.

    Args:
        setup: see :class:`Setup`.
        images: of a batch; by default 8, which CPUs are fastest with, and the config's number on GPUs.
        depth: of the ResNet.
        size: width and height of the crops, px.
    """
    cfg = setup.config(_CONFIG)
    images = images or (8 if setup.device == 'cpu' else cfg.train_dataloader.batch_size)
    cfg = cfg.model
    cfg.backbone.update(depth=depth, init_cfg=None)
    cfg.head.in_channels = 2048 if depth >= 50 else 512
    cfg.head.decoder.input_size = size
    model = MODELS.build(cfg).to(setup.device).eval()
    data = make_batch(images, size, setup.device)
    names = {'fp32': False, 'bf16': True}
    models = {name: optimise_for_inference(copy.deepcopy(model), setup.device, amp) for name, amp in names.items()}
    contenders = {name: Contender(predict(network, data), images) for name, network in models.items()}
    contenders[_PEER] = Contender(predict(model, data), images)
    flops = count_flops(contenders[_PEER].run) / images
    rates = setup.take_turns(contenders)
    for name, target in (('fp32', None), ('bf16', 3)):
        work, ceiling = f'prediction, batches of {images}, {name}', setup.machine.matrix[name]
        yield compare(work, 'images/s', rates[name], _PEER, rates[_PEER], flops, ceiling, target)

    steps = {name: Contender(train(setup, copy.deepcopy(model), data, amp), images) for name, amp in names.items()}
    flops = count_flops(steps['fp32'].run) / images
    rates = setup.take_turns(steps)
    for name in names:
        work, ceiling = f'training step of {images}, {name}', setup.machine.matrix[name]
        yield compare(work, 'samples/s', rates[name], flops=flops, ceiling=ceiling)
    yield from _loading(setup)


def _loading(setup: Setup, images: int = 64) -> Iterator[Result]:
    """Images a second that a process decodes and crops, as large as Human3.6M's."""
    cfg = setup.config(_CONFIG)
    files = setup.config(REFINER_CONFIG).train_dataloader.dataset
    root = setup.folder / 'images'
    write_data_root(root, files, images)
    train = cfg.train_dataloader.dataset
    own = next(source for source in train.datasets if source.type == H36MImageDataset.__name__)
    places = dict(data_root=str(root), ann_file=files.ann_file, frame_step=1)
    data_sets = dict(
        training=DATASETS.build(dict(own, **places, pipeline=[*own.pipeline, *train.pipeline])),
        prediction=DATASETS.build(dict(cfg.test_dataloader.dataset, **places)),
    )
    write_images(data_sets['training'])
    kilobytes = Path(data_sets['training'].image_path(0)).stat().st_size / 1e3
    rates = setup.take_turns(
        {
            name: Contender(lambda d=data_set: [d[i] for i in range(images)], images)
            for name, data_set in data_sets.items()
        }
    )
    for name in data_sets:
        note = f'JPEG files of {kilobytes:.0f} kB'
        yield compare(f'loading images for {name}, one process', 'images/s', rates[name], note=note)


def make_batch(images: int, size: tuple[int, int], device: str) -> dict:
    """Random crops with labels, as a data loader gives them."""
    where = dict(input_center=np.array(size) / 2, input_scale=np.array(size, float), input_size=size)
    samples = []
    for _ in range(images):
        sample = PoseDataSample(metainfo=dict(where, flip_indices=FLIP_INDICES))
        sample.gt_instances = InstanceData(bboxes=np.zeros((1, 4)), bbox_scores=np.ones(1))
        sample.gt_instance_labels = InstanceData(
            keypoint_labels=torch.rand(1, 17, 3, device=device), keypoint_weights=torch.ones(1, 17, 3, device=device)
        )
        samples.append(sample)
    inputs = [torch.randint(256, (3, size[1], size[0]), dtype=torch.uint8) for _ in range(images)]
    return dict(inputs=inputs, data_samples=samples)


def predict(model: nn.Module, data: dict) -> Callable[[], None]:
    """The work of predicting a batch."""

    def work() -> None:
        with torch.inference_mode():
            model.test_step(data)

    return work


def train(setup: Setup, model: nn.Module, data: dict, amp: bool) -> Callable[[], None]:
    """The work of a training step as mmengine's loop takes it, on a merged batch."""
    inputs, samples = data['inputs'], data['data_samples']
    data = merge_images([dict(inputs=i, data_samples=s) for i, s in zip(inputs, samples, strict=True)])
    cfg = setup.config(_CONFIG)
    if amp:
        use_mixed_precision(cfg)
    model, wrapper = model.train(), build_optim_wrapper(model, cfg.optim_wrapper)
    return lambda: model.train_step(data, wrapper)
