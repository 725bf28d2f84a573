"""The trajectory against exact projections and against scipy's optimiser."""

import numpy as np
import pytest
from scipy.optimize import least_squares

from depth_refine.functional.root_trajectory import estimate_root_trajectory
from depth_refine.utils.errors import InputError

FOCAL, CENTER = np.array([1150.0, 1090.0]), np.array([512.5, 365.4])


def walk(frames=40, seed=0):
    """Poses of the size of a person and a root that walks from 6 m to 3 m."""
    rng = np.random.default_rng(seed)
    joints = rng.uniform([-0.4, -0.9, -0.3], [0.4, 0.9, 0.3], (17, 3)) + 0.05 * rng.normal(size=(frames, 17, 3))
    joints[:, 0] = 0
    t = np.linspace(0, 1, frames)
    return joints, np.stack([1.5 * np.sin(3 * t) - 0.4, 0.2 + 0.1 * t, 6 - 3 * t**2], axis=-1)


def look(joints, root):
    points = joints + root[..., None, :]
    return points[..., :2] / points[..., 2:] * FOCAL + CENTER


@pytest.mark.parametrize('smooth', [0.0, 1e-3])
def test_exact_projections_give_the_root(smooth):
    joints, root = walk()
    estimate = estimate_root_trajectory(joints, look(joints, root), FOCAL, CENTER, smooth=smooth)
    np.testing.assert_allclose(estimate, root, rtol=0, atol=1e-6)


def test_two_joints_are_enough_and_the_others_do_not_matter():
    joints, root = walk()
    pixels, weights = look(joints, root), np.zeros((40, 17))
    weights[:, [4, 9, 12]] = 0.3
    pixels[weights == 0] = 1e5
    # joints that are not finite do not count: two of three are left
    pixels[3, 4], joints[7, 9, 1], weights[9, 12], pixels[9, 12] = np.nan, np.inf, np.nan, -50
    np.testing.assert_allclose(estimate_root_trajectory(joints, pixels, FOCAL, CENTER, weights), root, atol=1e-6)


def off_rays(joints, root, pixels):
    """Distances (T, K, 2) of joints from the rays of their pixels, in focal lengths."""
    return (look(joints, root) - pixels) * (joints + root[:, None])[..., 2:]


def test_noisy_poses_are_placed_better_than_by_the_reprojection_error():
    joints, root = walk(60)
    rng = np.random.default_rng(1)
    noisy, pixels = joints + rng.normal(0, 0.08, joints.shape), look(joints, root) + rng.normal(0, 1, (60, 17, 2))
    estimate = estimate_root_trajectory(noisy, pixels, FOCAL, CENTER)
    reprojected = [
        least_squares(lambda t, n=n: (look(noisy[[n]], t) - pixels[n]).ravel(), root[n]).x for n in range(60)
    ]
    off, other_off = estimate - root, reprojected - root
    assert abs(off[:, 2].mean()) < 0.5 * other_off[:, 2].mean()
    assert np.linalg.norm(off, axis=-1).mean() < 0.95 * np.linalg.norm(other_off, axis=-1).mean()


@pytest.mark.parametrize('smooth', [0.0, 4000.0])
def test_noise_against_the_optimiser(smooth):
    """Each frame on its own, where its distance only scales the residuals, and all together."""
    joints, root = (values[:9] for values in walk(150))
    rng = np.random.default_rng(2)
    pixels, weights = look(joints, root) + rng.normal(0, 4, (9, 17, 2)), rng.uniform(0.2, 1, (9, 17))
    estimate = estimate_root_trajectory(joints, pixels, FOCAL, CENTER, weights, smooth)
    alone = estimate_root_trajectory(joints, pixels, FOCAL, CENTER, weights)
    distance = np.average((joints + alone[:, None])[..., 2], axis=1, weights=weights)[:, None, None]

    def error(flat):
        trajectory = flat.reshape(9, 3)
        seen = np.sqrt(weights)[..., None] * off_rays(joints, trajectory, pixels) / distance
        return np.concatenate([seen.ravel(), smooth * np.diff(trajectory, 2, axis=0).ravel()])

    best = least_squares(error, root.ravel(), xtol=1e-12, ftol=1e-12).x.reshape(9, 3)
    np.testing.assert_allclose(estimate, best, atol=1e-5)
    assert smooth == 0 or np.abs(estimate - alone).max() > 0.05, 'smoothing should do something'


@pytest.mark.parametrize('smooth', [0.0, 1e-3])
@pytest.mark.parametrize('kind', ['no weight', 'one joint', 'one pixel', 'behind', 'not finite'])
def test_ambiguous_frames_are_interpolated(kind, smooth):
    joints, _ = walk(12)
    root = np.stack([np.linspace(0, 1, 12), np.full(12, 0.2), np.linspace(4, 5, 12)], axis=-1)
    pixels, weights = look(joints, root), np.ones((12, 17))
    lost = [0, 4, 5, 11]
    match kind:
        case 'no weight':
            weights[lost] = 0
        case 'one joint':
            weights[lost, 1:] = 0
        case 'one pixel':
            pixels[lost] = 300.0
        case 'behind':
            pixels[lost] = 2 * CENTER - pixels[lost]
        case 'not finite':
            pixels[lost] = np.nan
    estimate = estimate_root_trajectory(joints, pixels, FOCAL, CENTER, weights, smooth)
    expected = root.copy()
    expected[0], expected[11] = root[1], root[10]
    np.testing.assert_allclose(estimate, expected, atol=1e-5)


@pytest.mark.parametrize('smooth', [0.0, 100.0])
def test_one_unambiguous_frame_is_enough(smooth):
    joints, root = walk(5)
    pixels = look(joints, root)
    pixels[[0, 1, 3, 4]] = np.nan
    estimate = estimate_root_trajectory(joints, pixels, FOCAL, CENTER, smooth=smooth)
    np.testing.assert_allclose(estimate, np.repeat(root[2:3], 5, axis=0), atol=1e-6)


@pytest.mark.parametrize(
    ('change', 'error', 'message'),
    [
        (dict(keypoints_3d=np.zeros((3, 17, 3))), InputError, '3D pose fits the 2D joints in no frame: expected two'),
        (dict(weights=1.5 - np.eye(3, 17, 1) * 2), InputError, 'weights of 0 or more, got -0.5 in frame 0, joint 1'),
        (dict(keypoints=np.zeros((3, 16, 2))), ValueError, r'expected 3D joints \(T, K, 3\)'),
        (dict(focal=np.array([1000.0, 0.0])), ValueError, 'expected focal lengths'),
        (dict(smooth=-1.0), ValueError, 'expected smooth to be 0 or more px / m, got -1.0'),
    ],
)
def test_wrong_arguments_are_refused(change, error, message):
    joints, root = walk(3)
    arguments = dict(keypoints_3d=joints, keypoints=look(joints, root), focal=FOCAL, center=CENTER)
    with pytest.raises(error, match=message):
        estimate_root_trajectory(**(arguments | change))
