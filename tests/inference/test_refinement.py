import re

import numpy as np
import pytest

from depth_refine.inference.people.tracking import Observations
from depth_refine.inference.refinement import refine_people
from depth_refine.structures.camera import make_camera
from depth_refine.structures.skeleton import H36M


class Known:
    """A second stage that returns given poses."""

    skeleton, notes, rate = H36M, (), 50.0

    def __init__(self, poses):
        self.poses = poses

    def __call__(self, measurements, camera):
        return self.poses


@pytest.mark.parametrize(
    ('place', 'height'), [([1, -2, 1.5], 0.0), ([0, -1.5, 2.65], 1.15), ([1, -2, 0.8], -0.7), ([1, -2, 1.9], 0.4)]
)
def test_feet_off_the_floor_of_the_world(place, height):
    """A person stands 1.5 m below the camera; R is right, and T is right, OpenCV's t, or in another unit."""
    poses = np.random.default_rng(0).uniform(-0.7, 0.7, (30, 17, 3))
    poses -= poses[:, :1]
    poses[:, 3, 1] = 0.9  # the lowest, below the root
    joints = poses + [0, 0.6, 4]
    pixels = 800 * joints[..., :2] / joints[..., 2:] + [640, 480]
    looks_along_y = [[1, 0, 0], [0, 0, 1], [0, -1, 0]]
    bboxes = np.concatenate([pixels.min(axis=1), pixels.max(axis=1)], axis=1)
    measurements = np.concatenate([pixels, poses[..., 2:], np.ones((30, 17, 1)), np.full((30, 17, 1), np.nan)], axis=-1)
    seen = Observations((1280, 960), np.arange(30) / 50, np.arange(30), np.zeros(30, int), bboxes, measurements, [])
    camera = make_camera(seen.size, (800, 800, 640, 480), dict(R=looks_along_y, T=place))
    result = refine_people(Known(poses), 'walk', seen, camera, True, False)
    np.testing.assert_allclose(result.tracks[0].root, np.tile([0, 0.6, 4], (30, 1)), atol=0.01)
    found = [re.match(r'Person 0, the lowest joint is at z = (\S+) m in the world', note) for note in result.notes]
    assert [float(note[1]) for note in found] == pytest.approx([height] * (abs(height) > 0.5), abs=0.011)
