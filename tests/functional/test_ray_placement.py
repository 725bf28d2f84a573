"""Placement against poses whose projections are known."""

import numpy as np
import pytest

from depth_refine.functional.camera import project
from depth_refine.functional.ray_placement import place_on_rays

LENS = dict(f=[1145.0, 1093.0], c=[512.5, 365.4], k=[-0.2, 0.02, -0.003], p=[-0.0009, -0.0016])


@pytest.fixture
def walk():
    """True joints (9, 5, 3) in the camera frame, refined poses off in x and y, their roots, pixels and scores of 1."""
    rng = np.random.default_rng(0)
    root = np.linspace([-0.5, 0.1, 6], [0.7, 0.2, 3], 9)
    true = root[:, None] + rng.uniform(-0.5, 0.5, (9, 5, 3))
    pixels = project(true, LENS)
    off = true + rng.normal(0, 0.1, true.shape) * [1, 1, 0]
    return true, off - root[:, None], root, pixels, np.ones((9, 5))


def test_joints_seen_lie_on_their_rays_at_their_depth(walk):
    true, poses, root, pixels, scores = walk
    scores[2] = 0.5
    placed = place_on_rays(poses.astype(np.float32), root, pixels, scores, LENS)
    np.testing.assert_allclose(placed, true, atol=1e-6)
    np.testing.assert_allclose(project(placed, LENS), pixels, atol=1e-3)


def test_joints_hardly_seen_stay_nearer_to_the_refined_pose(walk):
    true, poses, root, pixels, scores = walk
    scores[:, 1], scores[:, 3] = 0.1, 0
    placed, refined = place_on_rays(poses, root, pixels, scores, LENS), poses + root[:, None]
    np.testing.assert_allclose(placed[:, 1], 0.8 * refined[:, 1] + 0.2 * true[:, 1], atol=1e-9)
    np.testing.assert_array_equal(placed[:, 3], refined[:, 3])


def test_what_has_no_ray_stays(walk):
    true, poses, root, pixels, scores = walk
    pixels[0, 1], pixels[1, 2] = np.nan, [9e3, 300]  # not a number, beyond the lens model
    scores[2, 3] = np.nan
    poses[3, 4, 2] = -9  # behind the camera
    placed, refined = place_on_rays(poses, root, pixels, scores, LENS), poses + root[:, None]
    stays = [0, 1, 2, 3], [1, 2, 3, 4]
    np.testing.assert_array_equal(placed[stays], refined[stays])
    true[stays] = refined[stays]
    np.testing.assert_allclose(placed, true, atol=1e-9)


def test_shapes_must_fit(walk):
    _, poses, root, pixels, scores = walk
    for change in (dict(root=root[1:]), dict(keypoints=pixels[:, 1:]), dict(keypoints_3d=pixels)):
        arguments = dict(keypoints_3d=poses, root=root, keypoints=pixels, scores=scores, camera=LENS) | change
        with pytest.raises(ValueError, match=r'expected poses \(T, K, 3\), roots \(T, 3\), pixels'):
            place_on_rays(**arguments)
