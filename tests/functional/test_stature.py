import numpy as np
import pytest
from skeletons import MPI_INF_3DHP, standing_pose

from depth_refine.functional.stature import estimate_stature, scale_to_stature
from depth_refine.structures.skeleton import H36M, Skeleton
from depth_refine.utils.errors import InputError

MPI = Skeleton.from_metainfo(MPI_INF_3DHP, 14)


def upright(skeleton, stature):
    """A body (K, 3), metres: joint heights of anthropometric tables, hips, shoulders and ankles in two lines."""
    heights = dict(hip=0.53, knee=0.285, ankle=0.039, foot=0.039, shoulder=0.818)
    joints = np.random.default_rng(0).normal(size=(skeleton.num_joints, 3))  # the others do not matter
    for joint, name in enumerate(skeleton.joint_names):
        side, _, part = name.partition('_')
        if part in heights:
            across = {'left': -0.1, 'right': 0.1}[side] * (1 if part == 'shoulder' else 0.5)
            joints[joint] = [across, heights[part] * stature, 0]
    return joints


@pytest.mark.parametrize('skeleton', [H36M, MPI], ids=['human36m', 'mpi_inf_3dhp'])
def test_stature_of_a_body_as_in_the_tables(skeleton):
    """The median of all frames, wherever the body is and however it is turned; the head does not count."""
    joints = np.repeat(upright(skeleton, 1.72)[None], 5, axis=0)
    joints[0] *= 3
    joints[1, :, 0] += np.arange(skeleton.num_joints)
    assert estimate_stature(joints, skeleton) == pytest.approx(1.72, rel=1e-6)
    assert estimate_stature(joints[..., [2, 0, 1]] + [1, 2, 30], skeleton) == pytest.approx(1.72, rel=1e-6)


def test_a_known_height_scales_about_the_camera():
    joints = standing_pose(H36M)[None] + [[[0.3, 0.2, 4]], [[0.4, 0.2, 4.5]]]
    scaled = scale_to_stature(joints, 1.9, H36M)
    assert estimate_stature(scaled, H36M) == pytest.approx(1.9)
    np.testing.assert_allclose(scaled[..., :2] / scaled[..., 2:], joints[..., :2] / joints[..., 2:], atol=1e-12)


@pytest.mark.parametrize('stature', [1.9, 5.9, 185, 0.0, -1.8, np.nan])
def test_heights_in_other_units_are_refused(stature):
    joints = standing_pose(H36M)[None]
    if stature == 1.9:
        joints, message = 0 * joints, 'the poses do not tell how tall the person is: legs and trunk measure 0.0 m'
    else:
        message = 'the height of the person .*(looks like centimetres or feet: give metres|metres)'
    with pytest.raises(InputError, match=message):
        scale_to_stature(joints, stature, H36M)


def test_poses_of_other_joints_are_refused():
    with pytest.raises(InputError, match=r'expected poses \(T, 17, 3\)'):
        estimate_stature(np.ones((2, 16, 3)), H36M)
