import numpy as np
import pytest

from depth_refine.structures.skeleton import JOINT_NAMES, bone_lengths
from depth_refine.synthetic.kinematics import FPS
from depth_refine.synthetic.motion import ACTIVITIES, make_motion
from depth_refine.synthetic.subjects import make_proportions

J = {name: index for index, name in enumerate(JOINT_NAMES)}
BODIES = [make_proportions(index, seed=0) for index in (1, 4)]  # a tall one and a short one


def flexion(joints, chain):
    """Degrees between two successive bones."""
    a, b, c = (joints[:, J[name]] for name in chain)
    cosine = np.sum((b - a) * (c - b), axis=-1) / np.linalg.norm(b - a, axis=-1) / np.linalg.norm(c - b, axis=-1)
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


def facing(joints):
    left = joints[:, J['left_shoulder']] - joints[:, J['right_shoulder']]
    return np.arctan2(-left[:, 0], left[:, 1])


@pytest.fixture(scope='module', params=sorted(ACTIVITIES))
def performances(request):
    """Both bodies, three variations each, four seconds."""
    return [
        (body, make_motion(request.param, body, np.random.default_rng([7, index]), 4 * FPS)[0])
        for index in range(3)
        for body in BODIES
    ]


def test_body_is_rigid_and_whole(performances):
    for _, joints in performances:
        assert joints.shape == (200, 17, 3) and np.isfinite(joints).all()
        np.testing.assert_allclose(np.ptp(bone_lengths(joints), axis=0), 0, atol=1e-12)
        np.testing.assert_allclose(joints[:, 0], (joints[:, 1] + joints[:, 4]) / 2, atol=1e-12)


def test_motion_is_smooth(performances):
    for _, joints in performances:
        velocity = np.linalg.norm(np.diff(joints, axis=0), axis=-1) * FPS
        acceleration = np.linalg.norm(np.diff(joints, n=2, axis=0), axis=-1) * FPS**2
        assert velocity.max() < 7 and 0.05 < velocity.mean() < 1.6
        assert acceleration.max() < 100 and np.sqrt(np.mean(acceleration**2)) < 12


def test_feet_stand_still_near_the_floor(performances):
    for body, joints in performances:
        feet = joints[:, [J['left_foot'], J['right_foot']]]
        moved = np.linalg.norm(np.diff(feet, axis=0), axis=-1) * FPS
        assert moved.min(axis=1).max() < 1e-6, 'at every time one foot stands still'
        assert np.all(feet[..., 2].min(axis=1) < body.ankle_height + 1e-6)
        assert joints[..., 2].min() > 0.04 and feet[..., 2].max() < 0.35


def test_joint_limits(performances):
    for _, joints in performances:
        for side in ('left', 'right'):
            elbow = flexion(joints, [f'{side}_shoulder', f'{side}_elbow', f'{side}_wrist'])
            knee = flexion(joints, [f'{side}_hip', f'{side}_knee', f'{side}_foot'])
            assert elbow.min() > 1.9 and elbow.max() < 145.1
            assert knee.min() > 3 and knee.max() < 150.1
            # Knees bend forwards: the knee is in front of the line from the hip to the foot.
            front = np.stack([np.cos(facing(joints)), np.sin(facing(joints)), 0 * facing(joints)], axis=-1)
            hip, middle, foot = (joints[:, J[f'{side}_{part}']] for part in ('hip', 'knee', 'foot'))
            assert np.mean(np.sum((middle - (hip + foot) / 2) * front, axis=-1) > 0) > 0.95


def test_people_stay_near_the_centre(performances):
    for _, joints in performances:
        assert np.linalg.norm(joints[..., :2], axis=-1).max() < 2.2


def body_poses(activity, seed):
    """Poses without the place and the heading of the body."""
    joints, _ = make_motion(activity, BODIES[0], np.random.default_rng(seed), 150)
    angle = -facing(joints)
    c, s = np.cos(angle)[:, None], np.sin(angle)[:, None]
    x, y, z = np.moveaxis(joints - joints[:, :1], -1, 0)
    return np.stack([c * x - s * y, s * x + c * y, z], axis=-1)


def test_activities_and_variations_differ():
    assert len(ACTIVITIES) >= 8
    means = {
        name: np.mean([body_poses(name, [seed, 5]).mean(axis=0) for seed in range(6)], axis=0) for name in ACTIVITIES
    }
    names = sorted(means)
    for index, one in enumerate(names):
        for other in names[:index]:
            assert np.linalg.norm(means[one] - means[other], axis=-1).max() > 0.04, (one, other)
    for name in names:
        assert np.linalg.norm(body_poses(name, 1) - body_poses(name, 2), axis=-1).mean() > 0.02, name


def test_same_generator_same_motion():
    one, two = (make_motion('Walking', BODIES[0], np.random.default_rng(4), 60)[0] for _ in range(2))
    np.testing.assert_array_equal(one, two)


def test_every_side_is_seen():
    angles = [
        facing(make_motion(name, BODIES[0], np.random.default_rng([1, index]), 100)[0])
        for index, name in enumerate(ACTIVITIES)
    ]
    counts, _ = np.histogram(np.concatenate(angles) % (2 * np.pi), bins=6, range=(0, 2 * np.pi))
    assert counts.min() > 0


def test_who_sits_sits_on_the_chair():
    joints, seat = make_motion('SittingDown', BODIES[1], np.random.default_rng(0), 300)
    lowest = joints[:, 0, 2].argmin()
    assert 0.4 < joints[lowest, 0, 2] < 0.6 and joints[:, 0, 2].max() > 0.75
    assert np.linalg.norm(joints[lowest, 0, :2] - seat[:2]) < 0.1
