import numpy as np
import pytest
import torch
from mmpose.codecs import VideoPoseLifting

from depth_refine.codecs import DepthSequenceLifting
from depth_refine.functional.camera import project
from depth_refine.utils.errors import InputError

CAMERA = dict(w=1000, h=1002)


@pytest.fixture
def sequence():
    rng = np.random.default_rng(0)
    keypoints = rng.uniform([0, 0, -0.75], [1000, 1002, 0.75], (9, 17, 3)).astype(np.float32)
    target = rng.normal([0, 0, 5], 0.5, (2, 17, 3)).astype(np.float32)
    return keypoints, target


def encode(codec, keypoints, target):
    visible = (np.arange(1, 35).reshape(2, 17) % 5 > 0).astype(np.float32)
    return codec.encode(keypoints, None, lifting_target=target, lifting_target_visible=visible, camera_param=CAMERA)


def test_without_depth_equals_mmpose(sequence):
    keypoints, target = sequence[0][..., :2], sequence[1]
    ours = encode(DepthSequenceLifting(), keypoints, target)
    theirs = encode(VideoPoseLifting(num_keypoints=17, reshape_keypoints=False), keypoints, target)
    # coordinates of about 1 to the last bit but one, which is 0.00006 px
    np.testing.assert_allclose(ours['keypoint_labels'], theirs['keypoint_labels'], rtol=0, atol=2**-23)
    for key in ('lifting_target_label', 'lifting_target_weight', 'target_root'):
        np.testing.assert_array_equal(ours[key], theirs[key])


@pytest.mark.parametrize('root', [0, 3])
def test_nothing_is_known_relative_to_a_root_that_is_not(root):
    visible = np.ones((2, 5), np.float32)
    visible[0, root] = visible[1, 2] = 0
    arrays = np.zeros((2, 5, 2)), None, np.zeros((2, 5, 3)), visible, CAMERA
    weight = DepthSequenceLifting(5, root_index=root).encode(*arrays)['lifting_target_weight']
    np.testing.assert_array_equal(weight, [[0, 0, 0, 0, 0], [1, 1, 0, 1, 1]])


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
@pytest.mark.parametrize('channels', [2, 4])
def test_a_batch_is_its_sequences(channels, dtype):
    rng, codec = np.random.default_rng(0), DepthSequenceLifting(5, depth_range=1.3)
    arrays = [rng.normal(size=shape) for shape in ((2, 3, 9, 5, channels), (2, 3, 4, 5, 3), (2, 3, 4, 5))]
    tensors = [torch.from_numpy(array).to(dtype) for array in arrays]
    sizes = dict(w=torch.tensor([[640, 1000, 100]] * 2), h=torch.tensor([[480, 1002, 50]] * 2))
    together = codec.encode(tensors[0], None, *tensors[1:], sizes)
    for index in np.ndindex(2, 3):
        keypoints, target, visible = (tensor[index].numpy() for tensor in tensors)
        alone = codec.encode(keypoints, None, target, visible, {key: int(size[index]) for key, size in sizes.items()})
        assert alone.keys() == together.keys()
        for key, values in alone.items():
            assert isinstance(values, np.ndarray)
            np.testing.assert_allclose(together[key][index].numpy(), values, atol=1e-6, err_msg=key)
    assert together['keypoint_labels'].dtype == together['lifting_target_label'].dtype == dtype


def test_decode_inverts_the_target(sequence):
    codec = DepthSequenceLifting()
    encoded = encode(codec, *sequence)
    assert encoded['lifting_target_label'].dtype == np.float32
    poses, scores = codec.decode(encoded['lifting_target_label'])
    np.testing.assert_allclose(poses + encoded['target_root'][:, None], sequence[1], atol=1e-6)
    assert scores.shape == (2, 17)


def test_decoded_poses_are_relative_to_their_root(sequence):
    poses, root = sequence[1], np.full((2, 1, 3), 4.0)
    decoded, _ = DepthSequenceLifting(root_index=14).decode(poses)
    np.testing.assert_array_equal(decoded, poses - poses[:, [14]])
    np.testing.assert_allclose(DepthSequenceLifting(root_index=14).decode(poses, root)[0], decoded + root)


def test_without_a_target_or_a_camera(sequence):
    assert DepthSequenceLifting().encode(sequence[0], camera_param=CAMERA).keys() == {'keypoint_labels'}
    for camera in (None, dict(w=1000)):
        with pytest.raises(InputError, match="DepthSequenceLifting needs camera_param with 'w' and 'h'"):
            DepthSequenceLifting().encode(sequence[0], camera_param=camera)


def test_rays_of_one_camera_and_of_a_batch_of_them():
    rng, codec = np.random.default_rng(0), DepthSequenceLifting(5, depth_range=1.3, root_index=3, normalisation='rays')
    cameras = [
        dict(f=np.array([[f], [f + 9]]), c=np.array([[320], [200]]), k=np.array([[k], [0], [0]]), p=np.zeros((2, 1)))
        for f, k in ((500, -0.2), (300, 0.1))
    ]
    joints = rng.normal([0, 0, 5], 0.4, (2, 9, 5, 3))
    depth = joints[..., 2:] - joints[..., 3:4, 2:]
    keypoints = np.stack([project(j, c) for j, c in zip(joints, cameras, strict=True)])
    together = codec.encode(
        torch.from_numpy(np.concatenate([keypoints, depth], axis=-1)),
        lifting_target=torch.from_numpy(joints[:, 4:5]),
        camera_param={key: torch.from_numpy(np.stack([c[key].ravel() for c in cameras])) for key in 'fckp'},
    )
    labels = together['keypoint_labels'].numpy()
    np.testing.assert_allclose(labels[..., :2], joints[..., :2] / joints[..., 2:], atol=1e-9)
    np.testing.assert_allclose(labels[..., 2:], depth / 0.65, atol=1e-12)
    target = joints[:, 4:5]
    np.testing.assert_allclose(together['lifting_target_label'], target - target[..., 3:4, :], atol=1e-12)
    for index, camera in enumerate(cameras):
        alone = codec.encode(np.concatenate([keypoints, depth], axis=-1)[index].astype(np.float32), camera_param=camera)
        np.testing.assert_allclose(alone['keypoint_labels'], labels[index], atol=1e-5)


@pytest.mark.parametrize(
    ('arguments', 'joints', 'camera', 'message'),
    [
        (dict(normalisation='width'), 17, CAMERA, r"unknown normalisation 'width' .*\('image_width', 'rays'\)"),
        (dict(root_index=17), 17, CAMERA, 'root_index of DepthSequenceLifting: expected a whole number .* 16'),
        (dict(normalisation='rays'), 17, CAMERA, r"'rays' needs camera_param with 'f' and 'c', .* got \['h', 'w'\]"),
        (dict(), 16, CAMERA, 'num_keypoints=17, got poses of 16 joints'),
        (dict(), 17, dict(w=3), "needs camera_param with 'w' and 'h'"),
    ],
)
def test_what_does_not_fit(arguments, joints, camera, message):
    with pytest.raises(InputError, match=message):
        DepthSequenceLifting(**arguments).encode(np.zeros((3, joints, 2), np.float32), camera_param=camera)
