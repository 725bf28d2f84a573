import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from depth_refine.export.fixed_skeleton import joint_nodes, shortest_turn
from depth_refine.structures.skeleton import H36M, Skeleton
from depth_refine.utils.errors import InputError

# A chain with the root between two bones.
CHAIN = Skeleton(('a', 'root', 'b', 'c'), (1, -1, 1, 2), (0, 1, 2, 3))


@pytest.mark.parametrize('rest', [[0, -1, 0], [1, 0, 0], [1, 1, 1], [0.3, -0.2, 0.9]])
def test_shortest_turn(rest):
    """The axis is perpendicular to both directions, also where they are opposite."""
    rest = np.array(rest) / np.linalg.norm(rest)
    directions = np.array([rest, -rest, *Rotation.random(5, rng=np.random.default_rng(0)).apply(rest)])
    turns = shortest_turn(rest, directions)
    np.testing.assert_allclose(turns.apply(rest), directions, atol=1e-9)
    np.testing.assert_allclose(turns.as_rotvec() @ rest, 0, atol=1e-9)
    np.testing.assert_allclose(turns.magnitude(), np.arccos(np.clip(directions @ rest, -1, 1)), atol=1e-7)


def test_bones_on_one_line_do_not_rotate_about_it():
    """The line swings in a plane; rotations about the line itself would fit its bones as well."""
    angles = np.linspace(0, 1.5, 20)
    line = np.stack([np.cos(angles), np.sin(angles), 0 * angles], axis=-1)
    joints = np.array([-0.3, 0, 0.4, 0.9])[None, :, None] * line[:, None]
    root, a, b = joint_nodes(joints, CHAIN)
    assert (root.name, a.name, b.name, b.parent) == ('root', 'a', 'b', 'root')
    np.testing.assert_allclose(root.rotation.as_rotvec()[:, :2], 0, atol=1e-6)
    np.testing.assert_allclose(np.ptp(root.rotation.as_rotvec()[:, 2]), 1.5, atol=1e-6)
    np.testing.assert_allclose(b.rotation.magnitude(), 0, atol=1e-6)


def test_poses_of_other_joints_are_refused():
    for shape in ((0, 17, 3), (5, 24, 3), (17, 3)):
        got = str(shape).replace('(', r'\(').replace(')', r'\)')
        with pytest.raises(InputError, match=rf'expected poses \(T, 17, 3\) of one frame or more, got {got}'):
            joint_nodes(np.ones(shape), H36M)
