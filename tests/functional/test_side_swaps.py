import itertools

import numpy as np
import pytest

from depth_refine.functional.side_swaps import find_side_swaps
from depth_refine.structures import H36M

FLIP = np.array(H36M.flip_indices)


def exchange(poses, is_swapped, flip=FLIP):
    return np.where(np.reshape(is_swapped, (-1, 1, 1)), poses[:, flip], poses)


def move(frames=100, turns=0.0, rate=50.0, noise=0.015, seed=0):
    """Noisy poses (frames, 17, 3), metres, of a person who walks on the spot and turns at a rate, 1 / s."""
    rng, time = np.random.default_rng(seed), np.arange(frames) / rate
    legs = [[0, 0, 0], *([x, y, 0] for x in (-0.13, 0.13) for y in (0, 0.45, 0.9))]
    trunk = [[0, -0.25, 0.02], [0, -0.5, 0], [0, -0.58, -0.04], [0, -0.7, 0]]
    arms = [[x * side, y, 0] for side in (1, -1) for x, y in ((0.18, -0.48), (0.25, -0.2), (0.25, 0))]
    poses = np.repeat([legs + trunk + arms], frames, axis=0)
    swing = 0.3 * np.sin(2 * np.pi * time)[:, None]
    for side, joints in ((1, [2, 3, 12, 13]), (-1, [5, 6, 15, 16])):
        poses[:, joints, 2] += side * swing * [0.5, 1, 0.4, 0.8]
    cos, sin, zero = np.cos(2 * np.pi * turns * time), np.sin(2 * np.pi * turns * time), np.zeros(frames)
    about_y = np.stack([cos, zero, sin, zero, zero + 1, zero, -sin, zero, cos], axis=-1).reshape(-1, 3, 3)
    return np.einsum('tij,tkj->tki', about_y, poses) + noise * rng.normal(size=poses.shape)


@pytest.mark.parametrize('frames', range(10))
def test_the_search_finds_the_least_motion_of_all(frames):
    """All sets of frames are tried, on a skeleton of five joints with root 2, one of them without a counterpart."""
    flip, rng = np.array([3, 4, 2, 0, 1]), np.random.default_rng(frames)
    for _ in range(5):
        poses = rng.normal(size=(frames, 5, 2)).cumsum(axis=0)

        def cost(labels, poses=poses):
            y, x = exchange(poses, labels, flip)[:, [0, 1, 3, 4]], poses[:, [0, 1, 3, 4]]
            unit = np.median(np.linalg.norm(x - x[:, [2, 3, 0, 1]], axis=-1).sum(axis=1))
            moved = sum(np.linalg.norm(y[lag:] - y[:-lag], axis=-1).sum() for lag in (1, 2))
            return moved / (2 * unit) + 0.1 * np.count_nonzero(np.diff(labels))

        found = find_side_swaps(poses, flip)
        assert found.shape == (frames,) and found.sum() <= frames / 2
        if frames:
            least = min(map(cost, itertools.product([0, 1], repeat=frames)))
            np.testing.assert_allclose(cost(found.astype(int)), least, rtol=1e-9)


@pytest.mark.parametrize('seed', range(5))
@pytest.mark.parametrize('rate', [25.0, 60.0])
def test_swapped_spans_are_found(rate, seed):
    edges = np.sort(np.random.default_rng(seed).choice(np.arange(1, 100), 8, replace=False))
    is_swapped = np.searchsorted(edges, np.arange(100), side='right') % 2 == 1
    is_swapped = ~is_swapped if is_swapped.sum() > 50 else is_swapped
    poses = move(turns=0.5, rate=rate, seed=seed)
    np.testing.assert_array_equal(find_side_swaps(exchange(poses, is_swapped), FLIP), is_swapped)


def test_a_swap_may_take_two_frames():
    """In the frame between, each joint is halfway to its counterpart."""
    poses = exchange(move(), (np.arange(100) >= 30) & (np.arange(100) < 60))
    poses[[29, 60]] = (poses[[29, 60]] + poses[[29, 60]][:, FLIP]) / 2
    found = find_side_swaps(poses, FLIP)
    np.testing.assert_array_equal(
        np.delete(found, [29, 60]), np.delete((np.arange(100) >= 30) & (np.arange(100) < 60), [29, 60])
    )


@pytest.mark.parametrize('poses', [move(turns=2.0, rate=25.0), move(turns=0.3, noise=0.05), move()[:, FLIP]])
def test_true_motion_and_whole_tracks_stay(poses):
    """Turns of 29 degrees a frame, noise of 5 cm, sides swapped throughout."""
    assert not find_side_swaps(poses, FLIP).any()


@pytest.mark.parametrize('flip', [FLIP, np.arange(17)])
def test_without_sides_nothing_is_found(flip):
    poses = move() if flip is not FLIP else np.zeros((100, 17, 3))
    assert not find_side_swaps(poses, flip).any()
