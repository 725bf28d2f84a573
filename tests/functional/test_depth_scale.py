import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from depth_refine.functional.depth_scale import better_depth_scale
from depth_refine.structures.skeleton import H36M

# limbs of an adult in metres: x to the left of the image, y down, z away
_LENGTHS = dict(
    right_hip=[-0.13, 0, 0], left_hip=[0.13, 0, 0], right_knee=[0, 0.42, -0.06], left_knee=[0, 0.41, -0.1],
    right_foot=[0, 0.41, 0.08], left_foot=[0, 0.41, 0.1], spine=[0, -0.24, 0], thorax=[0, -0.25, 0],
    neck_base=[0, -0.1, 0], head=[0, -0.15, 0], left_shoulder=[0.17, 0, 0], right_shoulder=[-0.17, 0, 0],
    left_elbow=[0.1, 0.25, 0.08], right_elbow=[-0.2, 0.05, -0.19], left_wrist=[0.05, 0.15, -0.19],
    right_wrist=[-0.05, 0.05, -0.23],
)  # fmt: skip
PERSON = np.zeros((17, 3))
for joint in H36M.from_root[1:]:
    PERSON[joint] = PERSON[H36M.parents[joint]] + _LENGTHS[H36M.joint_names[joint]]


def seen(count=60, degrees=180.0, tilt=25.0, noise=0.02, stature=1.0):
    """Poses (count, 17, 3), px and metres from the root, of a turning person, 3 to 5 m from a camera of 1000 px."""
    rng = np.random.default_rng(0)
    turns = np.stack([np.linspace(0, degrees, count), np.linspace(-tilt, tilt, count)], axis=-1)
    poses = stature * Rotation.from_euler('yx', turns, degrees=True).as_matrix()[:, None] @ PERSON[..., None]
    poses = poses[..., 0] + rng.normal(0, noise, (count, 17, 3))
    distance = np.linspace(3, 5, count)[:, None]
    pixels = 1000 * poses[..., :2] / (poses[..., 2] + distance)[..., None] + [960, 540]
    return np.concatenate([pixels, poses[..., 2:] - poses[:, :1, 2:]], axis=-1)


@pytest.mark.parametrize('factor', [0.067, 0.1, 0.5, 2, 10, 15])
def test_depths_of_another_scale(factor):
    scale, metres_per_pixel = better_depth_scale(seen() * [1, 1, factor])
    assert scale == pytest.approx(1 / factor, rel=0.25)
    assert metres_per_pixel == pytest.approx(4 / 1000, rel=0.15)


@pytest.mark.parametrize('options', [{}, dict(noise=0.06), dict(stature=1.12), dict(stature=0.8), dict(count=3)])
def test_right_depths(options, recwarn):
    assert better_depth_scale(seen(**options)) is None
    assert not recwarn.list


def test_flat_poses_are_ambiguous():
    """Nearly any depths fit people whose limbs are at right angles to the rays."""
    flat = seen(degrees=0, tilt=0)
    flat[..., 2] = np.random.default_rng(1).normal(0, 0.01, flat.shape[:2])
    for factor in (0.1, 1, 10):
        assert better_depth_scale(flat * [1, 1, factor]) is None
    assert better_depth_scale(np.zeros((2, 17, 3))) is None
