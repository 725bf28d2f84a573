"""What trains and predicts on GPUs, run on tensors without numbers that say they are on one, on any machine.

PyTorch's fake tensors raise where an operation mixes devices, and where Python waits for a number of a tensor, which on
a GPU holds everything up. What they cannot do is a backward pass on a machine without a GPU.
"""

import contextlib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.structures import InstanceData
from mmpose.registry import DATASETS, MODELS
from mmpose.structures import PoseDataSample
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode

from depth_refine.datasets import merge_windows
from depth_refine.functional.skeleton import FLIP_INDICES
from depth_refine.functional.soft_argmax import _pieces, _SoftArgmax3D, heatmap_marginals, soft_argmax_3d

CONFIGS = Path(__file__).parents[1] / 'configs'
PRECISIONS = [None, torch.float16, torch.bfloat16]


@pytest.fixture
def gpu(monkeypatch):
    """A pretended one with autocast; NumPy gets zeros, and of what is drawn on the CPU all are chosen."""

    def numpy(tensor):
        assert tensor.device.type == 'cpu'
        return np.zeros(tensor.shape, np.float32)

    def nonzero(tensor):
        assert tensor.device.type == 'cpu'
        return torch.arange(len(tensor))[:, None]

    monkeypatch.setattr(FakeTensor, 'numpy', numpy)
    monkeypatch.setattr(FakeTensor, 'nonzero', nonzero)
    monkeypatch.setattr(torch.cuda.amp.common, 'amp_definitely_not_available', lambda: False)
    monkeypatch.setattr(torch.cuda, 'is_bf16_supported', lambda *_: True)
    with FakeTensorMode(allow_non_fake_inputs=True):
        yield


def build(name):
    cfg = Config.fromfile(CONFIGS / name).model
    cfg.backbone.pop('init_cfg', None)
    with torch.device('cuda'):
        model = MODELS.build(cfg)
    # what Module.to does, which cannot swap fake parameters
    model.data_preprocessor._device = torch.device('cuda')
    for module in model.modules():
        module._buffers.update({name: buffer.to('cuda') for name, buffer in module._buffers.items()})
    return model


def autocast(dtype):
    return torch.autocast('cuda', dtype) if dtype else contextlib.nullcontext()


def make_sample(labels, weights, shape, frames=1):
    size = np.array([256.0, 256.0], np.float32)
    sample = PoseDataSample(
        metainfo=dict(flip_indices=list(FLIP_INDICES), target_img_path=[''] * frames)
        | dict(input_center=size / 2, input_scale=size, input_size=(256, 256))
    )
    sample.gt_instances = InstanceData(bboxes=np.zeros((1, 4)), bbox_scores=np.ones(1))
    sample.gt_instance_labels = InstanceData(**{labels: torch.zeros(frames, 17, 3), weights: torch.ones(shape)})
    return sample


def images(count):
    sample = ('keypoint_labels', 'keypoint_weights', (1, 17, 3))
    inputs = torch.zeros(count, 3, 256, 256, dtype=torch.uint8)
    return dict(inputs=inputs, data_samples=[make_sample(*sample) for _ in range(count)])


def sequences(count, frames, channels, targets):
    sample = make_sample('lifting_target_label', 'lifting_target_weight', (targets, 17), targets)
    return dict(inputs=torch.zeros(count, frames, 17, channels), data_samples=[sample])


def assert_trains_there(model, data, dtype):
    with autocast(dtype):
        losses = model.train()(**model.data_preprocessor(data, True), mode='loss')
    loss, _ = model.parse_losses(losses)
    assert loss.device.type == 'cuda' and loss.dtype == torch.float32 and loss.requires_grad


def predict(model, data, dtype):
    with torch.no_grad(), autocast(dtype):
        return [sample.pred_instances.keypoints for sample in model.eval().test_step(data)]


@pytest.mark.parametrize('dtype', PRECISIONS[:2])
def test_first_stage(gpu, dtype):
    model = build('integral_h36m.py')
    assert_trains_there(model, images(2), dtype)
    assert [keypoints.shape for keypoints in predict(model, images(3), dtype)] == [(1, 17, 3)] * 3


def test_soft_argmax_and_its_gradient(gpu):
    logits = torch.randn(2, 17, 72, 64, 64, device='cuda', dtype=torch.float16)
    coords = soft_argmax_3d(logits)
    with torch.no_grad():
        gradient = _SoftArgmax3D.backward(SimpleNamespace(saved_tensors=(logits, coords)), torch.ones_like(coords))
    results = (coords, gradient, *heatmap_marginals(logits))
    assert [values.shape for values in results] == [(2, 17, 3), logits.shape, (2, 17, 64, 64), (2, 17, 72)]
    assert {values.device.type for values in results} == {'cuda'}


def test_heatmaps_of_a_batch_are_not_all_in_one_piece(gpu):
    logits = torch.empty(128, 17, 72, 64, 64, device='cuda', dtype=torch.bfloat16)
    sizes = [logits[piece].numel() for piece in _pieces(logits)]
    assert sum(sizes) == logits.numel()
    assert max(sizes) * 4 <= 2**28  # bytes in float32
    assert len(sizes) <= 12  # few, or calls would take the time


@pytest.mark.parametrize('dtype', PRECISIONS)
@pytest.mark.parametrize(
    ('name', 'frames', 'channels'), [('refiner_27.py', 27, 3), ('table2/cai.py', 7, 2), ('table2/martinez.py', 1, 2)]
)
def test_refiners(gpu, name, frames, channels, dtype):
    model = build(name)
    assert_trains_there(model, sequences(2, frames, channels, targets=2), dtype)
    (keypoints,) = predict(model, sequences(1, frames + 4, channels, targets=5), dtype)
    assert keypoints.shape == (5, 17, 3)


@pytest.mark.parametrize('noise', ['GaussianJointNoise', 'FirstStageNoise'])
def test_windows_put_together_there(data_root, noise, gpu):
    cfg = Config.fromfile(CONFIGS / 'refiner_27.py').train_dataloader.dataset
    cfg.update(data_root=str(data_root), depth_store=None, input_source='gt2d+gtdepth', seq_len=9, device='cuda')
    cfg.pipeline[2] = dict(type=noise)
    dataset = DATASETS.build(cfg)
    if noise == 'FirstStageNoise':
        dataset._inputs.append(dataset._inputs[1])  # in place of the spread
    merged = merge_windows(dataset.__getitems__([0, 5, 40]))
    labels = merged['data_samples'][0].gt_instance_labels
    assert merged['inputs'].shape == (3, 9, 17, 3) and labels.lifting_target_label.shape == (3, 17, 3)
    assert {values.device.type for values in (merged['inputs'], *labels.values())} == {'cuda'}
