import numpy as np
import pytest

from depth_refine.export.fixed_skeleton import skeleton_motion
from depth_refine.structures.skeleton import JOINT_NAMES, PARENTS
from depth_refine.utils.errors import InputError


def forward_kinematics(joints):
    motion = skeleton_motion(joints)
    placed = np.zeros(joints.shape)
    for joint, parent in enumerate(PARENTS[1:], start=1):
        placed[:, joint] = placed[:, parent] + motion.bones[joint].apply(motion.offsets[joint])
    return placed


@pytest.mark.parametrize('activity', ['Posing', 'Greeting', 'Walking'])
def test_rotations_carry_the_bones_at_rest_to_the_fixed_length_poses(make_track, fixed_length_poses, activity):
    joints = make_track(activity, noise=0.02).keypoints_3d * [1, -1, -1]
    np.testing.assert_allclose(forward_kinematics(joints), fixed_length_poses(joints), atol=1e-12)


def test_a_skeleton_of_fixed_bones_stays_as_it_is(make_track):
    joints = make_track(noise=0.0).keypoints_3d * [1, -1, -1]
    np.testing.assert_allclose(forward_kinematics(joints), joints, atol=1e-9)


def test_pelvis_and_chest_face_where_the_person_faces(make_track):
    joints = make_track().keypoints_3d * [1, -1, -1]
    motion = skeleton_motion(joints)
    for turned, part in ((motion.bones[0], 'hip'), (motion.chest, 'shoulder')):
        left, right = (joints[:, JOINT_NAMES.index(f'{side}_{part}')] for side in ('left', 'right'))
        side = left - right
        side /= np.linalg.norm(side, axis=-1, keepdims=True)
        np.testing.assert_allclose(turned.as_matrix()[:, :, 0], side, atol=1e-9)
        assert np.all(turned.as_matrix()[:, 1, 1] > 0.8), 'upright'


def test_a_bone_that_points_against_its_rest_direction(make_track, fixed_length_poses):
    joints = make_track(frames=1, noise=0.0).keypoints_3d * [1, -1, -1]
    joints[:, 2] = joints[:, 1] + 0.45 * skeleton_motion(joints).bones[0].apply([0, 1, 0])
    np.testing.assert_allclose(forward_kinematics(joints)[:, 2], fixed_length_poses(joints)[:, 2], atol=1e-6)


@pytest.mark.parametrize('shape', [(0, 17, 3), (4, 16, 3), (17, 3)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(InputError, match=r'expected poses \(T, 17, 3\) of one frame or more, got'):
        skeleton_motion(np.ones(shape))


def test_no_front_is_refused(make_track):
    joints = make_track(frames=5).keypoints_3d
    joints[2, 1], joints[2, 4], joints[2, 7] = [-0.1, 0, 0], [0.1, 0, 0], [0.3, 0, 0]
    with pytest.raises(InputError, match='the hips are in line with the spine in frame 2: the body has no front'):
        skeleton_motion(joints)
