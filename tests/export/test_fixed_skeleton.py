import numpy as np
import pytest

from depth_refine.export.fixed_skeleton import fixed_length_poses, skeleton_motion
from depth_refine.structures.skeleton import BONES, FLIP_INDICES, JOINT_NAMES, PARENTS, bone_lengths
from depth_refine.utils.errors import InputError


def test_bones_have_one_length_on_both_sides_and_their_observed_directions(make_track):
    joints = make_track('Posing', noise=0.02).keypoints_3d
    fixed = fixed_length_poses(joints)
    lengths = bone_lengths(fixed)
    np.testing.assert_allclose(lengths, np.tile(lengths[0], (60, 1)), atol=1e-12)
    for index, (parent, joint) in enumerate(BONES):
        twin = [child for _, child in BONES].index(FLIP_INDICES[joint])
        both = bone_lengths(joints)[:, [index, twin]]
        assert lengths[0, index] == pytest.approx(np.median(both), abs=1e-12), JOINT_NAMES[joint]
        if joint not in (1, 4):
            observed = joints[:, joint] - joints[:, parent]
            bone = fixed[:, joint] - fixed[:, parent]
            np.testing.assert_allclose(np.cross(bone, observed), 0, atol=1e-12)
            assert np.all(np.sum(bone * observed, axis=-1) > 0)


def test_hips_lie_to_both_sides_of_the_root(make_track):
    joints = make_track(noise=0.02).keypoints_3d
    fixed = fixed_length_poses(joints)
    np.testing.assert_allclose(fixed[:, 1], -fixed[:, 4], atol=1e-12)
    np.testing.assert_allclose(np.cross(fixed[:, 4], joints[:, 4] - joints[:, 1]), 0, atol=1e-12)
    np.testing.assert_array_equal(fixed[:, 0], 0)


def test_a_skeleton_of_fixed_bones_stays_as_it_is(make_track):
    joints = make_track(noise=0.0).keypoints_3d
    np.testing.assert_allclose(fixed_length_poses(joints), joints, atol=1e-9)


def test_rotations_carry_the_bones_at_rest_to_the_poses(make_track):
    joints = make_track('Greeting', noise=0.01).keypoints_3d * [1, -1, -1]
    motion, fixed = skeleton_motion(joints), fixed_length_poses(joints)
    for joint, parent in enumerate(PARENTS):
        if parent >= 0:
            np.testing.assert_allclose(
                fixed[:, parent] + motion.bones[joint].apply(motion.offsets[joint]), fixed[:, joint], atol=1e-12
            )


def test_pelvis_and_chest_face_where_the_person_faces(make_track):
    joints = make_track().keypoints_3d * [1, -1, -1]
    motion = skeleton_motion(joints)
    for frame, turned, right, left in (*((t, motion.bones[0], 1, 4) for t in range(60)), (7, motion.chest, 14, 11)):
        side = joints[frame, left] - joints[frame, right]
        np.testing.assert_allclose(turned.as_matrix()[frame, :, 0], side / np.linalg.norm(side), atol=1e-9)
        assert turned.as_matrix()[frame, 1, 1] > 0.8, 'upright'


def test_a_bone_that_points_against_its_rest_direction(make_track):
    joints = make_track(frames=1, noise=0.0).keypoints_3d * [1, -1, -1]
    pelvis_up = skeleton_motion(joints).bones[0].apply([0, 1, 0])
    joints[:, 2] = joints[:, 1] + 0.45 * pelvis_up
    motion, fixed = skeleton_motion(joints), fixed_length_poses(joints)
    np.testing.assert_allclose(fixed[:, 1] + motion.bones[2].apply(motion.offsets[2]), fixed[:, 2], atol=1e-6)


@pytest.mark.parametrize('shape', [(0, 17, 3), (4, 16, 3), (17, 3)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(InputError, match=r'expected poses \(T, 17, 3\) of one frame or more, got'):
        fixed_length_poses(np.ones(shape))


def test_no_front_is_refused(make_track):
    joints = make_track(frames=5).keypoints_3d
    joints[2, 7] = joints[2, 4] * 2 - joints[2, 1]
    joints[2, 1], joints[2, 4], joints[2, 7] = [-0.1, 0, 0], [0.1, 0, 0], [0.3, 0, 0]
    with pytest.raises(InputError, match='the hips are in line with the spine in frame 2: the body has no front'):
        skeleton_motion(joints)
