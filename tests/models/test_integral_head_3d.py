import numpy as np
import pytest
import torch
from mmpose.registry import MODELS
from small_models import make_sample

from depth_refine.structures.skeleton import H36M
from depth_refine.utils.errors import InputError

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
IMAGE = torch.randn(1, 3, SIZE[1], SIZE[0], generator=torch.Generator().manual_seed(0))


def build(**test_cfg):
    torch.manual_seed(0)
    model = MODELS.build(dict(MODEL, test_cfg=test_cfg)).eval()
    torch.nn.init.normal_(model.head.heatmap_head.final_layer.weight, std=3.0)  # heatmaps that differ
    return model


def sample(**labels):
    crop = dict(input_center=np.array([300.0, 200.0]), input_scale=np.array([128.0, 192.0]), input_size=SIZE)
    return make_sample(labels, **crop)


def predict_from(logits):
    head = build().head
    head._logits = lambda feats: logits
    return head.predict(None, [sample()])[0]


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


def test_predicts_image_pixels_and_metres_and_heatmaps_on_request():
    model = build(output_heatmaps=True)
    with torch.no_grad():
        x, y, z = model.head(model.extract_feat(IMAGE))[0].T.numpy()
        (predicted,) = model(IMAGE, [sample()], mode='predict')
    keypoints = predicted.pred_instances.keypoints
    assert keypoints.shape == (1, 17, 3)
    # the crop shows 128 x 192 px about the centre; a crop pixel is 2 image px
    np.testing.assert_allclose(keypoints[0, :, 0], 300 + (x - 0.5) * 128 - 0.5 * 2, atol=1e-3)
    np.testing.assert_allclose(keypoints[0, :, 1], 200 + (y - 0.5) * 192 - 0.5 * 2, atol=1e-3)
    np.testing.assert_allclose(keypoints[0, :, 2], (z - 0.5) * 1.5, atol=1e-5)
    heatmaps = predicted.pred_fields.heatmaps
    assert heatmaps.shape == (17, SIZE[1] // 4, SIZE[0] // 4)
    torch.testing.assert_close(heatmaps.sum((1, 2)), torch.ones(17))


def test_flip_test_averages_with_the_mirrored_crop():
    model = build()
    with torch.no_grad():
        feats = [model.extract_feat(image) for image in (IMAGE, IMAGE.flip(-1))]
        straight, mirrored = (model.head(feat)[0] for feat in feats)
        (predicted,), (plain,) = (
            model.head.predict(feats, [sample()], dict(flip_test=True)),
            model.head.predict(feats[0], [sample()]),
        )
    mirrored = mirrored[list(H36M.flip_indices)]
    mirrored[:, 0] = 1 - mirrored[:, 0]
    expected = model.head.decoder.decode(((straight + mirrored) / 2)[None].numpy())[0]
    np.testing.assert_allclose(predicted.keypoints, expected, atol=1e-4)
    assert (predicted.flip_test, plain.flip_test) == (True, False)


def test_samples_without_depth_train_x_and_y():
    head = build().head
    feats = (torch.randn(2, 512, 3, 2),)
    coords = head(feats).detach()
    labels = coords + torch.tensor([0.1, -0.2, 0.3])
    labels[1, :, 2] = -1
    weights = [torch.full((1, 17), weight) for weight in (0.5, 1.0)]
    samples = [sample(keypoint_labels=labels[[i]], keypoint_weights=weights[i]) for i in range(2)]
    loss = head.loss(feats, samples)['loss_kpt']
    assert loss.item() == pytest.approx((0.5 * 0.6 + 0.3) / 6, rel=1e-4)


def test_another_number_of_joints():
    head = build().head
    feats = (torch.randn(1, 512, 3, 2),)
    labels = dict(keypoint_labels=torch.rand(1, 24, 3), keypoint_weights=torch.ones(1, 24))
    with pytest.raises(InputError, match=r'num_joints=17, and the data set.s labels are of 24 joints'):
        head.loss(feats, [sample(**labels)])
    other = sample()
    other.set_metainfo(dict(flip_indices=list(range(24))))
    with pytest.raises(InputError, match=r'num_joints=17, and the data set.s flip_indices are of 24 joints'):
        head.predict([feats, feats], [other], dict(flip_test=True))


def test_samples_of_2d_data_sets_are_predicted_in_2d():
    samples = [sample(), sample()]
    samples[1].gt_instances.keypoints = np.zeros((1, 17, 2))
    head = build().head
    feats = (torch.randn(2, 512, 3, 2),)
    full, flat = head.predict(feats, samples)
    assert (full.keypoints.shape, flat.keypoints.shape) == ((1, 17, 3), (1, 17, 2))
    np.testing.assert_array_equal(head.predict(feats, [sample(), sample()])[1].keypoints[..., :2], flat.keypoints)


def test_depth_std_is_the_spread_of_the_heatmap():
    logits = torch.full((1, 17, 5, 4, 3), -100.0)
    logits[:, :, 1, 2, 1] = logits[:, :, 4, 0, 0] = 0  # two equal peaks, three bins of 0.3 m apart
    np.testing.assert_allclose(predict_from(logits).depth_std, np.full((1, 17), 0.45), rtol=1e-5)


def test_score_is_zero_for_a_uniform_heatmap_and_near_one_for_a_peak():
    logits = torch.zeros(1, 17, 5, 64, 64)
    logits[:, 1, 2, 30, 20] = 100
    scores = predict_from(logits).keypoint_scores
    assert scores.shape == (1, 17) and 0 <= scores[0, 0] < 0.01 and 0.99 < scores[0, 1] <= 1
