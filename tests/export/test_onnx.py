"""The files in onnxruntime against the models in MMPose."""

import json

import numpy as np
import onnxruntime
import pytest
import torch
from documents import ROOT, blocks
from mmpose.registry import MODELS
from mmpose.structures import PoseDataSample
from skeletons import smpl_metainfo
from torch import nn

from depth_refine.export.onnx import export_onnx, onnx_graph
from depth_refine.functional.camera import project
from depth_refine.structures.camera import H36M_CAMERA, normalised_cameras
from depth_refine.structures.skeleton import H36M, Skeleton
from depth_refine.utils.errors import InputError

RNG = np.random.default_rng(0)
CODEC = dict(type='DepthSequenceLifting', depth_range=1.2)
SMPL = Skeleton.from_metainfo(smpl_metainfo(), 'pelvis')


def build(config):
    """Give a model random weights and batch norm statistics."""
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


def build_refiner(causal=False, joints=17, **codec):
    backbone = dict(type='TemporalConvNet', in_channels=3 * joints, channels=12, num_blocks=2, causal=causal)
    codec = dict(CODEC, num_keypoints=joints, **codec)
    head = dict(type='TemporalPoseHead', in_channels=12, num_joints=joints, decoder=codec)
    return build(dict(type='DepthTemporalRefiner', backbone=backbone, head=head, num_joints=joints))


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


def export(model, folder, skeleton=H36M, frame_rate=50.0, cameras=(H36M_CAMERA,), notes=(), channels=3):
    training = (skeleton, frame_rate, list(cameras), notes)
    export_onnx(onnx_graph(model, channels), folder / 'model.onnx', *training, dict(checkpoint_sha256='abc'))
    assert [path.name for path in folder.iterdir()] == ['model.onnx']
    session = onnxruntime.InferenceSession(folder / 'model.onnx', providers=['CPUExecutionProvider'])
    return session, session.get_modelmeta().custom_metadata_map


def from_root(poses):
    """The poses of a refiner, relative to their root, joint 0."""
    return (poses - poses[..., :1, :]).numpy()


@pytest.mark.parametrize('causal', [False, True])
def test_refiner_at_every_size(tmp_path, causal):
    model = build_refiner(causal)
    session, data = export(model, tmp_path)
    for batch, frames in [(1, 27), (1, 28), (3, 27), (5, 331)]:
        values = torch.randn(batch, frames, 51)
        with torch.no_grad():
            expected = from_root(model(values.transpose(1, 2)))
        actual = run(session, values.numpy())
        assert actual.shape == (batch, frames - 26, 17, 3) and np.std(expected) > 0.01
        np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-5)
    assert json.loads(data['receptive_field']) == 27
    assert json.loads(data['first_output_frame']) == (26 if causal else 13)
    assert '(N, T, 51) float32, T >= 27, of u, v, depth for each' in data['input'] and 'divided by 0.6' in data['input']
    assert f'input frame t + {26 if causal else 13}' in data['output'] and data['checkpoint_sha256'] == 'abc'


def test_metadata_describe_the_training(tmp_path):
    _, data = export(
        build_refiner(joints=24), tmp_path, SMPL, 12.5, [H36M_CAMERA, dict(H36M_CAMERA, aspect=0.5)], ['A.']
    )
    expected = dict(
        joint_names=list(SMPL.joint_names),
        joint_parents=list(SMPL.parents),
        root_index=0,
        flip_indices=list(SMPL.flip_indices),
        frame_rate=12.5,
        cameras=[H36M_CAMERA, dict(H36M_CAMERA, aspect=0.5)],
        notes=['A.'],
        depth_range_m=1.2,
    )
    assert {key: json.loads(data[key]) for key in expected} == expected and data['normalisation'] == 'image_width'
    assert '(f and c in image widths' in data['input'] and data['input'].endswith('each other at 12.5 a second')
    with pytest.raises(InputError, match='the model has 17 joints, and the skeleton of its data set 24: does the conf'):
        export(build_refiner(), tmp_path, SMPL)


def camera(w, h, f, c, k=(0, 0, 0), p=(0, 0)):
    return dict(w=w, h=h, f=np.array(f, float), c=np.array(c, float), k=np.array(k, float), p=np.array(p, float))


CAMERAS = [
    camera(1920, 1080, (1325, 1330), (955, 548), (-0.2, 0.24, -0.002), (-0.0009, -0.0016)),
    camera(720, 1280, (1468, 1468), (360, 640)),
    camera(1000, 1002, (1145, 1143), (300, 690), (-0.21, 0.2, 0), (0.001, -0.002)),
]
PHONES = [  # the first is the nearest
    camera(1280, 720, (905, 905), (640, 360)),
    camera(3840, 2160, (2700, 2720), (2010, 1010), (-0.15, 0.1, -0.01), (0.002, 0.001)),
]


def distort(rays, k, p):
    x, y = rays[..., :1], rays[..., 1:]
    r2 = x**2 + y**2
    return rays * (1 + k[0] * r2 + k[1] * r2**2 + k[2] * r2**3 + p[0] * y + p[1] * x) + r2 * np.array([p[1], p[0]])


def network_inputs(pixels, depth, own, data):
    """Normalised pixels, computed as docs/output_files.md describes it."""
    normalised = rays = (pixels - own['c']) / own['f']
    for _ in range(100):
        rays = rays + normalised - distort(rays, own['k'], own['p'])
    if data['normalisation'] == 'image_width':
        same = dict(own, f=own['f'] / own['w'], c=own['c'] / own['w'], aspect=own['h'] / own['w'])

        def difference(other):
            return sum(np.sum(np.subtract(same[key], other[key]) ** 2) for key in ('f', 'c', 'k', 'p', 'aspect'))

        other = min(json.loads(data['cameras']), key=difference)
        there = distort(rays, other['k'], other['p']) * other['f'] + other['c']
        rays = 2 * there - np.array([1, other['aspect']])
    values = np.concatenate([rays, depth / (json.loads(data['depth_range_m']) / 2)], axis=-1)
    return values.astype(np.float32).reshape(1, len(values), -1)


@pytest.mark.parametrize('normalisation', ['image_width', 'rays'])
def test_any_camera_by_the_metadata_and_numpy_alone(tmp_path, normalisation):
    """The expected poses are the model's, on inputs that its codec makes with cameras in the data sets' format."""
    model = build_refiner(joints=24, normalisation=normalisation)
    session, data = export(model, tmp_path, SMPL, cameras=normalised_cameras(CAMERAS))
    joints = RNG.uniform([-1, -1, 4], [1, 1, 5], (30, 24, 3))
    depth = joints[..., 2:] - joints[:, :1, 2:]
    for own in [*CAMERAS, *PHONES]:
        seen_by = CAMERAS[0] if any(own is phone for phone in PHONES) and normalisation == 'image_width' else own
        keypoints = np.concatenate([project(joints, seen_by), depth], axis=-1).astype(np.float32)
        labels = model.head.decoder.encode(keypoints, camera_param=seen_by)['keypoint_labels']
        with torch.no_grad():
            expected = from_root(model(torch.from_numpy(labels)[None]))
        actual = run(session, network_inputs(project(joints, own), depth, own, data))
        assert np.std(expected, axis=(0, 1)).max() > 0.01
        np.testing.assert_allclose(actual, expected, rtol=0, atol=2e-5)


def test_flip_test_by_the_metadata_and_numpy_alone(tmp_path):
    """Flip testing as docs/output_files.md describes it equals MMPose's test step."""
    model = build_refiner(joints=24, normalisation='rays')
    model.test_cfg = dict(flip_test=True)
    session, data = export(model, tmp_path, SMPL)
    keypoints = RNG.uniform(-0.5, 0.5, (1, 30, 24, 3)).astype(np.float32)
    order = json.loads(data['flip_indices'])

    def mirror(joints):
        return joints[..., order, :] * np.array([-1, 1, 1], np.float32)

    once, twice = (run(session, each.reshape(1, 30, -1)) for each in (keypoints, mirror(keypoints)))
    samples = [PoseDataSample(metainfo=dict(flip_indices=order, root_index=SMPL.root))]
    with torch.no_grad():
        found = model.predict(torch.from_numpy(keypoints), samples)
    expected = np.concatenate([sample.pred_instances.keypoints for sample in found])
    np.testing.assert_allclose(((once + mirror(twice)) / 2)[0], expected, rtol=0, atol=2e-5)
    assert np.abs(once[0] - expected).max() > 1e-3


def test_a_graph_network_of_another_skeleton(tmp_path):
    backbone = dict(type='SpatialTemporalGraphNet', in_channels=2, channels=4, metainfo=smpl_metainfo(), root='pelvis')
    head = dict(type='TemporalPoseHead', in_channels=96, num_joints=24, decoder=dict(CODEC, num_keypoints=24))
    model = build(dict(type='DepthTemporalRefiner', backbone=backbone, head=head, num_joints=24))
    session, data = export(model, tmp_path, SMPL, channels=2)
    assert '(N, T, 48) float32, T >= 7, of u, v for each of 24' in data['input']
    for batch, frames in [(1, 7), (3, 20)]:
        values = torch.randn(batch, frames, 48)
        with torch.no_grad():
            expected = from_root(model(values.transpose(1, 2)))
        np.testing.assert_allclose(run(session, values.numpy()), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize('order', ['RGB', 'BGR'])
def test_first_stage_at_every_batch_size(tmp_path, order):
    """Images are BGR, as OpenCV reads them; the expected keypoints are MMPose's predictions."""
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
    assert json.loads(data['joint_parents']) == list(H36M.parents) and 'cameras' not in data


@pytest.mark.parametrize('dynamo', [True, False], ids=['dynamo', 'torchscript'])
@pytest.mark.parametrize('part', ['head', 'refiner'])
def test_both_exporters_of_pytorch(part, dynamo, tmp_path):
    """Nothing becomes a constant: outputs depend on inputs, also of other sizes than the traced ones."""

    def make(batch):
        frames = 35 + 5 * batch  # 40 to 60
        return (20 * torch.randn(batch, 128, 14, 10),) if part == 'head' else torch.randn(batch, 51, frames)

    module, path = build_first_stage(True).head if part == 'head' else build_refiner(), tmp_path / 'part.onnx'
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


def documented(function, **names):
    """What the example of docs/output_files.md with a function makes of these names."""
    text = (ROOT / 'docs/output_files.md').read_text()
    (example,) = [block for _, block in blocks(text, 'python') if f'def {function}(' in block]
    exec(example, names := dict(names, np=np))
    return names


def test_examples_of_the_document():
    """They compute what the tests above do."""
    own = CAMERAS[0]
    pixels = RNG.uniform([300, 100], [1600, 900], (30, 24, 2))
    camera = normalised_cameras(CAMERAS)[0]
    example = documented('distort', pixels=pixels, camera=camera, **{key: own[key] for key in 'fckp'})
    there = distort(example['rays'], own['k'], own['p'])
    np.testing.assert_allclose(there * own['f'] + own['c'], pixels, atol=1e-6)
    np.testing.assert_allclose(example['distort'](example['rays'], own['k'], own['p']), there)

    order, weights = np.array(SMPL.flip_indices), RNG.uniform(size=(4, 3))
    joints = RNG.uniform(-0.5, 0.5, (1, 30, 24, 4))
    example = documented('mirror', x=joints, run=lambda x: np.tanh(x @ weights), flip_indices=order)
    mirrored = np.tanh((joints[..., order, :] * [-1, 1, 1, 1]) @ weights)[..., order, :] * [-1, 1, 1]
    np.testing.assert_allclose(example['poses'], (np.tanh(joints @ weights) + mirrored) / 2, rtol=1e-6)
