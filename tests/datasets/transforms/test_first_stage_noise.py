import numpy as np
import pytest
from mmpose.registry import TRANSFORMS

from depth_refine.utils.errors import InputError

T, K = 4000, 5
SPREAD = np.array([0.1, 0.2, 0.3, 0.4, 0.0])


def build(**kwargs):
    return TRANSFORMS.build(dict(type='FirstStageNoise', **kwargs))


def results(**extra):
    labels = np.zeros((T, K, 4), np.float32)
    labels[..., 0], labels[..., 3] = 0.5, SPREAD
    return dict(keypoint_labels=labels, **extra)


@pytest.mark.parametrize(('scale', 'correlation'), [(1.0, 0.0), (2.0, 0.5), (0.5, 0.9)])
def test_size_and_correlation(scale, correlation):
    np.random.seed(0)
    labels = build(scale=scale, correlation=correlation, keep_spread=True)(results())['keypoint_labels']
    assert (labels[..., 0] == 0.5).all() and (labels[..., 1] == 0).all() and labels.dtype == np.float32
    np.testing.assert_array_equal(labels[..., 3], np.broadcast_to(SPREAD.astype(np.float32), (T, K)))
    noise = labels[..., 2]
    np.testing.assert_allclose(noise.std(axis=0), scale * SPREAD, rtol=0.15)
    for joint in range(4):
        lags = [np.corrcoef(noise[lag:, joint], noise[: T - lag, joint])[0, 1] for lag in (1, 3)]
        np.testing.assert_allclose(lags, [correlation, correlation**3], atol=0.08)


def test_first_frame_has_the_same_variance():
    np.random.seed(0)
    transform = build(correlation=0.95, keep_spread=True)
    short = [transform(dict(keypoint_labels=np.ones((3, 17, 4), np.float32)))['keypoint_labels'] for _ in range(500)]
    np.testing.assert_allclose(np.std(np.array(short)[..., 2], axis=(0, 2)), 1, rtol=0.05)


def test_without_the_spread():
    sample = results()
    labels = build()(dict(sample))['keypoint_labels']
    assert labels.shape == (T, K, 3) and labels[..., 2].std() > 0.1
    assert (sample['keypoint_labels'][..., 2] == 0).all()  # never in place
    clean = build()(results(test_mode=True))['keypoint_labels']
    assert clean.shape == (T, K, 3) and (clean[..., 2] == 0).all()


@pytest.mark.parametrize('kwargs', [dict(scale=-1), dict(correlation=1.0), dict(correlation=-0.1)])
def test_wrong_arguments(kwargs):
    with pytest.raises(InputError, match=r'of FirstStageNoise: expected a number .*, got (-1|1\.0|-0\.1)$'):
        build(**kwargs)


def test_wrong_labels():
    with pytest.raises(ValueError, match=r"takes keypoint_labels \(T, K, 4\), from '2d\+depth\+std', got \(3, 17, 3\)"):
        build()(dict(keypoint_labels=np.zeros((3, 17, 3))))
