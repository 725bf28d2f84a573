import numpy as np
import pytest
import torch
from mmpose.registry import TRANSFORMS

from depth_refine.utils.errors import InputError

K, SPREAD = 5, np.array([0.1, 0.2, 0.3, 0.4, 0.0], np.float32)


def build(**kwargs):
    return TRANSFORMS.build(dict(type='FirstStageNoise', **kwargs))


def labels(*lead, kind=np.ndarray):
    values = np.zeros((*lead, K, 4), np.float32)
    values[..., 0], values[..., 3] = 0.5, SPREAD
    return torch.from_numpy(values) if kind is torch.Tensor else values


@pytest.mark.parametrize(('scale', 'correlation'), [(1.0, 0.0), (0.5, 0.9)])
@pytest.mark.parametrize(
    ('lead', 'kind'), [((4000,), np.ndarray), ((800, 10), torch.Tensor), ((2, 400, 10), np.ndarray)]
)
def test_size_and_correlation(lead, kind, scale, correlation):
    torch.manual_seed(0)
    transform = build(scale=scale, correlation=correlation)
    got = transform(dict(keypoint_labels=labels(*lead, kind=kind)))['keypoint_labels']
    assert type(got) is kind
    got = np.asarray(got)
    np.testing.assert_array_equal(got[..., :2], labels(*lead)[..., :2])
    assert got.shape == (*lead, K, 3) and got.flags.c_contiguous and got.dtype == np.float32
    assert (got[..., 4, 2] == 0).all()
    process = (got[..., :4, 2] / (scale * SPREAD[:4])).reshape(-1, lead[-1], 4)
    assert process.var() == pytest.approx(1, rel=0.15)
    for lag in (1, 3):
        assert (process[:, lag:] * process[:, :-lag]).mean() == pytest.approx(correlation**lag, abs=0.1)
    if len(process) > 1:  # from the first frame on, and different in each window and joint
        np.testing.assert_allclose(process.var(axis=(0, 2)), 1, atol=0.15)
        assert abs(np.corrcoef(process[:, 0].T) - np.eye(4)).max() < 5 / len(process) ** 0.5


def test_a_sample_is_a_batch_of_one_and_none_in_tests():
    noisy = []
    for values in (labels(9), labels(1, 9, kind=torch.Tensor)):
        torch.manual_seed(0)
        noisy.append(np.asarray(build()(dict(keypoint_labels=values))['keypoint_labels']))
    np.testing.assert_array_equal(noisy[0], noisy[1][0])
    clean = build()(dict(keypoint_labels=labels(9), test_mode=True))['keypoint_labels']
    np.testing.assert_array_equal(clean, labels(9)[..., :3])


def test_wrong_arguments_and_labels():
    for kwargs, got in ((dict(scale=-1), '-1'), (dict(correlation=1.0), r'1\.0')):
        with pytest.raises(InputError, match=rf'of FirstStageNoise: expected a number .*, got {got}$'):
            build(**kwargs)
    with pytest.raises(InputError, match=r"takes keypoint_labels \(T, K, 4\), from '2d\+depth\+std', got \(3, 17, 3\)"):
        build()(dict(keypoint_labels=np.zeros((3, 17, 3))))
