import numpy as np
import pytest
import torch
from mmpose.registry import TRANSFORMS

from depth_refine.utils.errors import InputError

B, T, K = 200, 20, 5
WRONG_SHAPES = ((T, K, 5), (T, K + 1, 3), (K * 3 + 1, T), (K, T))
SIGMAS = dict(sigma_2d=0.02, sigma_depth=0.1)


def build(**kwargs):
    return TRANSFORMS.build(dict(type='GaussianJointNoise', **kwargs))


def added(transform, shape, seed=0, flat=False, kind=torch.Tensor, **extra):
    """The noise on labels of a shape (..., T, K, C), in that layout."""
    before = np.random.default_rng(1).uniform(-1, 1, shape).astype(np.float32)
    given = before.copy()
    if flat:
        given = np.ascontiguousarray(np.moveaxis(given, -3, -1)).reshape(*shape[:-3], K * shape[-1], shape[-3])
    labels = torch.from_numpy(given.copy()) if kind is torch.Tensor else given.copy()
    torch.manual_seed(seed)
    after = transform(dict(keypoints=np.empty(shape), keypoint_labels=labels, **extra))['keypoint_labels']
    if kind is torch.Tensor:
        assert after is labels
    else:
        np.testing.assert_array_equal(labels, given)
    assert type(after) is kind and after.dtype == labels.dtype and after.shape == labels.shape
    after = np.asarray(after, np.float64)
    if flat:
        after = np.moveaxis(after.reshape(*shape[:-3], K, shape[-1], shape[-3]), -1, -3)
    return after - before


@pytest.mark.parametrize(('channels', 'expected'), [(2, [0.02] * 2), (3, [0.02, 0.02, 0.1]), (4, [0.02, 0.02, 0.1, 0])])
@pytest.mark.parametrize('lead', [(), (2, 1)])
@pytest.mark.parametrize('kind', [np.ndarray, torch.Tensor])
def test_the_same_noise_in_every_layout_and_for_one_window_as_for_many(lead, kind, channels, expected):
    shape, transform = (*lead, 300, K, channels), build(**SIGMAS)
    values = added(transform, shape, kind=kind)
    np.testing.assert_allclose(values.std(axis=tuple(range(values.ndim - 1))), expected, rtol=0.1)
    np.testing.assert_allclose(added(transform, shape, kind=kind, flat=True), values, atol=2e-7)
    if not lead:  # a sample is a batch of one
        np.testing.assert_array_equal(added(transform, (1, *shape))[0], values)


def test_default_is_on_depth_alone_seeded_by_pytorch_and_none_in_tests():
    values, again, other = (added(build(), (B, T, K, 3), seed) for seed in (0, 0, 1))
    assert (values[..., :2] == 0).all() and values[..., 2].std() == pytest.approx(0.1, rel=0.05)
    np.testing.assert_array_equal(values, again)
    assert (values != other)[..., 2].mean() > 0.999
    assert (added(build(**SIGMAS), (B, T, K, 3), test_mode=True) == 0).all()


@pytest.mark.parametrize('prob', [0.0, 0.3])
def test_probability(prob):
    noisy = (added(build(prob=prob), (2000, 2, K, 3)) != 0).any(axis=(1, 2, 3))
    assert abs(noisy.mean() - prob) <= 4 * (prob * (1 - prob) / 2000) ** 0.5


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        (dict(sigma_2d=-0.1), r'of GaussianJointNoise: expected a number .*, got -0\.1$'),
        (dict(prob=1.5), r'of GaussianJointNoise: expected a number .*, got 1\.5$'),
        (dict(sigma_depth=75), 'of GaussianJointNoise reaches .*; looks like pixels or millimetres: divide by'),
        *((dict(shape=shape), r'takes keypoint_labels \(T, 5, C\) or \(5 \* C, T\)') for shape in WRONG_SHAPES),
    ],
)
def test_wrong_arguments_and_labels(kwargs, message):
    shape = kwargs.pop('shape', (T, K, 3))
    with pytest.raises(InputError, match=message):
        build(**kwargs)(dict(keypoints=np.empty((T, K, 3)), keypoint_labels=np.zeros(shape)))
