"""The optimised model against the plain one."""

import copy

import numpy as np
import pytest
import torch
from mmpose.registry import MODELS
from small_models import build_refiner, make_sample, randomise_statistics
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from depth_refine.models import optimise_for_inference

SIZE = (96, 64)  # w, h
HEAD = dict(
    type='IntegralHead3D',
    depth_bins=12,
    deconv_out_channels=(16, 24),
    deconv_kernel_sizes=(4, 4),
    decoder=dict(type='IntegralPose3D', input_size=SIZE, depth_range=1.5),
)
STAGE, STAGES = (dict(num_stages=n, strides=(1, 2)[:n], dilations=(1, 1)[:n], out_indices=(n - 1,)) for n in (1, 2))
BACKBONES = {
    'basic blocks': (dict(STAGES, type='ResNet', depth=18), 128),
    'bottlenecks': (dict(STAGE, type='ResNet', depth=50), 256),
    'deep stem': (dict(STAGE, type='ResNetV1d', depth=18), 64),
}


@pytest.fixture(params=BACKBONES)
def model(request):
    """A network whose batch norms change their inputs and whose heatmaps differ."""
    backbone, channels = BACKBONES[request.param]
    torch.manual_seed(0)
    model = MODELS.build(
        dict(
            type='TopdownPoseEstimator',
            data_preprocessor=dict(type='PoseDataPreprocessor', mean=[123.675, 116.28, 103.53], std=[58.4, 57.1, 57.4]),
            backbone=backbone,
            head=dict(HEAD, in_channels=channels),
        )
    ).eval()
    for module in randomise_statistics(model).modules():
        if isinstance(module, nn.ConvTranspose2d):
            nn.init.normal_(module.weight, std=0.2)
    nn.init.normal_(model.head.heatmap_head.final_layer.weight, std=0.5)
    return model


def predict(model, flip_test):
    model.test_cfg = dict(flip_test=flip_test)
    crop = dict(input_center=np.array([300.0, 200]), input_scale=np.array([192.0, 128]), input_size=SIZE)
    samples = [make_sample(**crop) for _ in range(3)]
    images = torch.randint(0, 256, (3, 3, SIZE[1], SIZE[0]), generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        predictions = model.test_step(dict(inputs=list(images.byte()), data_samples=samples))
    keys = ('keypoints', 'keypoint_scores', 'depth_std')
    return [np.stack([prediction.pred_instances[key][0] for prediction in predictions]) for key in keys]


@pytest.mark.parametrize('flip_test', [False, True])
def test_float32_equals_the_plain_model(model, flip_test):
    optimised = optimise_for_inference(copy.deepcopy(model))
    plain, fast = predict(model, flip_test), predict(optimised, flip_test)
    assert np.ptp(plain[0][..., 0], axis=1).min() > 1 and np.ptp(plain[0][..., 2], axis=1).min() > 0.01
    np.testing.assert_allclose(fast[0][..., :2], plain[0][..., :2], rtol=0, atol=1e-3)
    for got, expected in zip((fast[0][..., 2], *fast[1:]), (plain[0][..., 2], *plain[1:]), strict=True):
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e-5)


def test_bfloat16_is_close(model):
    """No batch norm is left, and images are normalised in float32."""
    optimised = optimise_for_inference(copy.deepcopy(model), amp=True)
    plain, fast = predict(model, False), predict(optimised, False)
    assert 0 < np.abs(fast[0] - plain[0])[..., :2].mean() < 0.02 * plain[0][..., :2].std()
    assert np.abs(fast[0] - plain[0])[..., 2].mean() < 0.05 * plain[0][..., 2].std()
    assert not [module for module in optimised.modules() if isinstance(module, _BatchNorm)]
    assert {parameter.dtype for parameter in optimised.parameters()} == {torch.bfloat16}
    assert optimised.data_preprocessor.mean.dtype == torch.float32
    assert all(p.is_contiguous(memory_format=torch.channels_last) for p in optimised.parameters() if p.ndim == 4)


def test_a_batch_norm_that_does_not_follow_a_convolution_is_kept():
    backbone = nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 4, 3), nn.ReLU(), nn.BatchNorm2d(4), nn.Conv2d(4, 5, 3))
    model = randomise_statistics(nn.ModuleDict(dict(backbone=backbone, head=nn.Identity()))).eval()
    images = torch.randn(2, 3, 9, 7)
    expected = copy.deepcopy(backbone)(images)
    torch.testing.assert_close(optimise_for_inference(model).backbone(images), expected)
    assert isinstance(backbone[0], nn.BatchNorm2d) and isinstance(backbone[3], nn.BatchNorm2d)


@pytest.mark.parametrize(('amp', 'tolerance'), [(False, 1e-5), (True, 2e-3)])
def test_refiners(amp, tolerance):
    plain, video = build_refiner(num_blocks=3, channels=32), torch.randn(2, 51, 100)
    fast = optimise_for_inference(copy.deepcopy(plain), amp=amp)
    assert not [module for module in fast.modules() if isinstance(module, _BatchNorm)]
    with torch.inference_mode():
        expected, poses = plain(video), fast(video)
    assert poses.dtype == torch.float32 and expected.std() > 0.1  # metres: errors would show
    torch.testing.assert_close(poses, expected, atol=tolerance, rtol=0)
    torch.testing.assert_close(fast(video[:1, :, :81]), expected[:1, :1], atol=tolerance, rtol=0)  # one frame of output
    again = optimise_for_inference(copy.deepcopy(fast), amp=amp)  # nothing is left to do
    torch.testing.assert_close(again(video), poses)


def test_refiner_in_bfloat16_keeps_residuals_and_poses_in_float32():
    fast = optimise_for_inference(build_refiner(num_blocks=3), amp=True)
    dtypes = {name: parameter.dtype for name, parameter in fast.named_parameters()}
    assert {dtype for name, dtype in dtypes.items() if '.blocks.' in name} == {torch.bfloat16}
    assert {dtype for name, dtype in dtypes.items() if '.blocks.' not in name} == {torch.float32}
    seen = []
    for block in fast.backbone.blocks:
        block.register_forward_hook(lambda block, _, out: seen.append(out.dtype))
    fast(torch.randn(1, 51, 90))
    assert seen == [torch.float32] * 3


def test_a_refiner_with_another_backbone():
    plain = build_refiner(dict(type='TCN', in_channels=51, stem_channels=16, num_blocks=1, kernel_sizes=(3, 3)))
    video = torch.randn(1, 51, 30)
    expected = plain(video)
    torch.testing.assert_close(optimise_for_inference(copy.deepcopy(plain))(video), expected, atol=1e-5, rtol=0)
    rounded = optimise_for_inference(plain, amp=True)(video)
    assert rounded.dtype == torch.float32 and 0 < (rounded - expected).abs().mean() < 0.02 * expected.std()
