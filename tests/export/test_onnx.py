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

CODEC = dict(type='DepthSequenceLifting', depth_range=1.2)


def randomise(model):
    """Weights and batch norm statistics that matter."""
    torch.manual_seed(0)
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            for values in (module.weight, module.running_var):
                nn.init.uniform_(values, 0.5, 2)
            for values in (module.bias, module.running_mean):
                nn.init.normal_(values, std=0.3)
        elif isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.kaiming_normal_(module.weight)
    return model.eval()


def run(path, values):
    session = onnxruntime.InferenceSession(path, providers=['CPUExecutionProvider'])
    return session.run(None, {session.get_inputs()[0].name: values})[0]


def metadata(path):
    return onnxruntime.InferenceSession(path, providers=['CPUExecutionProvider']).get_modelmeta().custom_metadata_map


def build_refiner(causal):
    torch.manual_seed(0)
    backbone = dict(type='TemporalConvNet', in_channels=51, channels=12, num_blocks=2, causal=causal)
    head = dict(type='TemporalPoseHead', in_channels=12, decoder=CODEC)
    return randomise(MODELS.build(dict(type='DepthTemporalRefiner', backbone=backbone, head=head)))


@pytest.fixture(scope='module', params=[False, True], ids=['symmetric', 'causal'])
def refiner(request, tmp_path_factory):
    model, path = build_refiner(request.param), tmp_path_factory.mktemp('refiner') / 'refiner.onnx'
    export_onnx(onnx_graph(model), path, dict(checkpoint_sha256='abc'))
    return model, path


@pytest.mark.parametrize(('batch', 'frames'), [(1, 27), (1, 28), (3, 27), (2, 90), (5, 331)])
def test_refiner_at_every_size(refiner, batch, frames):
    model, path = refiner
    values = torch.randn(batch, frames, 51)
    with torch.no_grad():
        expected = model(values.transpose(1, 2)).numpy()
    actual = run(path, values.numpy())
    assert actual.shape == (batch, frames - 26, 17, 3) and np.std(expected) > 0.01
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-5)


def test_refiner_metadata(refiner):
    model, path = refiner
    data = metadata(path)
    assert json.loads(data['joint_names']) == list(JOINT_NAMES) and json.loads(data['receptive_field']) == 27
    assert '(N, T, 51) float32, T >= 27, of u, v, depth for each' in data['input'] and 'divided by 0.6' in data['input']
    assert f'input frame t + {26 if model.backbone.causal else 13}' in data['output']
    assert data['checkpoint_sha256'] == 'abc' and [file.name for file in path.parent.iterdir()] == ['refiner.onnx']


def test_stated_normalisation_is_the_codecs():
    keypoints = np.random.default_rng(0).uniform(0, 300, (4, 17, 3)).astype(np.float32)
    camera = dict(w=640, h=362)
    target = np.zeros((4, 17, 3), np.float32)
    encoded = KEYPOINT_CODECS.build(CODEC).encode(keypoints, lifting_target=target, camera_param=camera)
    u, v, depth = np.moveaxis(keypoints, -1, 0)
    stated = np.stack([2 * u / 640 - 1, (2 * v - 362) / 640, depth / 0.6], axis=-1)
    np.testing.assert_allclose(encoded['keypoint_labels'], stated, rtol=1e-5, atol=1e-6)


def build_first_stage(bgr_to_rgb):
    preprocessor = dict(type='PoseDataPreprocessor', mean=[120, 110, 100], std=[60, 50, 40], bgr_to_rgb=bgr_to_rgb)
    decoder = dict(type='IntegralPose3D', input_size=(40, 56), depth_range=1.2)
    head = dict(
        type='IntegralHead3D', in_channels=128, depth_bins=6, deconv_out_channels=(8,), deconv_kernel_sizes=(4,)
    )
    model = dict(
        type='TopdownPoseEstimator',
        data_preprocessor=preprocessor,
        backbone=dict(type='ResNet', depth=18, num_stages=2, strides=(1, 2), dilations=(1, 1), out_indices=(1,)),
        head=head | dict(decoder=decoder),
    )
    model = randomise(MODELS.build(model))
    nn.init.normal_(model.head.heatmap_head.final_layer.weight, std=0.005)  # heatmaps of several bins
    return model


def predict(model, images):
    """(N, K, 3) from images as OpenCV reads them, BGR, the way that MMPose predicts."""
    samples = [PoseDataSample() for _ in images]
    inputs = [torch.from_numpy(image).permute(2, 0, 1) for image in images]
    with torch.no_grad():
        data = model.data_preprocessor(dict(inputs=inputs, data_samples=samples))
        instances = model.head.predict(model.extract_feat(data['inputs']), samples)
    return np.concatenate([instance.keypoints for instance in instances])


@pytest.fixture(scope='module')
def first_stage(tmp_path_factory):
    model = build_first_stage(bgr_to_rgb=True)
    path = tmp_path_factory.mktemp('first_stage') / 'first_stage.onnx'
    export_onnx(onnx_graph(model), path)
    return model, path


def exportable(part):
    """A module as others may export it, and a function that makes its input of a batch size."""
    if part == 'refiner':
        return build_refiner(causal=False), lambda batch: torch.randn(batch, 51, 40)
    model = build_first_stage(bgr_to_rgb=True)
    if part == 'first stage':
        return onnx_graph(model), lambda batch: 255 * torch.rand(batch, 3, 56, 40)
    return model.head, lambda batch: (20 * torch.randn(batch, 128, 14, 10),)


@pytest.mark.parametrize('dynamo', [True, False], ids=['dynamo', 'torchscript'])
@pytest.mark.parametrize('part', ['head', 'first stage', 'refiner'])
def test_both_exporters(part, dynamo, tmp_path):
    """Nothing becomes a constant: outputs follow their inputs, also at another batch size than the traced one."""
    module, make = exportable(part)
    example, path = make(2), tmp_path / 'part.onnx'
    free = {0: 'batch'}
    nested = (free,) if isinstance(example, tuple) else free
    shapes = dict(dynamic_shapes=(nested,)) if dynamo else dict(dynamic_axes=dict(x=free, y=free))
    torch.onnx.export(
        module, (example,), path, dynamo=dynamo, input_names=['x'], output_names=['y'], verbose=False, **shapes
    )
    for batch in (1, 2, 5):
        outputs = []
        for values in (make(batch), make(batch)):
            with torch.no_grad():
                expected = module(values).numpy()
            outputs.append(run(path, (values[0] if isinstance(values, tuple) else values).numpy()))
            np.testing.assert_allclose(outputs[-1], expected, rtol=0, atol=1e-4)
        assert outputs[0].shape == outputs[1].shape == expected.shape
        assert np.abs(outputs[0] - outputs[1]).max() > 1e-3


@pytest.mark.parametrize('batch', [1, 2, 5])
def test_first_stage_at_every_batch_size(first_stage, batch):
    model, path = first_stage
    images = np.random.default_rng(batch).integers(0, 256, (batch, 56, 40, 3), np.uint8)
    expected = predict(model, images)
    rgb = np.ascontiguousarray(images[..., ::-1].transpose(0, 3, 1, 2)).astype(np.float32)
    assert np.all(np.std(expected, axis=(0, 1)) > [0.5, 0.5, 0.01])
    np.testing.assert_allclose(run(path, rgb), expected, rtol=0, atol=1e-4)


def test_first_stage_metadata(first_stage):
    data = metadata(first_stage[1])
    assert data['input'].startswith('image: (N, 3, 56, 40) float32, RGB, 0 to 255')
    assert 'pixels of the crop' in data['output'] and json.loads(data['depth_range_m']) == 1.2


def test_a_network_trained_on_bgr_takes_bgr():
    model = build_first_stage(bgr_to_rgb=False)
    graph = onnx_graph(model)
    image = np.random.default_rng(0).integers(0, 256, (1, 56, 40, 3), np.uint8)
    with torch.no_grad():
        actual = graph(torch.from_numpy(image).permute(0, 3, 1, 2).float())
    np.testing.assert_allclose(actual, predict(model, image), rtol=0, atol=1e-4)
    assert 'float32, BGR, 0 to 255' in graph.metadata['input']


def test_other_models_are_refused():
    backbone = dict(type='ResNet', depth=18)
    head = dict(type='HeatmapHead', in_channels=512, out_channels=17, deconv_out_channels=None)
    model = MODELS.build(dict(type='TopdownPoseEstimator', backbone=backbone, head=head))
    with pytest.raises(
        InputError, match='cannot export a TopdownPoseEstimator with a ResNet and a HeatmapHead: expected'
    ):
        onnx_graph(model)
