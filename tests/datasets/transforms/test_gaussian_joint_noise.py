import numpy as np
import pytest
from mmpose.registry import TRANSFORMS

from depth_refine.utils.errors import InputError

T, K = 200, 17


def build(**kwargs):
    return TRANSFORMS.build(dict(type='GaussianJointNoise', **kwargs))


def results(channels=3, flat=False, **extra):
    labels = np.random.default_rng(1).uniform(-1, 1, (T, K, channels)).astype(np.float32)
    if flat:
        labels = labels.transpose(1, 2, 0).reshape(K * channels, T)
    return dict(keypoints=np.zeros((T, K, channels)), keypoint_labels=labels, **extra)


def added(transform, sample):
    before = sample['keypoint_labels'].copy()
    np.random.seed(0)
    return transform(sample)['keypoint_labels'] - before


def test_statistics_of_each_channel():
    noise = added(build(sigma_2d=0.02, sigma_depth=0.1), results())
    np.testing.assert_allclose(noise.std((0, 1)), [0.02, 0.02, 0.1], rtol=0.05)
    np.testing.assert_allclose(noise.mean((0, 1)), 0, atol=0.006)
    # independent between channels, joints and frames: the sample correlations are those of independent draws
    for draws in (noise.reshape(T, -1).T, (noise / noise.std((0, 1))).reshape(T, -1)):
        correlations = np.corrcoef(draws)[np.triu_indices(len(draws), k=1)]
        assert correlations.std() == pytest.approx(draws.shape[1] ** -0.5, rel=0.05)


def test_default_is_on_depth_only():
    noise = added(build(), results())
    assert (noise[..., :2] == 0).all()
    np.testing.assert_allclose(noise[..., 2].std(), 0.1, rtol=0.05)


def test_channels_of_the_flat_layout():
    noise = added(build(sigma_2d=0.02, sigma_depth=0.1), results(flat=True)).reshape(K, 3, T)
    np.testing.assert_allclose(noise.std((0, 2)), [0.02, 0.02, 0.1], rtol=0.05)


@pytest.mark.parametrize('flat', [False, True])
def test_two_channels_as_in_mmposes_lifting_configs(flat):
    sample = results(channels=2, flat=flat)
    noise = added(build(sigma_2d=0.05), sample)
    assert sample['keypoint_labels'].dtype == np.float32
    np.testing.assert_allclose(noise.std(), 0.05, rtol=0.05)


def test_the_spread_of_the_depth_is_left_as_it_is():
    noise = added(build(sigma_2d=0.02), results(channels=4))
    np.testing.assert_allclose(noise.std((0, 1)), [0.02, 0.02, 0.1, 0], rtol=0.05)


def test_seeded_by_numpy_and_never_in_place():
    transform, sample = build(), results()
    labels = sample['keypoint_labels']
    first, second = added(transform, dict(sample)), added(transform, dict(sample))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(labels, results()['keypoint_labels'])
    assert (transform(dict(sample))['keypoint_labels'] - labels != first).any()


def test_no_effect_in_test_mode():
    assert (added(build(sigma_2d=1.0), results(test_mode=True)) == 0).all()


def test_probability():
    transform, sample = build(prob=0.3), results()
    np.random.seed(0)
    labels = sample['keypoint_labels']
    noisy = [(transform(dict(sample))['keypoint_labels'] is not labels) for _ in range(1000)]
    assert np.mean(noisy) == pytest.approx(0.3, abs=0.05)
    assert (added(build(prob=0.0), results()) == 0).all()


@pytest.mark.parametrize('kwargs', [dict(sigma_2d=-0.1), dict(sigma_depth=-1), dict(prob=1.5)])
def test_wrong_arguments(kwargs):
    with pytest.raises(InputError, match=r'of GaussianJointNoise: expected a number .*, got (-0\.1|-1|1\.5)$'):
        build(**kwargs)


def test_wrong_labels():
    with pytest.raises(ValueError, match=r'takes keypoint_labels \(T, 17, C\) or \(17 \* C, T\).*got \(200, 17, 5\)'):
        build()(results(channels=5))


@pytest.mark.parametrize('sigmas', [dict(sigma_2d=5.0), dict(sigma_depth=75)])
def test_sigmas_in_pixels_or_millimetres(sigmas):
    with pytest.raises(
        ValueError, match=r'of GaussianJointNoise reaches .*; looks like pixels or millimetres: divide by'
    ):
        build(**sigmas)
