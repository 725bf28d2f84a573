import numpy as np
import pytest
from mmpose.codecs import VideoPoseLifting

from depth_refine.codecs import DepthSequenceLifting

CAMERA = dict(w=1000, h=1002)


@pytest.fixture
def sequence():
    rng = np.random.default_rng(0)
    keypoints = rng.uniform([0, 0, -0.75], [1000, 1002, 0.75], (9, 17, 3)).astype(np.float32)
    target = rng.normal([0, 0, 5], 0.5, (2, 17, 3)).astype(np.float32)
    return keypoints, target


def encode(codec, keypoints, target):
    visible = np.ones(target.shape[:2], np.float32)
    return codec.encode(keypoints, None, lifting_target=target, lifting_target_visible=visible, camera_param=CAMERA)


def test_units(sequence):
    keypoints, target = sequence
    keypoints[0, 0], keypoints[1, 1] = (500, 501, 0), (1000, 501, -0.75)
    encoded = encode(DepthSequenceLifting(), keypoints, target)
    labels = encoded['keypoint_labels']
    assert labels.shape == (9, 17, 3) and labels.dtype == np.float32
    np.testing.assert_allclose(labels[0, 0], [0, 0, 0], atol=1e-7)
    np.testing.assert_allclose(labels[1, 1], [1, 0, -1], atol=1e-7)
    np.testing.assert_allclose(encoded['lifting_target_label'], target - target[:, :1])


def test_without_depth_equals_mmpose(sequence):
    keypoints, target = sequence[0][..., :2], sequence[1]
    ours = encode(DepthSequenceLifting(), keypoints, target)
    theirs = encode(VideoPoseLifting(num_keypoints=17, reshape_keypoints=False), keypoints, target)
    for key in ('keypoint_labels', 'lifting_target_label', 'lifting_target_weight'):
        np.testing.assert_array_equal(ours[key], theirs[key])


def test_decode_inverts_the_target(sequence):
    codec = DepthSequenceLifting()
    encoded = encode(codec, *sequence)
    poses, scores = codec.decode(encoded['lifting_target_label'])
    np.testing.assert_allclose(poses + encoded['target_root'][:, None], sequence[1], atol=1e-6)
    assert scores.shape == (2, 17)
