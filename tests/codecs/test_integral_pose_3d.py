import numpy as np
import pytest
from mmpose.registry import KEYPOINT_CODECS, TRANSFORMS

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
    encoded = codec.encode(keypoints, np.array([[1, 0, 1, 1, 1]]))
    np.testing.assert_array_equal(encoded['keypoint_weights'], [[1, 0, 1, 1, 1]])
    inside = [[1, 1, 1], [1, 1, 1], [0, 1, 1], [1, 0, 1], [1, 1, 0]]
    labels = encoded['keypoint_labels'][0]
    np.testing.assert_array_equal((labels >= 0) & (labels <= 1), inside)
    encoded = codec.encode(np.full((1, 17, 2), 10.0))  # of a 2D data set
    np.testing.assert_array_equal(encoded['keypoint_weights'], np.ones((1, 17)))
    assert (encoded['keypoint_labels'][..., 2] == -1).all()


@pytest.mark.parametrize('joints', [3, 5])
def test_weights_of_the_data_sets_joints(joints):
    """With 3 joints, they could be mistaken for weights of coordinates."""
    step = dict(encoder=dict(type='IntegralPose3D', input_size=SIZE), use_dataset_keypoint_weights=True)
    sample = dict(keypoints=np.zeros((1, joints, 3)), keypoints_visible=np.ones((1, joints)))
    sample['dataset_keypoint_weights'] = np.arange(joints, dtype=np.float32)
    results = TRANSFORMS.build(dict(step, type='GenerateTarget'))(sample)
    np.testing.assert_array_equal(results['keypoint_weights'], np.arange(joints)[None])


@pytest.mark.parametrize('codec', [dict(type='IntegralPose3D', input_size=(5, 7)), dict(type='DepthSequenceLifting')])
def test_depth_range_in_millimetres(codec):
    with pytest.raises(InputError, match=r'reaches 1500, expected 0\.1 to 10 metres; looks like millimetres: divide'):
        KEYPOINT_CODECS.build(dict(codec, depth_range=1500))
