import numpy as np
import pytest

from depth_refine.structures.skeleton import H36M
from depth_refine.synthetic.kinematics import FPS, Script, animate
from depth_refine.synthetic.subjects import make_proportions

BODY = make_proportions(0, seed=0)


def stand(t):
    """Facing world y, so that left is world -x."""
    return np.stack([0 * t, 0 * t, np.pi / 2 + 0 * t], axis=-1)


@pytest.mark.parametrize(
    ('angle', 'joint', 'axis', 'sign'),
    [
        ('left_shoulder_flex', 'left_elbow', 1, 1),
        ('left_shoulder_raise', 'left_elbow', 0, -1),
        ('right_shoulder_raise', 'right_elbow', 0, 1),
        ('left_elbow', 'left_wrist', 1, 1),
        ('spine_pitch', 'head', 1, 1),
        ('spine_yaw', 'left_shoulder', 1, -1),
        ('head_roll', 'head', 0, 1),
    ],
)
def test_angles_turn_the_right_way(at, angle, joint, axis, sign):
    still, moved = (at(animate(Script(stand, {angle: degrees}), BODY, 2), joint) for degrees in (5.0, 30.0))
    assert np.all(sign * (moved - still)[:, axis] > 0.02)


def test_feet_step_along_a_path_and_do_not_slide(at):
    speed = 0.9
    joints = animate(Script(lambda t: np.stack([speed * t, 0 * t, 0 * t], axis=-1), period=1.0), BODY, 5 * FPS)
    feet = np.stack([at(joints, 'left_foot'), at(joints, 'right_foot')], axis=1)
    assert np.all(feet[:, 0, 1] > feet[:, 1, 1] + 0.03), 'left is to the left'
    planted = feet[..., 2] < BODY.ankle_height + 1e-9
    moved = np.linalg.norm(np.diff(feet, axis=0), axis=-1)
    assert planted.any(axis=1).all(), 'a walker always has a foot on the floor'
    assert moved[planted[1:] & planted[:-1]].max() < 1e-9
    np.testing.assert_allclose(np.ptp(H36M.bone_lengths(joints), axis=0), 0, atol=1e-12)
    assert np.ptp(feet[..., 0], axis=0) == pytest.approx([speed * 5] * 2, abs=speed)
    leads = np.sign(feet[:, 0, 0] - feet[:, 1, 0])
    assert 8 <= np.sum(np.diff(leads) != 0) <= 12, 'the leading foot changes twice a period'
