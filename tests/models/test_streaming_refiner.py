import numpy as np
import pytest
import torch
from skeletons import smpl_metainfo
from small_models import build_refiner, make_sample

from depth_refine.functional.camera import project
from depth_refine.models import StreamingRefiner, optimise_for_inference
from depth_refine.structures.skeleton import H36M, Skeleton
from depth_refine.utils.errors import InputError

CAMERA = dict(w=640, h=360)
SMPL = Skeleton.from_metainfo(smpl_metainfo(), 'pelvis')


def build(kernel_size=3, num_blocks=2, channels=3, flip_test=False, joints=17):
    backbone = dict(in_channels=joints * channels, num_blocks=num_blocks, kernel_size=kernel_size, causal=True)
    return build_refiner(flip_test=flip_test, num_joints=joints, **backbone)


def start(refiner, camera=CAMERA, **kwargs):
    return StreamingRefiner(refiner, camera, flip_indices=H36M.flip_indices, **kwargs)


def video(frames, people=1, channels=3, seed=0, joints=17):
    low, high = [0, 0, -0.75], [*CAMERA.values(), 0.75]
    shape = (frames, people, joints, channels)
    return np.random.default_rng(seed).uniform(low[:channels], high[:channels], shape).astype(np.float32)


def offline(refiner, frames, flip_indices=H36M.flip_indices):
    """The refiner on a whole video (T, K, C) in px and m, its first frame continued to the left."""
    width, height = CAMERA.values()
    inputs = frames.astype(np.float64)
    inputs[..., :2] = (inputs[..., :2] - np.array([width, height]) / 2) / (width / 2)
    inputs[..., 2:] /= 1.5 / 2
    return refine(refiner, inputs, flip_indices)


def refine(refiner, inputs, flip_indices=H36M.flip_indices):
    """The refiner on a whole video of normalised inputs (T, K, C)."""
    inputs = np.concatenate([np.repeat(inputs[:1], refiner.receptive_field - 1, axis=0), inputs])
    with torch.no_grad():
        (sample,) = refiner(
            torch.from_numpy(inputs).float()[None], [make_sample(flip_indices=flip_indices)], mode='predict'
        )
    return sample.pred_instances.keypoints


@pytest.mark.parametrize('flip_test', [False, True])
@pytest.mark.parametrize(
    ('kernel_size', 'num_blocks', 'channels', 'frames'),
    [(3, 2, 3, 80), (3, 2, 2, 30), (3, 3, 3, 5), (3, 1, 3, 1), (2, 3, 3, 40), (1, 2, 3, 4)],
)
def test_equals_the_whole_video(kernel_size, num_blocks, channels, frames, flip_test):
    refiner = build(kernel_size, num_blocks, channels, flip_test)
    keypoints = video(frames, people=3, channels=channels)
    stream = start(refiner, num_people=3)
    poses = np.stack([stream(frame) for frame in keypoints])
    assert poses.shape == (frames, 3, 17, 3) and poses.dtype == np.float32
    for person in range(3):
        expected = offline(refiner, keypoints[:, person])
        assert np.ptp(expected, axis=(1, 2)).min() > 0.1  # metres: errors would show
        np.testing.assert_allclose(poses[:, person], expected, atol=1e-5)


def test_another_skeleton():
    refiner, keypoints = build(flip_test=True, joints=24), video(6, joints=24)[:, 0]
    stream = StreamingRefiner(refiner, CAMERA, flip_indices=np.array(SMPL.flip_indices))
    poses = np.stack([stream(frame) for frame in keypoints])
    np.testing.assert_allclose(poses, offline(refiner, keypoints, SMPL.flip_indices), atol=1e-5)


def test_rays_of_a_lens_that_distorts():
    refiner = build_refiner(causal=True, flip_test=True, codec=dict(normalisation='rays'))
    camera = dict(CAMERA, f=[500, 510], c=[300, 200], k=[-0.2, 0.2, 0], p=[0.001, -0.002])
    joints = np.random.default_rng(0).uniform([-1, -1, 4], [1, 1, 5], (12, 17, 3))
    depth = joints[..., 2:] - joints[:, :1, 2:]
    stream = start(refiner, camera)
    poses = np.stack([stream(frame) for frame in np.concatenate([project(joints, camera), depth], axis=-1)])
    inputs = np.concatenate([joints[..., :2] / joints[..., 2:], depth / 0.75], axis=-1)
    np.testing.assert_allclose(poses, refine(refiner, inputs), atol=1e-5)
    with pytest.raises(InputError, match="normalisation='rays' needs camera_param with 'f' and 'c'"):
        start(refiner, CAMERA)


@pytest.mark.parametrize('got', [None, H36M.flip_indices, [0] * 24])
def test_the_flip_test_needs_the_mirror_image_of_each_joint(got):
    with pytest.raises(
        InputError, match=r'needs flip_indices, the mirror image of each of the 24 joints, got (None|\[)'
    ):
        StreamingRefiner(build(flip_test=True, joints=24), CAMERA, flip_indices=got)
    StreamingRefiner(build(joints=24), CAMERA)


def test_what_the_codec_needs_is_asked_for_before_the_first_frame():
    with pytest.raises(InputError, match="needs camera_param with 'w' and 'h'"):
        StreamingRefiner(build(), dict(w=640))
    refiner = build()
    refiner.head.decoder = None
    with pytest.raises(InputError, match="needs a decoder in the refiner's head"):
        StreamingRefiner(refiner, CAMERA)


def test_in_bfloat16_equals_the_whole_video_in_bfloat16():
    refiner, keypoints = build(num_blocks=3), video(100)
    exact = offline(refiner, keypoints[:, 0])
    stream = start(refiner, amp=True)
    expected = offline(optimise_for_inference(refiner, amp=True), keypoints[:, 0])
    poses = np.stack([stream(frame)[0] for frame in keypoints])
    rounding = np.abs(expected - exact).mean()
    assert rounding > 1e-4  # bfloat16 it is
    assert np.abs(poses - expected).mean() < rounding / 10


def test_a_single_person_needs_no_axis():
    refiner, keypoints = build(), video(4)
    stream = start(refiner)
    poses = np.stack([stream(frame) for frame in keypoints[:, 0]])
    np.testing.assert_allclose(poses, offline(refiner, keypoints[:, 0]), atol=1e-5)
    stream.reset()
    np.testing.assert_array_equal(np.stack([stream(frame) for frame in keypoints])[:, 0], poses)


@pytest.mark.parametrize('flip_test', [False, True])
def test_reset_of_one_person_leaves_the_others_and_a_refused_frame_changes_nothing(flip_test):
    refiner, keypoints = build(flip_test=flip_test), video(50, people=2)
    stream = start(refiner, num_people=2)
    poses = []
    for number, frame in enumerate(keypoints):
        if number == 20:
            stream.reset(person=1)
        bad = frame.copy()
        bad[1, 3, 0] = np.nan
        with pytest.raises(InputError, match='joints that are not finite'):
            stream(bad)
        with pytest.raises(InputError, match=r'takes frames of shape \(2, 17, 3\).*got \(17, 3\)'):
            stream(frame[0])
        poses.append(stream(frame))
    poses = np.stack(poses)
    np.testing.assert_allclose(poses[:, 0], offline(refiner, keypoints[:, 0]), atol=1e-5)
    np.testing.assert_allclose(poses[:20, 1], offline(refiner, keypoints[:20, 1]), atol=1e-5)
    np.testing.assert_allclose(poses[20:, 1], offline(refiner, keypoints[20:, 1]), atol=1e-5)


def test_memory_does_not_grow():
    stream = start(build())

    def numbers():
        convs = [stream._input_conv, *(conv for block in stream._blocks for conv in block)]
        return [(conv._history.data_ptr(), conv._history.shape) for conv in convs]

    before = numbers()
    for frame in video(60):
        stream(frame)
    assert numbers() == before
    # the input convolution, then of each block the dilated and the kernel-1 convolution
    assert [shape[1] for _, shape in before] == [3, 7, 1, 19, 1]


def test_weights_are_copied_and_statistics_are_those_of_evaluation():
    refiner, keypoints = build(), video(3)
    expected = offline(refiner, keypoints[:, 0])
    stream = start(refiner.train())
    with torch.no_grad():
        for parameter in refiner.parameters():
            parameter.zero_()
    np.testing.assert_allclose(np.stack([stream(frame)[0] for frame in keypoints]), expected, atol=1e-5)


@pytest.mark.parametrize('backbone', [None, dict(type='TCN', in_channels=51, stem_channels=16)])
def test_needs_a_causal_convnet(backbone):
    with pytest.raises(InputError, match=r'needs a causal TemporalConvNet.*configs/refiner_causal_27\.py'):
        start(build_refiner(backbone))
