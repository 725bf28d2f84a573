import numpy as np
import pytest
from mmpose.registry import KEYPOINT_CODECS

from depth_refine.utils.errors import InputError

SIZE = (96, 128)


@pytest.fixture
def codec():
    return KEYPOINT_CODECS.build(dict(type='IntegralPose3D', input_size=SIZE, depth_range=1.5))


def test_decode_inverts_encode(codec):
    rng = np.random.default_rng(0)
    keypoints = rng.uniform([0, 0, -0.75], [*SIZE, 0.75], (2, 17, 3)).astype(np.float32)
    labels, scores = codec.encode(keypoints)['keypoint_labels'], rng.random((2, 17))
    decoded = codec.decode(labels, scores)
    np.testing.assert_allclose(decoded[0], keypoints, atol=1e-4)
    assert decoded[1] is scores and (codec.decode(labels)[1] == 1).all()


def test_conventions(codec):
    # the middle of the crop lies between its two middle pixels; the root has depth 0
    labels = codec.encode(np.array([[[47.5, 63.5, 0.0], [-0.5, 127.5, 0.75]]]))['keypoint_labels']
    np.testing.assert_allclose(labels, [[[0.5, 0.5, 0.5], [0.0, 1.0, 1.0]]])


def test_weights_follow_visibility_and_range(codec):
    keypoints = np.array([[[10, 10, 0.1], [10, 10, 0.1], [-5, 10, 0.1], [10, 200, 0.1], [10, 10, 0.9]]])
    weights = codec.encode(keypoints, np.array([[1, 0, 1, 1, 1]]))['keypoint_weights']
    np.testing.assert_array_equal(weights[0], [[1, 1, 1], [0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]])
    weights = codec.encode(np.full((1, 17, 2), 10.0), np.ones((1, 17)))['keypoint_weights']  # of a 2D data set
    np.testing.assert_array_equal(weights, np.broadcast_to([1, 1, 0], (1, 17, 3)))


@pytest.mark.parametrize('codec', [dict(type='IntegralPose3D', input_size=(5, 7)), dict(type='DepthSequenceLifting')])
def test_depth_range_in_millimetres(codec):
    with pytest.raises(InputError, match=r'reaches 1500, expected 0\.1 to 10 metres; looks like millimetres: divide'):
        KEYPOINT_CODECS.build(dict(codec, depth_range=1500))
