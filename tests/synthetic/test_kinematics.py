import numpy as np
import pytest

from depth_refine.structures.skeleton import JOINT_NAMES, bone_lengths
from depth_refine.synthetic.kinematics import FPS, Script, animate, leg_ik
from depth_refine.synthetic.subjects import make_proportions

J = {name: index for index, name in enumerate(JOINT_NAMES)}
BODY = make_proportions(0, seed=0)


def stand(heading=0.0):
    return lambda t: np.stack([0 * t, 0 * t, heading + 0 * t], axis=-1)


def test_leg_ik_reaches_target_with_both_bones():
    rng = np.random.default_rng(0)
    hip = rng.normal(size=(50, 3))
    direction = rng.normal(size=(50, 3))
    ankle = hip + rng.uniform(0.3, 0.84, (50, 1)) * direction / np.linalg.norm(direction, axis=1, keepdims=True)
    pole = rng.normal(size=(50, 3))
    knee, foot = leg_ik(hip, ankle, pole, 0.45, 0.40)
    np.testing.assert_allclose(foot, ankle, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(knee - hip, axis=1), 0.45, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(foot - knee, axis=1), 0.40, atol=1e-12)
    along = (ankle - hip) / np.linalg.norm(ankle - hip, axis=1, keepdims=True)
    off_line = (knee - hip) - np.sum((knee - hip) * along, axis=1, keepdims=True) * along
    assert np.all(np.sum(off_line * pole, axis=1) > 0)


def test_leg_ik_knee_points_to_the_pole():
    knee, _ = leg_ik(np.array([0.0, 0, 0.7]), np.zeros(3), np.array([2.0, 0, 5]), 0.4, 0.4)
    assert knee[0] == pytest.approx(np.sqrt(0.4**2 - 0.35**2)) and knee[1] == 0 and knee[2] == pytest.approx(0.35)


@pytest.mark.parametrize(('distance', 'reached'), [(2.0, 0.9999 * 0.8), (0.05, 2 * 0.4 * np.sin(np.radians(15)))])
def test_leg_ik_stays_inside_the_limits(distance, reached):
    _, foot = leg_ik(np.zeros(3), np.array([0, 0, -distance]), np.array([1.0, 0, 0]), 0.4, 0.4)
    np.testing.assert_allclose(foot, [0, 0, -reached], atol=1e-9)


def test_axes_left_is_left_of_the_heading():
    joints = animate(Script(stand(np.pi / 2)), BODY, 3)  # facing world y, so left is world -x
    for side, sign in (('left', -1), ('right', 1)):
        for name in ('hip', 'foot', 'shoulder', 'wrist'):
            assert np.all(sign * joints[:, J[f'{side}_{name}'], 0] > 0.03)
    assert np.all(joints[:, J['neck_base'], 1] > joints[:, J['thorax'], 1])


@pytest.mark.parametrize(
    ('angle', 'joint', 'axis', 'sign'),
    [
        ('left_shoulder_flex', 'left_elbow', 0, 1),
        ('right_shoulder_flex', 'right_elbow', 0, 1),
        ('left_shoulder_raise', 'left_elbow', 1, 1),
        ('right_shoulder_raise', 'right_elbow', 1, -1),
        ('left_elbow', 'left_wrist', 0, 1),
        ('spine_pitch', 'head', 0, 1),
        ('spine_yaw', 'left_shoulder', 0, -1),
        ('head_roll', 'head', 1, -1),
    ],
)
def test_angles_turn_the_right_way(angle, joint, axis, sign):
    still, moved = (animate(Script(stand(), {angle: degrees}), BODY, 2) for degrees in (5.0, 30.0))
    assert np.all(sign * (moved - still)[:, J[joint], axis] > 0.02)


def test_an_angle_beyond_its_limit_stops_there():
    most, more = (animate(Script(stand(), {'left_elbow': degrees}), BODY, 2) for degrees in (145.0, 300.0))
    np.testing.assert_array_equal(most, more)


def test_feet_step_along_a_path_and_do_not_slide():
    frames, speed = 5 * FPS, 0.9
    joints = animate(Script(lambda t: np.stack([speed * t, 0 * t, 0 * t], axis=-1), period=1.0), BODY, frames)
    feet = joints[:, [J['left_foot'], J['right_foot']]]
    planted = feet[..., 2] < BODY.ankle_height + 1e-9
    moved = np.linalg.norm(np.diff(feet, axis=0), axis=-1)
    assert planted.any(axis=1).all(), 'a walker always has a foot on the floor'
    assert moved[planted[1:] & planted[:-1]].max() < 1e-9
    np.testing.assert_allclose(np.ptp(bone_lengths(joints), axis=0), 0, atol=1e-12)
    assert np.ptp(feet[..., 0], axis=0) == pytest.approx([speed * 5] * 2, abs=speed)
    # Feet alternate: the leading foot changes twice a period.
    leads = np.sign(feet[:, 0, 0] - feet[:, 1, 0])
    assert 8 <= np.sum(np.diff(leads) != 0) <= 12


def test_crouch_and_retreat_move_the_pelvis_only():
    plain, low = (animate(Script(stand(), crouch=c, retreat=c), BODY, 3) for c in (0.0, 0.2))
    np.testing.assert_allclose(low[:, 0, 0], plain[:, 0, 0] - 0.2, atol=1e-9)
    assert np.all(plain[:, 0, 2] - low[:, 0, 2] > 0.2)
    np.testing.assert_allclose(low[:, J['left_foot']], plain[:, J['left_foot']], atol=1e-9)
