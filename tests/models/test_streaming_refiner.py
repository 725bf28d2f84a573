import numpy as np
import pytest
import torch
from small_models import build_refiner, make_sample

from depth_refine.models import StreamingRefiner, optimise_for_inference
from depth_refine.utils.errors import InputError

SIZE = (640, 360)


def build(kernel_size=3, num_blocks=2, channels=3, flip_test=False):
    backbone = dict(in_channels=17 * channels, num_blocks=num_blocks, kernel_size=kernel_size, causal=True)
    return build_refiner(flip_test=flip_test, **backbone)


def video(frames, people=1, channels=3, seed=0):
    low, high = [0, 0, -0.75], [*SIZE, 0.75]
    shape = (frames, people, 17, channels)
    return np.random.default_rng(seed).uniform(low[:channels], high[:channels], shape).astype(np.float32)


def offline(refiner, frames):
    """The refiner on a whole video (T, K, C) in px and m, its first frame continued to the left."""
    width, height = SIZE
    inputs = np.concatenate([np.repeat(frames[:1], refiner.receptive_field - 1, axis=0), frames]).astype(np.float64)
    inputs[..., :2] = (inputs[..., :2] - np.array([width, height]) / 2) / (width / 2)
    inputs[..., 2:] /= 1.5 / 2
    with torch.no_grad():
        (sample,) = refiner(torch.from_numpy(inputs).float()[None], [make_sample()], mode='predict')
    return sample.pred_instances.keypoints


@pytest.mark.parametrize('flip_test', [False, True])
@pytest.mark.parametrize(
    ('kernel_size', 'num_blocks', 'channels', 'frames'),
    [(3, 2, 3, 80), (3, 2, 2, 30), (3, 3, 3, 5), (3, 1, 3, 1), (2, 3, 3, 40), (1, 2, 3, 4)],
)
def test_equals_the_whole_video(kernel_size, num_blocks, channels, frames, flip_test):
    refiner = build(kernel_size, num_blocks, channels, flip_test)
    keypoints = video(frames, people=3, channels=channels)
    stream = StreamingRefiner(refiner, SIZE, num_people=3)
    poses = np.stack([stream(frame) for frame in keypoints])
    assert poses.shape == (frames, 3, 17, 3) and poses.dtype == np.float32
    for person in range(3):
        expected = offline(refiner, keypoints[:, person])
        assert np.ptp(expected, axis=(1, 2)).min() > 0.1  # metres: errors would show
        np.testing.assert_allclose(poses[:, person], expected, atol=1e-5)


def test_in_bfloat16_equals_the_whole_video_in_bfloat16():
    refiner, keypoints = build(num_blocks=3), video(100)
    exact = offline(refiner, keypoints[:, 0])
    stream = StreamingRefiner(refiner, SIZE, amp=True)
    expected = offline(optimise_for_inference(refiner, amp=True), keypoints[:, 0])
    poses = np.stack([stream(frame)[0] for frame in keypoints])
    rounding = np.abs(expected - exact).mean()
    assert rounding > 1e-4  # bfloat16 it is
    assert np.abs(poses - expected).mean() < rounding / 10


def test_a_single_person_needs_no_axis():
    refiner, keypoints = build(), video(4)
    stream = StreamingRefiner(refiner, SIZE)
    poses = np.stack([stream(frame) for frame in keypoints[:, 0]])
    np.testing.assert_allclose(poses, offline(refiner, keypoints[:, 0]), atol=1e-5)
    stream.reset()
    np.testing.assert_array_equal(np.stack([stream(frame) for frame in keypoints])[:, 0], poses)


@pytest.mark.parametrize('flip_test', [False, True])
def test_reset_of_one_person_leaves_the_others_and_a_refused_frame_changes_nothing(flip_test):
    refiner, keypoints = build(flip_test=flip_test), video(50, people=2)
    stream = StreamingRefiner(refiner, SIZE, num_people=2)
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
    stream = StreamingRefiner(build(), SIZE)

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
    stream = StreamingRefiner(refiner.train(), SIZE)
    with torch.no_grad():
        for parameter in refiner.parameters():
            parameter.zero_()
    np.testing.assert_allclose(np.stack([stream(frame)[0] for frame in keypoints]), expected, atol=1e-5)


@pytest.mark.parametrize('backbone', [None, dict(type='TCN', in_channels=51, stem_channels=16)])
def test_needs_a_causal_convnet(backbone):
    with pytest.raises(InputError, match=r'needs a causal TemporalConvNet.*configs/refiner_causal_27\.py'):
        StreamingRefiner(build_refiner(backbone), SIZE)
