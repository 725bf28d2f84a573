"""Training and prediction on an accelerator, run on any machine with fake tensors.

PyTorch's fake tensors have no numbers, so that the networks have their full size. They raise where an operation mixes
devices, and where Python waits for a number, which would hold an accelerator up. The device is 'lazy', which every
build of PyTorch knows and lets go backward without a driver; autocast, which it lacks, is taken away.
"""

import contextlib
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import FUNCTIONS
from mmpose.registry import DATASETS, MODELS
from small_models import make_sample
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode, unset_fake_temporarily
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from depth_refine.datasets import merge_windows
from depth_refine.datasets.transforms import random_sequence_flip

CONFIGS = Path(__file__).parents[1] / 'configs'
DEVICE = torch.device('lazy:0')


@pytest.fixture
def accelerator(monkeypatch):
    """A pretended one. NumPy gets zeros from the CPU."""

    def numpy(tensor):
        assert tensor.device.type == 'cpu'
        return np.zeros(tensor.shape, np.float32)

    monkeypatch.setattr(FakeTensor, 'numpy', numpy)
    monkeypatch.setattr(FakeTensor, 'data_ptr', lambda tensor: id(tensor))
    monkeypatch.setattr(torch, 'autocast', lambda *_, **__: contextlib.nullcontext())
    monkeypatch.setattr(torch, 'is_autocast_enabled', lambda *_: False)
    with FakeTensorMode(allow_non_fake_inputs=True):
        yield
    random_sequence_flip._mirror.cache_clear()  # keeps what it made, without numbers


class HostCopies(TorchDispatchMode):
    """Notes which tensors an accelerator reads from the host: shape, and whether the host goes on meanwhile."""

    def __enter__(self):
        super().__enter__()
        self.seen = []
        return self.seen

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        if any(isinstance(made, torch.Tensor) and made.device.type != 'cpu' for made in tree_leaves(result)):
            read = [value for value in tree_leaves((args, kwargs)) if isinstance(value, torch.Tensor)]
            goes_on = kwargs.get('non_blocking', False)
            self.seen += [(tuple(value.shape), goes_on) for value in read if value.device.type == 'cpu']
        return result


def build(name):
    cfg = Config.fromfile(CONFIGS / name).model
    cfg.backbone.pop('init_cfg', None)
    with DEVICE:
        model = MODELS.build(cfg)
    # the rest of what Module.to does, which cannot be called for fake parameters
    model.data_preprocessor._device = DEVICE
    for module in model.modules():
        module._buffers.update({name: buffer.to(DEVICE) for name, buffer in module._buffers.items()})
    return model


def images(count):
    size = np.array([256.0, 256.0], np.float32)
    labels = dict(keypoint_labels=torch.zeros(1, 17, 3), keypoint_weights=torch.ones(1, 17))
    crop = dict(input_center=size / 2, input_scale=size, input_size=(256, 256))
    inputs = torch.zeros(count, 3, 256, 256, dtype=torch.uint8)
    return dict(inputs=inputs, data_samples=[make_sample(labels, **crop) for _ in range(count)])


def sequences(count, frames, channels, targets):
    labels = dict(lifting_target_label=torch.zeros(targets, 17, 3), lifting_target_weight=torch.ones(targets, 17))
    return dict(inputs=torch.zeros(count, frames, 17, channels), data_samples=[make_sample(labels)])


def assert_trains(model, data):
    with HostCopies() as copies:
        losses = model.train()(**model.data_preprocessor(data, True), mode='loss')
        loss, _ = model.parse_losses(losses)
        loss.backward()
    assert len(copies) <= 4, "inputs, labels, weights, and the order of an image's channels"
    assert {parameter.grad.device for parameter in model.parameters()} == {loss.device} == {DEVICE}


def predict(model, data):
    with torch.no_grad():
        return [sample.pred_instances.keypoints for sample in model.eval().test_step(data)]


def test_first_stage(accelerator):
    model = build('integral_h36m.py')
    collate = FUNCTIONS.get(Config.fromfile(CONFIGS / 'integral_h36m.py').train_dataloader.collate_fn.type)
    inputs, samples = images(16).values()
    assert_trains(model, collate([dict(inputs=i, data_samples=s) for i, s in zip(inputs, samples, strict=True)]))
    assert [keypoints.shape for keypoints in predict(model, images(3))] == [(1, 17, 3)] * 3


@pytest.mark.parametrize(
    ('name', 'frames', 'channels'), [('refiner_243.py', 243, 3), ('table2/cai.py', 7, 2), ('table2/martinez.py', 1, 2)]
)
def test_refiners(accelerator, name, frames, channels):
    model = build(name)
    assert_trains(model, sequences(2, frames, channels, targets=2))
    (keypoints,) = predict(model, sequences(1, frames + 4, channels, targets=5))
    assert keypoints.shape == (5, 17, 3)


@pytest.mark.parametrize('is_gpu', [False, True])
@pytest.mark.parametrize('noise', ['GaussianJointNoise', 'FirstStageNoise'])
def test_windows_put_together_there(data_root, noise, is_gpu, accelerator, monkeypatch):
    pinned, to = [], torch.Tensor.to
    monkeypatch.setattr(torch.Tensor, 'pin_memory', lambda tensor: pinned.append(tensor) or tensor)
    monkeypatch.setattr(
        torch.Tensor, 'to', lambda x, *to_, **how: to(x, *(DEVICE if t == 'cuda' else t for t in to_), **how)
    )
    cfg = Config.fromfile(CONFIGS / 'refiner_27.py').train_dataloader.dataset
    cfg.update(data_root=str(data_root), depth_store=None, input_source='gt2d+gtdepth', seq_len=9, device=str(DEVICE))
    cfg.pipeline[2] = dict(type=noise)
    with unset_fake_temporarily():  # an annotation is read, and checked, with numbers
        dataset = DATASETS.build(cfg)
    if noise == 'FirstStageNoise':
        dataset._inputs.append(dataset._inputs[1])  # in place of the spread
    dataset.__getitems__([0, 5, 40])  # puts there what stays
    if is_gpu:
        dataset.device = 'cuda'
    with HostCopies() as copies:
        merged = merge_windows(dataset.__getitems__([0, 5, 40]))
    assert copies == [((2, 3), True)]  # which windows
    assert len(pinned) == is_gpu
    labels = merged['data_samples'][0].gt_instance_labels
    assert merged['inputs'].shape == (3, 9, 17, 3) and labels.lifting_target_label.shape == (3, 17, 3)
    assert {values.device for values in (merged['inputs'], *labels.values())} == {DEVICE}
