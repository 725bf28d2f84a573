import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData
from mmpose.registry import MODELS
from mmpose.structures import PoseDataSample

from depth_refine.structures.skeleton import FLIP_INDICES

SIZE = (64, 96)  # w, h
MODEL = dict(
    type='TopdownPoseEstimator',
    data_preprocessor=dict(type='PoseDataPreprocessor'),
    backbone=dict(type='ResNet', depth=18),
    head=dict(
        type='IntegralHead3D',
        in_channels=512,
        depth_bins=5,
        deconv_out_channels=(8, 8, 8),
        decoder=dict(type='IntegralPose3D', input_size=SIZE, depth_range=1.5),
    ),
)
CENTER, SCALE = np.array([300.0, 200.0]), np.array([128.0, 192.0])


def build(**test_cfg):
    torch.manual_seed(0)
    model = MODELS.build(dict(MODEL, test_cfg=test_cfg)).eval()
    torch.nn.init.normal_(model.head.heatmap_head.final_layer.weight, std=3.0)  # heatmaps that differ
    return model


def sample(labels=None, weights=None):
    metainfo = dict(flip_indices=FLIP_INDICES, input_center=CENTER, input_scale=SCALE, input_size=SIZE)
    data_sample = PoseDataSample(metainfo=metainfo)
    data_sample.gt_instances = InstanceData(bboxes=np.zeros((1, 4)), bbox_scores=np.ones(1))
    if labels is not None:
        data_sample.gt_instance_labels = InstanceData(keypoint_labels=labels, keypoint_weights=weights)
    return data_sample


def test_forward_is_the_centroid_of_k_times_d_channels():
    model = build()
    feats = model.extract_feat(torch.randn(2, 3, SIZE[1], SIZE[0]))
    coords = model.head(feats)
    assert coords.shape == (2, 17, 3) and (coords > 0).all() and (coords < 1).all()
    heatmaps = model.head.heatmap_head(feats)
    assert heatmaps.shape == (2, 17 * 5, SIZE[1] // 4, SIZE[0] // 4)
    joint = heatmaps[1, 3 * 5 : 4 * 5].flatten().softmax(0).view(5, SIZE[1] // 4, SIZE[0] // 4)
    depth = (joint.sum((1, 2)) * (torch.arange(5) + 0.5) / 5).sum()
    torch.testing.assert_close(coords[1, 3, 2], depth)


def test_three_deconvolutions_of_kernel_4():
    convs = [m for m in build().head.modules() if isinstance(m, torch.nn.ConvTranspose2d)]
    assert [conv.kernel_size for conv in convs] == [(4, 4)] * 3


def test_predicts_image_pixels_and_metres():
    model = build()
    image = torch.randn(1, 3, SIZE[1], SIZE[0])
    with torch.no_grad():
        x, y, z = model.head(model.extract_feat(image))[0].T.numpy()
        (predicted,) = model(image, [sample()], mode='predict')
    keypoints = predicted.pred_instances.keypoints
    assert keypoints.shape == (1, 17, 3)
    # the crop shows 128 x 192 px about the centre; a crop pixel is 2 image px
    np.testing.assert_allclose(keypoints[0, :, 0], 300 + (x - 0.5) * 128 - 0.5 * 2, atol=1e-3)
    np.testing.assert_allclose(keypoints[0, :, 1], 200 + (y - 0.5) * 192 - 0.5 * 2, atol=1e-3)
    np.testing.assert_allclose(keypoints[0, :, 2], (z - 0.5) * 1.5, atol=1e-5)


def test_flip_test_averages_with_the_mirrored_crop():
    model = build()
    image = torch.randn(1, 3, SIZE[1], SIZE[0])
    with torch.no_grad():
        straight, mirrored = (model.head(model.extract_feat(i))[0] for i in (image, image.flip(-1)))
    mirrored = mirrored[list(FLIP_INDICES)]
    mirrored[:, 0] = 1 - mirrored[:, 0]
    expected = model.head.decoder.decode(((straight + mirrored) / 2)[None].numpy())[0]
    model.test_cfg = dict(flip_test=True)
    with torch.no_grad():
        feats = [model.extract_feat(image), model.extract_feat(image.flip(-1))]
        (predicted,) = model.head.predict(feats, [sample()], model.test_cfg)
    np.testing.assert_allclose(predicted.keypoints, expected, atol=1e-4)
    (plain,) = model.head.predict(feats[0], [sample()])
    assert (predicted.flip_test, plain.flip_test) == (True, False)


def test_samples_without_depth_train_x_and_y():
    head = build().head
    feats = (torch.randn(2, 512, 3, 2),)
    coords = head(feats).detach()
    labels = coords + torch.tensor([0.1, -0.2, 0.3])
    weights = torch.ones(2, 17, 3)
    weights[1, :, 2] = 0
    samples = [sample(labels[i : i + 1], weights[i : i + 1]) for i in range(2)]
    loss = head.loss(feats, samples)['loss_kpt']
    assert loss.item() == pytest.approx((0.6 + 0.3) / 6, rel=1e-4)


def test_depth_of_samples_without_depth_gets_no_gradient():
    head = build().head
    coords = torch.full((1, 17, 3), 0.4, requires_grad=True)
    head.forward = lambda feats: coords
    weights = torch.tensor([1.0, 1.0, 0.0]).expand(1, 17, 3)
    head.loss(None, [sample(torch.full((1, 17, 3), 0.5), weights)])['loss_kpt'].backward()
    assert (coords.grad[..., 2] == 0).all() and (coords.grad[..., :2] != 0).all()


def test_heatmaps_on_request_and_scores():
    model = build(output_heatmaps=True)
    with torch.no_grad():
        (predicted,) = model(torch.randn(1, 3, SIZE[1], SIZE[0]), [sample()], mode='predict')
    heatmaps = predicted.pred_fields.heatmaps
    assert heatmaps.shape == (17, SIZE[1] // 4, SIZE[0] // 4)
    torch.testing.assert_close(heatmaps.sum((1, 2)), torch.ones(17))
    scores = predicted.pred_instances.keypoint_scores
    assert scores.shape == (1, 17) and ((scores >= 0) & (scores <= 1)).all()


def test_depth_std_is_the_spread_of_the_heatmap():
    head = build().head
    logits = torch.full((1, 17, 5, 4, 3), -100.0)
    logits[:, :, 1, 2, 1] = logits[:, :, 4, 0, 0] = 0  # two equal peaks, three bins of 0.3 m apart
    head._logits = lambda feats: logits
    (predicted,) = head.predict(None, [sample()])
    assert predicted.depth_std.shape == (1, 17)
    np.testing.assert_allclose(predicted.depth_std, 0.45, rtol=1e-5)


def test_score_is_zero_for_a_uniform_heatmap_and_near_one_for_a_peak():
    head = build().head
    logits = torch.zeros(1, 17, 5, 64, 64)
    logits[:, 1, 2, 30, 20] = 100
    head._logits = lambda feats: logits
    (predicted,) = head.predict(None, [sample()])
    assert predicted.keypoint_scores[0, 0] < 0.01 < 0.99 < predicted.keypoint_scores[0, 1]
