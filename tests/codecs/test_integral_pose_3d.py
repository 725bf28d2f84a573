import numpy as np
import pytest
from mmpose.registry import KEYPOINT_CODECS

from depth_refine.codecs import IntegralPose3D
from depth_refine.utils.errors import InputError

SIZE = (96, 128)


@pytest.fixture
def codec():
    return KEYPOINT_CODECS.build(dict(type='IntegralPose3D', input_size=SIZE, depth_range=1.5))


def test_decode_inverts_encode(codec):
    rng = np.random.default_rng(0)
    keypoints = rng.uniform([0, 0, -0.75], [*SIZE, 0.75], (2, 17, 3)).astype(np.float32)
    decoded, _ = codec.decode(codec.encode(keypoints)['keypoint_labels'])
    np.testing.assert_allclose(decoded, keypoints, atol=1e-4)


def test_conventions(codec):
    # the middle of the crop lies between its two middle pixels; the root has depth 0
    labels = codec.encode(np.array([[[47.5, 63.5, 0.0], [-0.5, 127.5, 0.75]]]))['keypoint_labels']
    np.testing.assert_allclose(labels, [[[0.5, 0.5, 0.5], [0.0, 1.0, 1.0]]])


def test_mirrored_pixel_has_mirrored_label(codec):
    u = np.arange(SIZE[0], dtype=np.float64)
    keypoints = np.stack([u, u, u * 0], axis=-1)[None]
    mirrored = keypoints * [-1, 1, 1] + [SIZE[0] - 1, 0, 0]
    labels, mirrored_labels = (codec.encode(k)['keypoint_labels'] for k in (keypoints, mirrored))
    np.testing.assert_allclose(mirrored_labels[..., 0], 1 - labels[..., 0], atol=1e-6)


def test_two_dimensional_samples_train_x_and_y_only(codec):
    encoded = codec.encode(np.full((1, 17, 2), 10.0), np.ones((1, 17)))
    assert encoded['keypoint_labels'].shape == (1, 17, 3)
    np.testing.assert_array_equal(encoded['keypoint_weights'], np.broadcast_to([1, 1, 0], (1, 17, 3)))


def test_weights_follow_visibility_and_range(codec):
    keypoints = np.array([[[10, 10, 0.1], [10, 10, 0.1], [-5, 10, 0.1], [10, 200, 0.1], [10, 10, 0.9]]])
    weights = codec.encode(keypoints, np.array([[1, 0, 1, 1, 1]]))['keypoint_weights']
    np.testing.assert_array_equal(weights[0], [[1, 1, 1], [0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]])


def test_scores_pass_through(codec):
    scores = np.array([[0.25, 0.75]])
    assert codec.decode(np.full((1, 2, 3), 0.5), scores)[1] is scores
    assert isinstance(codec, IntegralPose3D)


@pytest.mark.parametrize('codec', [dict(type='IntegralPose3D', input_size=(5, 7)), dict(type='DepthSequenceLifting')])
def test_depth_range_in_millimetres(codec):
    with pytest.raises(InputError, match=r'reaches 1500, expected 0\.1 to 10 metres; looks like millimetres: divide'):
        KEYPOINT_CODECS.build(dict(codec, depth_range=1500))
