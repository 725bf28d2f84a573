import numpy as np
import pytest
import torch
from mmpose.datasets.transforms import RandomFlipAroundRoot
from mmpose.registry import TRANSFORMS

from depth_refine.utils.errors import InputError

JOINTS = [0, 3, 4, 1, 2]  # 1 and 3, 2 and 4 are left and right
KEYS = ('keypoint_labels', 'lifting_target_label', 'lifting_target_weight', 'trajectory_weights')


def build(**kwargs):
    return TRANSFORMS.build(dict(type='RandomSequenceFlip', **kwargs))


def random_results(*lead, channels=3, kind=np.ndarray, dtype=np.float32):
    rng = np.random.default_rng(0)
    shapes = ((7, 5, channels), (2, 5, 3), (2, 5), (2, 5))
    arrays = {key: rng.normal(size=(*lead, *shape)).astype(dtype) for key, shape in zip(KEYS, shapes, strict=True)}
    if kind is torch.Tensor:
        arrays = {key: torch.from_numpy(array) for key, array in arrays.items()}
    return dict(arrays, flip_indices=JOINTS)


def mirrored(key, values):
    """Number by number."""
    copy = np.array(values)
    for joint, other in enumerate(JOINTS):
        if key in KEYS[:2]:
            copy[..., joint, :] = values[..., other, :]
            copy[..., joint, 0] = -values[..., other, 0]
        else:
            copy[..., joint] = values[..., other]
    return copy


@pytest.mark.parametrize(('kind', 'dtype'), [(np.ndarray, np.float32), (torch.Tensor, np.float64)])
@pytest.mark.parametrize('channels', [2, 4])
@pytest.mark.parametrize('lead', [(), (20, 10)])
@pytest.mark.parametrize('prob', [0, 0.5, 1])
def test_some_windows_are_mirrored_and_no_other_is_changed(prob, lead, channels, kind, dtype):
    before = random_results(*lead, channels=channels, kind=kind, dtype=dtype)
    chosen = []
    for seed in range(1 if lead else 40):
        torch.manual_seed(seed)
        after = build(prob=prob)(dict(before))
        is_mirrored = np.asarray(after[KEYS[0]] != before[KEYS[0]]).any(axis=(-1, -2, -3))
        chosen += is_mirrored.ravel().tolist()
        for key in KEYS:
            assert type(after[key]) is kind and after[key].dtype == before[key].dtype
            old, new = (np.asarray(values[key]) for values in (before, after))
            which = is_mirrored[(..., *[None] * (old.ndim - is_mirrored.ndim))]
            np.testing.assert_array_equal(new, np.where(which, mirrored(key, old), old))
    assert abs(np.mean(chosen) - prob) <= 4 * (prob * (1 - prob) / len(chosen)) ** 0.5


def test_positions_are_those_of_mmpose():
    about_zero = dict(center_mode='static', center_x=0.0)
    theirs = RandomFlipAroundRoot(about_zero, about_zero, flip_prob=1, flip_label=True)
    expected, got = theirs(random_results() | dict(camera_param={})), build(prob=1)(random_results())
    for key in KEYS[:2]:
        np.testing.assert_array_equal(got[key], expected[key])


@pytest.mark.parametrize(
    ('kwargs', 'changes', 'message'),
    [
        (dict(prob=1.5), {}, r'prob of RandomSequenceFlip: expected a number from 0 to 1, got 1\.5'),
        ({}, dict(keypoint_labels=np.zeros((10, 7))), r'keypoint_labels \(T, 5, C\) .* reshapes .*got \(10, 7\)'),
        ({}, dict(lifting_target_label=np.zeros((2, 4, 3))), r'lifting_target_label \(T, 5, C\) .*, got \(2, 4, 3\)'),
        ({}, dict(keypoint_labels=None), r'keypoint_labels \(T, 5, C\) .*, got none'),
    ],
)
def test_wrong_arguments_and_labels(kwargs, changes, message):
    with pytest.raises(InputError, match=message):
        build(**kwargs)(random_results() | changes)
