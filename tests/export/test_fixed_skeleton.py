import numpy as np
import pytest

from depth_refine.export.fixed_skeleton import skeleton_motion
from depth_refine.structures.skeleton import JOINT_NAMES
from depth_refine.utils.errors import InputError


def test_pelvis_and_chest_face_where_the_person_faces(make_track):
    joints = make_track().keypoints_3d * [1, -1, -1]
    motion = skeleton_motion(joints)
    for turned, part in ((motion.bones[0], 'hip'), (motion.chest, 'shoulder')):
        left, right = (joints[:, JOINT_NAMES.index(f'{side}_{part}')] for side in ('left', 'right'))
        side = (left - right) / np.linalg.norm(left - right, axis=-1, keepdims=True)
        np.testing.assert_allclose(turned.as_matrix()[:, :, 0], side, atol=1e-9)
        assert np.all(turned.as_matrix()[:, 1, 1] > 0.8), 'upright'


def test_a_bone_that_points_against_its_rest_direction(make_track):
    joints = make_track(frames=1, noise=0.0).keypoints_3d * [1, -1, -1]
    joints[:, 2] = joints[:, 1] + 0.45 * skeleton_motion(joints).bones[0].apply([0, 1, 0])
    turned = skeleton_motion(joints).bones[2].apply([0, -1, 0])
    np.testing.assert_allclose(turned, (joints[:, 2] - joints[:, 1]) / 0.45, atol=1e-6)


def test_other_shapes_and_no_front_are_refused(make_track):
    with pytest.raises(InputError, match=r'expected poses \(T, 17, 3\) of one frame or more, got \(0, 17, 3\)'):
        skeleton_motion(np.ones((0, 17, 3)))
    joints = make_track(frames=5).keypoints_3d
    joints[2, 1], joints[2, 4], joints[2, 7] = [-0.1, 0, 0], [0.1, 0, 0], [0.3, 0, 0]
    with pytest.raises(InputError, match='the hips are in line with the spine in frame 2: the body has no front'):
        skeleton_motion(joints)
