import numpy as np
import pytest

from depth_refine.structures.skeleton import H36M
from depth_refine.synthetic.kinematics import FPS
from depth_refine.synthetic.motion import ACTIVITIES, make_motion
from depth_refine.synthetic.subjects import make_proportions

BODIES = [make_proportions(index, seed=0) for index in (1, 4)]  # a tall one and a short one


@pytest.fixture(scope='module', params=sorted(ACTIVITIES))
def performances(request):
    """Both bodies, three variations each, four seconds."""
    return [
        (body, make_motion(request.param, body, np.random.default_rng([7, index]), 4 * FPS)[0])
        for index in range(3)
        for body in BODIES
    ]


def facing(at, joints):
    """Cosine and sine (T,) of the heading of the shoulders."""
    left = (at(joints, 'left_shoulder') - at(joints, 'right_shoulder'))[:, :2]
    x, y = (left / np.linalg.norm(left, axis=1, keepdims=True)).T
    return y, -x


def flexion(a, b, c):
    """Degrees between two successive bones."""
    cosine = np.sum((b - a) * (c - b), axis=-1) / np.linalg.norm(b - a, axis=-1) / np.linalg.norm(c - b, axis=-1)
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


def test_bodies_are_rigid_smooth_and_near_the_centre(performances):
    for _, joints in performances:
        assert joints.shape == (200, 17, 3)
        np.testing.assert_allclose(np.ptp(H36M.bone_lengths(joints), axis=0), 0, atol=1e-12)
        np.testing.assert_allclose(joints[:, 0], (joints[:, 1] + joints[:, 4]) / 2, atol=1e-12)
        velocity = np.linalg.norm(np.diff(joints, axis=0), axis=-1) * FPS
        acceleration = np.linalg.norm(np.diff(joints, n=2, axis=0), axis=-1) * FPS**2
        assert velocity.max() < 7 and 0.05 < velocity.mean() < 1.6
        assert acceleration.max() < 100 and np.sqrt(np.mean(acceleration**2)) < 12
        assert np.linalg.norm(joints[..., :2], axis=-1).max() < 2.2


def test_feet_stand_still_near_the_floor(at, performances):
    for body, joints in performances:
        feet = np.stack([at(joints, 'left_foot'), at(joints, 'right_foot')], axis=1)
        moved = np.linalg.norm(np.diff(feet, axis=0), axis=-1) * FPS
        assert moved.min(axis=1).max() < 1e-6, 'at every time one foot stands still'
        assert np.all(feet[..., 2].min(axis=1) < body.ankle_height + 1e-6)
        assert joints[..., 2].min() > 0.04 and feet[..., 2].max() < 0.35


@pytest.mark.parametrize('side', ['left', 'right'])
def test_joint_limits(at, performances, side):
    for _, joints in performances:
        shoulder, elbow, wrist, hip, knee, foot = (
            at(joints, f'{side}_{name}') for name in ('shoulder', 'elbow', 'wrist', 'hip', 'knee', 'foot')
        )
        assert flexion(shoulder, elbow, wrist).min() > 1.9 and flexion(shoulder, elbow, wrist).max() < 145.1
        assert flexion(hip, knee, foot).min() > 3 and flexion(hip, knee, foot).max() < 150.1
        bent = (knee - (hip + foot) / 2)[:, :2]
        assert np.mean(np.sum(bent * np.transpose(facing(at, joints)), axis=-1) > 0) > 0.95, 'forwards'


def test_who_sits_sits_on_the_chair():
    joints, seat = make_motion('SittingDown', BODIES[1], np.random.default_rng(0), 300)
    lowest = joints[:, 0, 2].argmin()
    assert 0.4 < joints[lowest, 0, 2] < 0.6 and joints[:, 0, 2].max() > 0.75
    assert np.linalg.norm(joints[lowest, 0, :2] - seat[:2]) < 0.1
