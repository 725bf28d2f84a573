"""The files as onnxruntime runs them, against the models as MMPose runs them."""

import json

import numpy as np
import onnxruntime
import pytest
import torch
from mmpose.registry import KEYPOINT_CODECS, MODELS
from mmpose.structures import PoseDataSample
from torch import nn

from depth_refine.export.onnx import export_onnx, onnx_graph
from depth_refine.structures.skeleton import JOINT_NAMES
from depth_refine.utils.errors import InputError

RNG = np.random.default_rng(0)
CODEC = dict(type='DepthSequenceLifting', depth_range=1.2)


def build(config):
    """Weights and batch norm statistics that matter."""
    torch.manual_seed(0)
    model = MODELS.build(config)
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            for values in (module.weight, module.running_var):
                nn.init.uniform_(values, 0.5, 2)
            for values in (module.bias, module.running_mean):
                nn.init.normal_(values, std=0.3)
        elif isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.kaiming_normal_(module.weight)
    return model.eval()


def build_refiner(causal):
    backbone = dict(type='TemporalConvNet', in_channels=51, channels=12, num_blocks=2, causal=causal)
    head = dict(type='TemporalPoseHead', in_channels=12, decoder=CODEC)
    return build(dict(type='DepthTemporalRefiner', backbone=backbone, head=head))


def build_first_stage(bgr_to_rgb):
    preprocessor = dict(type='PoseDataPreprocessor', mean=[120, 110, 100], std=[60, 50, 40], bgr_to_rgb=bgr_to_rgb)
    backbone = dict(type='ResNet', depth=18, num_stages=2, strides=(1, 2), dilations=(1, 1), out_indices=(1,))
    head = dict(type='IntegralHead3D', in_channels=128, depth_bins=6, deconv_out_channels=(8,))
    head.update(deconv_kernel_sizes=(4,), decoder=dict(type='IntegralPose3D', input_size=(40, 56), depth_range=1.2))
    model = build(dict(type='TopdownPoseEstimator', data_preprocessor=preprocessor, backbone=backbone, head=head))
    nn.init.normal_(model.head.heatmap_head.final_layer.weight, std=0.005)  # heatmaps of several bins
    return model


def run(session, values):
    return session.run(None, {session.get_inputs()[0].name: values})[0]


def export(model, folder):
    export_onnx(onnx_graph(model), folder / 'model.onnx', dict(checkpoint_sha256='abc'))
    assert [path.name for path in folder.iterdir()] == ['model.onnx']
    session = onnxruntime.InferenceSession(folder / 'model.onnx', providers=['CPUExecutionProvider'])
    return session, session.get_modelmeta().custom_metadata_map


@pytest.mark.parametrize('causal', [False, True])
def test_refiner_at_every_size(tmp_path, causal):
    model = build_refiner(causal)
    session, data = export(model, tmp_path)
    for batch, frames in [(1, 27), (1, 28), (3, 27), (5, 331)]:
        values = torch.randn(batch, frames, 51)
        with torch.no_grad():
            expected = model(values.transpose(1, 2)).numpy()
        actual = run(session, values.numpy())
        assert actual.shape == (batch, frames - 26, 17, 3) and np.std(expected) > 0.01
        np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-5)
    assert json.loads(data['joint_names']) == list(JOINT_NAMES) and json.loads(data['receptive_field']) == 27
    assert '(N, T, 51) float32, T >= 27, of u, v, depth for each' in data['input'] and 'divided by 0.6' in data['input']
    assert f'input frame t + {26 if causal else 13}' in data['output'] and data['checkpoint_sha256'] == 'abc'


def test_stated_normalisation_is_the_codecs():
    keypoints = RNG.uniform(0, 300, (4, 17, 3)).astype(np.float32)
    target = np.zeros((4, 17, 3), np.float32)
    encoded = KEYPOINT_CODECS.build(CODEC).encode(keypoints, lifting_target=target, camera_param=dict(w=640, h=362))
    u, v, depth = np.moveaxis(keypoints, -1, 0)
    stated = np.stack([2 * u / 640 - 1, (2 * v - 362) / 640, depth / 0.6], axis=-1)
    np.testing.assert_allclose(encoded['keypoint_labels'], stated, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize('order', ['RGB', 'BGR'])
def test_first_stage_at_every_batch_size(tmp_path, order):
    """The images are as OpenCV reads them, BGR, and the expected keypoints as MMPose predicts them."""
    model = build_first_stage(bgr_to_rgb=order == 'RGB')
    session, data = export(model, tmp_path)
    for batch in (1, 2, 5):
        images, samples = RNG.integers(0, 256, (batch, 56, 40, 3), np.uint8), [PoseDataSample() for _ in range(batch)]
        inputs = [torch.from_numpy(image).permute(2, 0, 1) for image in images]
        with torch.no_grad():
            prepared = model.data_preprocessor(dict(inputs=inputs, data_samples=samples))
            instances = model.head.predict(model.extract_feat(prepared['inputs']), samples)
        expected = np.concatenate([instance.keypoints for instance in instances])
        assert np.all(np.std(expected, axis=(0, 1)) > [0.5, 0.5, 0.01])
        ordered = images[..., ::-1] if order == 'RGB' else images
        actual = run(session, np.ascontiguousarray(ordered.transpose(0, 3, 1, 2), np.float32))
        np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-4)
    assert data['input'].startswith(f'image: (N, 3, 56, 40) float32, {order}, 0 to 255')
    assert 'pixels of the crop' in data['output'] and json.loads(data['depth_range_m']) == 1.2


@pytest.mark.parametrize('dynamo', [True, False], ids=['dynamo', 'torchscript'])
@pytest.mark.parametrize('part', ['head', 'refiner'])
def test_both_exporters_of_pytorch(part, dynamo, tmp_path):
    """Nothing becomes a constant: outputs follow their inputs, also of other sizes than the traced ones."""

    def make(batch):
        frames = 35 + 5 * batch  # 40 to 60
        return (20 * torch.randn(batch, 128, 14, 10),) if part == 'head' else torch.randn(batch, 51, frames)

    module, path = build_first_stage(True).head if part == 'head' else build_refiner(False), tmp_path / 'part.onnx'
    free = {0: 'batch'} if part == 'head' else {0: 'batch', 2: 'frames'}
    shapes = dict(dynamic_axes=dict(x=free))
    if dynamo:
        shapes = dict(dynamic_shapes=((free,) if part == 'head' else free,))
    names = dict(input_names=['x'], output_names=['y'])
    torch.onnx.export(module, (make(2),), path, dynamo=dynamo, verbose=False, **names, **shapes)
    session = onnxruntime.InferenceSession(path, providers=['CPUExecutionProvider'])
    for batch in (1, 2, 5):
        outputs = []
        for values in (make(batch), make(batch)):
            with torch.no_grad():
                expected = module(values).numpy()
            outputs.append(run(session, (values[0] if part == 'head' else values).numpy()))
            np.testing.assert_allclose(outputs[-1], expected, rtol=0, atol=1e-4)
        assert outputs[0].shape == expected.shape and np.abs(outputs[0] - outputs[1]).max() > 1e-3


def test_other_models_are_refused():
    head = dict(type='HeatmapHead', in_channels=512, out_channels=17, deconv_out_channels=None)
    model = MODELS.build(dict(type='TopdownPoseEstimator', backbone=dict(type='ResNet', depth=18), head=head))
    with pytest.raises(InputError, match='cannot export a TopdownPoseEstimator with a ResNet and a HeatmapHead: expe'):
        onnx_graph(model)
