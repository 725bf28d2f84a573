import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from depth_refine.export.h36m_nodes import h36m_nodes
from depth_refine.structures.skeleton import H36M
from depth_refine.utils.errors import InputError


def global_turns(joints):
    """The rotations (T) of each node, by its name."""
    turns = {None: Rotation.identity(len(joints))}
    for node in h36m_nodes(joints):
        turns[node.name] = turns[node.parent] * node.rotation
    return turns


def test_pelvis_and_chest_face_where_the_person_faces(make_track):
    joints = make_track().keypoints_3d * [1, -1, -1]
    turns = global_turns(joints)
    for name, part in (('Hips', 'hip'), ('Chest', 'shoulder')):
        left, right = (joints[:, H36M.joint_names.index(f'{side}_{part}')] for side in ('left', 'right'))
        side = (left - right) / np.linalg.norm(left - right, axis=-1, keepdims=True)
        axes = turns[name].as_matrix()
        np.testing.assert_allclose(axes[:, :, 0], side, atol=1e-9)
        assert np.all(axes[:, 1, 1] > 0.8), 'upright'


def test_a_bone_that_points_against_its_rest_direction(make_track):
    joints = make_track(frames=1, noise=0.0).keypoints_3d * [1, -1, -1]
    joints[:, 2] = joints[:, 1] + 0.45 * global_turns(joints)['Hips'].apply([0, 1, 0])
    turned = global_turns(joints)['RightUpLeg'].apply([0, -1, 0])
    np.testing.assert_allclose(turned, (joints[:, 2] - joints[:, 1]) / 0.45, atol=1e-6)


def test_no_front_is_refused(make_track):
    joints = make_track(frames=5).keypoints_3d
    joints[2, 1], joints[2, 4], joints[2, 7] = [-0.1, 0, 0], [0.1, 0, 0], [0.3, 0, 0]
    with pytest.raises(InputError, match='the hips are in line with the spine in frame 2: the body has no front'):
        h36m_nodes(joints)
