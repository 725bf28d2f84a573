import numpy as np
import pytest
import torch
from mmpose.registry import TRANSFORMS

from depth_refine.structures.skeleton import H36M
from depth_refine.utils.errors import InputError

RAYS = dict(type='DepthSequenceLifting', depth_range=1.2, normalisation='rays')
PARENTS = [0, *H36M.parents[1:]]
TO_ROOT = np.array([0, 1, 2, 3, 1, 2, 3, 1, 2, 3, 4, 3, 4, 5, 3, 4, 5])  # bones
B, T, DISTANCE = 600, 30, 5.0


def build(encoder=RAYS, joint_parents=PARENTS, frame_rate=50, **kwargs):
    return TRANSFORMS.build(
        dict(type='EstimatorNoise', encoder=encoder, joint_parents=joint_parents, frame_rate=frame_rate, **kwargs)
    )


def poses(shape=(B, T), seed=1):
    """Labels (..., 17, 3) of someone who stands still at 5 m, another one in each window."""
    joints = np.random.default_rng(seed).uniform(-0.8, 0.8, (*shape[:-1], 1, 17, 3)).astype(np.float32)
    joints[..., 0, :] = 0
    labels = joints / [DISTANCE, DISTANCE, 0.6]
    return np.ascontiguousarray(np.broadcast_to(labels, (*shape, 17, 3)).astype(np.float32))


def run(labels, seed=0, kind=torch.from_numpy, **kwargs):
    """Noisy labels; parts as arguments."""
    torch.manual_seed(seed)
    root = np.broadcast_to(np.array([0.3, 0.1, DISTANCE], np.float32), (*labels.shape[:-3], 1, 3)).copy()
    given = labels.copy()
    results = dict(keypoint_labels=kind(given), target_root=kind(root), flip_indices=H36M.flip_indices)
    in_tests = {key: kwargs.pop(key) for key in ('test_mode',) if key in kwargs}
    after = build(**kwargs)(results | in_tests)['keypoint_labels']
    np.testing.assert_array_equal(given, labels)
    assert type(after) is type(kind(given)) and after.shape == labels.shape
    return np.asarray(after)


def added(seed=0, channels=3, **kwargs):
    """The noise in metres, (B, T, 17, channels) float64."""
    labels = poses()[..., :channels]
    return (run(labels, seed, **kwargs).astype(float) - labels) * [DISTANCE, DISTANCE, 0.6][:channels]


def test_nothing_by_default_and_in_tests():
    everything = dict(white=(0.1, 0.1), slow=(0.1, 0.1), constant=(0.1, 0.1), scale=0.1, tilt=5, swap=1.0, missing=1.0)
    assert np.abs(added()).max() < 1e-5
    assert np.abs(added(**everything, test_mode=True)).max() == 0
    assert np.abs(added(**everything, test_mode=True, in_tests=True)).mean() > 0.1
    assert np.abs(added(**everything, channels=2)).mean() > 0.1


def test_white():
    noise = added(white=(0.02, 0.05))
    np.testing.assert_allclose(noise[..., 1:, :].std((0, 1, 2)), [0.02, 0.02, 0.05], rtol=0.02)
    assert (np.abs(noise[..., 0, 2]).max(), abs(noise[..., 0, 0].std() - 0.02) < 0.001) == (0, True)
    for axis in range(3):
        rows = np.moveaxis(noise[..., 1:, :2], axis, 0).reshape(noise[..., 1:, :2].shape[axis], -1)[:16]
        assert np.abs(np.corrcoef(rows) - np.eye(len(rows))).max() < 5 / rows.shape[1] ** 0.5


def test_constant_of_joints_in_the_image_and_of_bones_in_depth():
    noise = added(constant=(0.02, 0.03))
    assert np.ptp(noise, axis=1).max() < 1e-5
    noise = noise[:, 0]
    np.testing.assert_allclose(noise[..., :2].std((0, 2)), 0.02, rtol=0.12)
    np.testing.assert_allclose(noise[..., 2].std(0), 0.03 * TO_ROOT**0.5, rtol=0.12)
    correlation = np.corrcoef(noise[:, [3, 2, 6, 13, 12], 2].T)[0]
    np.testing.assert_allclose(correlation, [1, (2 / 3) ** 0.5, 0, 0, 0], atol=0.12)  # the knee's with its foot's


@pytest.mark.parametrize(('rate', 'seconds'), [(50, 0.1), (25, 0.2), (100, 0.5)])
def test_slow_is_autoregressive(rate, seconds):
    noise = added(slow=(0.02, 0.03), slow_seconds=(seconds, seconds), frame_rate=rate)
    np.testing.assert_allclose(noise[..., :2].std((0, 2, 3)), 0.02, rtol=0.05)
    np.testing.assert_allclose(noise[..., 1, 2].std(0), 0.03, rtol=0.15)
    image = noise[..., 0]
    for lag in (1, 2, 5, 12):
        correlation = (image[:, :-lag] * image[:, lag:]).mean() / image.var()
        assert correlation == pytest.approx(np.exp(-lag / rate / seconds), abs=0.03)


def test_windows_differ():
    noise = added(white=(0.02, 0.02), spread=0.5)
    factors = np.log(noise[..., 1:, :].std((1, 2, 3)) / 0.02)
    assert abs(factors.mean()) < 0.06 and factors.std() == pytest.approx(0.5, rel=0.1)
    correlations = [np.exp(added(slow=(0.02, 0.02), slow_seconds=pair)[..., 0]).std() for pair in ((0.01, 10), (1, 1))]
    assert np.isfinite(correlations).all()


def test_scale_and_tilt():
    labels = poses()
    scaled = run(labels, scale=0.1)
    np.testing.assert_array_equal(scaled[..., :2], labels[..., :2])
    ratios = (scaled[..., 1:, 2] / labels[..., 1:, 2]).astype(float)
    assert np.ptp(ratios, axis=(1, 2)).max() < 1e-3 and ratios[:, 0, 0].std() == pytest.approx(0.1, rel=0.1)
    noise, metres = added(tilt=6), labels.astype(float) * [DISTANCE, DISTANCE, 0.6]
    for window in range(20):  # a plane through the root
        across, depth = metres[window, 0, :, :2], noise[window, 0, :, 2]
        plane, *_ = np.linalg.lstsq(across, depth, rcond=None)
        np.testing.assert_allclose(across @ plane, depth, atol=1e-5)
    slopes = [np.linalg.lstsq(m[0, :, :2], n[0, :, 2], rcond=None)[0] for m, n in zip(metres, noise, strict=True)]
    np.testing.assert_allclose(np.std(slopes, axis=0), np.radians(6), rtol=0.1)
    assert np.ptp(noise, axis=1).max() < 1e-5


def test_swaps():
    labels = poses()
    noisy = run(labels, swap=0.5)
    mirrored = labels[:, :, list(H36M.flip_indices)]
    swapped = (noisy == mirrored).all((2, 3)) & (noisy != labels).any((2, 3))
    assert ((noisy == labels).all((2, 3)) | swapped).all()
    changes = np.abs(np.diff(swapped.astype(int), axis=1)).sum(axis=1)
    assert changes.max() == 2 and 0.3 < swapped.any(axis=1).mean() < 0.5
    assert 0.08 < swapped.mean() < 0.25 and np.ptp(swapped.mean(axis=0)) < 0.15  # in all parts of windows


def test_missing_joints_move_straight_between_frames_that_are_there():
    moving = poses() + np.random.default_rng(0).normal(0, 0.1, (B, T, 17, 3)).astype(np.float32)
    noisy = run(moving, missing=0.5)
    lost = (noisy != moving).any(axis=-1)
    assert 0.03 < lost.mean() < 0.12 and 0.2 < lost.any((1, 2)).mean() < 0.6
    runs = 0
    for window, joint in np.argwhere(lost.any(axis=1)):
        frames = np.flatnonzero(lost[window, :, joint])
        assert (np.diff(frames) == 1).all()
        there = np.flatnonzero(~lost[window, :, joint])
        for channel in range(3):  # numpy's rests at the ends
            expected = np.interp(frames, there, moving[window, there, joint, channel])
            np.testing.assert_allclose(noisy[window, frames, joint, channel], expected, atol=1e-5)
        runs += 1
    assert runs > 100


@pytest.mark.parametrize('kind', [np.array, torch.from_numpy], ids=['array', 'tensor'])
@pytest.mark.parametrize('shape', [(T,), (3, T), (1, 1)])
def test_samples_batches_and_seeds(shape, kind):
    parts = dict(white=(0.1, 0.1), slow=(0.1, 0.1), constant=(0.1, 0.1), scale=0.1, tilt=5, swap=1.0, missing=1.0)
    one, same, other = (run(poses(shape), seed, kind, **parts) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any() and one.dtype == np.float32 and np.isfinite(one).all()


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(white=(5, 15)), 'white of EstimatorNoise reaches 15, expected at most 3 metres.*millimetres'),
        (dict(slow=(-0.1, 0.1)), 'slow of EstimatorNoise'),
        (dict(slow_seconds=(0.5, 0.1)), 'slow_seconds of EstimatorNoise'),
        (dict(frame_rate=0.02), 'frame_rate'),
        (dict(scale=10), 'scale'),
        (dict(tilt=90), 'tilt'),
        (dict(swap=2), 'swap'),
        (dict(missing=-1), 'missing'),
        (dict(spread=3), 'spread'),
        (dict(encoder=dict(RAYS, normalisation='image_width')), "normalisation='rays'"),
        (dict(joint_parents=[1, 2, 0]), 'expected a tree'),
        (dict(joint_parents=[0, 1, 0]), 'expected a tree'),
        (dict(joint_parents=[0, 0, 7]), 'expected a tree'),
    ],
)
def test_bad_arguments(changes, message):
    with pytest.raises(InputError, match=message):
        build(**changes)


def test_predictions_without_truth():
    labels = dict(keypoint_labels=poses((T,)), target_root=np.zeros((1, 3)), flip_indices=H36M.flip_indices)
    with pytest.raises(InputError, match='for true poses'):
        build(in_tests=True)(labels | dict(test_mode=True))


@pytest.mark.parametrize('shape', [(T, 16, 3), (T, 17, 4), (17, 3)])
def test_bad_labels(shape):
    with pytest.raises(InputError, match=r'EstimatorNoise takes keypoint_labels \(T, 17, 2 or 3\)'):
        build()(dict(keypoint_labels=np.zeros(shape), target_root=np.ones((1, 3)), flip_indices=range(17)))
