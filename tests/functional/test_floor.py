"""The floor of synthetic people, seen by cameras of known pose."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from skeletons import MPI_INF_3DHP, smpl_metainfo, standing_pose

from depth_refine.functional.floor import estimate_floor
from depth_refine.structures.skeleton import H36M, Skeleton
from depth_refine.utils.errors import InputError

SKELETONS = {
    'human36m': (H36M, 'left_foot'),
    'mpi_inf_3dhp': (Skeleton.from_metainfo(MPI_INF_3DHP, 14), 'left_ankle'),
    'root at a hand': (Skeleton.from_metainfo(smpl_metainfo(), 'right_hand'), 'left_ankle'),
}
CAMERA = Rotation.from_euler('zx', [15, -18], degrees=True)  # rolled and looking down, after it is level
HEIGHT = 2.1
FPS = 30


def visit(skeleton, ankle, places, turns):
    """A person (T, K, 3), world metres, z up, ankles at 0.08, who stands 0.5 s at each place, 0.5 s apart."""
    pose = standing_pose(skeleton)[:, [0, 2, 1]] * [1, 1, -1]  # x right, y away, z up
    pose = pose - [*pose[skeleton.root, :2], pose[skeleton.joint_names.index(ankle), 2] - 0.08]
    turned = Rotation.from_euler('z', np.reshape(turns, (-1, 1)), degrees=True).as_matrix()
    standing = np.einsum('pij,kj->pki', turned, pose) + np.pad(places, ((0, 0), (0, 1)))[:, None]
    keys = np.repeat(standing, 2, axis=0)
    at, times = np.linspace(0, len(keys) - 1, FPS * (len(keys) - 1) // 2), np.arange(len(keys))
    return np.stack([np.interp(at, times, axis) for axis in keys.reshape(len(keys), -1).T], axis=-1).reshape(
        -1, *pose.shape
    )


def seen(world):
    """Joints in the frame of the camera, which is above the origin, 2.1 m over the floor, and looks along y."""
    level = (world - [0, 0, HEIGHT])[..., [0, 2, 1]] * [1, -1, 1]
    return CAMERA.apply(level.reshape(-1, 3)).reshape(world.shape)


def times_of(joints, start=3.0):
    return start + np.arange(len(joints)) / FPS


@pytest.fixture(params=SKELETONS)
def skeleton_and_ankle(request):
    return SKELETONS[request.param]


def test_floor_from_people_who_walk_around(skeleton_and_ankle):
    """Two people, one with an outlier: a rest on a step."""
    skeleton, ankle = skeleton_and_ankle
    places = np.array([[-1.5, 4], [1.5, 4], [1, 7], [-1, 6.5], [0, 5]])
    first = visit(skeleton, ankle, places, [0, 80, 160, 250, 300])
    second = visit(skeleton, ankle, places[::-1] + 0.5, [200, 30, 120, 290, 0])
    second[-FPS // 2 :, :, 2] += 0.6
    people = [seen(first), seen(second)]
    floor = estimate_floor(people, [times_of(each) for each in people], skeleton)
    up = CAMERA.apply([0, -1, 0])
    assert np.degrees(np.arccos(floor['R'][2] @ up)) < 1
    np.testing.assert_allclose(floor['R'] @ floor['R'].T, np.eye(3), atol=1e-9)
    assert np.linalg.det(floor['R']) > 0 and floor['R'][0] @ [1, 0, 0] > 0.9 and floor['R'][1] @ [0, 0, 1] > 0.9
    np.testing.assert_allclose(floor['T'], [[0], [0], [HEIGHT]], atol=0.06)
    ankles = people[0][:, skeleton.joint_names.index(ankle)] @ floor['R'].T + floor['T'].T
    np.testing.assert_allclose(np.median(ankles[:, 2]), 0.08, atol=0.05)


def test_floor_from_a_person_on_the_spot(skeleton_and_ankle):
    skeleton, ankle = skeleton_and_ankle
    joints = seen(visit(skeleton, ankle, np.array([[0.0, 5]] * 4), [0, 90, 180, 270]))
    floor = estimate_floor([joints], [times_of(joints)], skeleton)
    assert np.degrees(np.arccos(floor['R'][2] @ CAMERA.apply([0, -1, 0]))) < 4
    np.testing.assert_allclose(floor['T'][2], HEIGHT, atol=0.3)


@pytest.mark.parametrize(
    ('how', 'message'),
    [
        ('never rests', 'nobody rests a foot for 0.1 s or more'),
        ('one frame', 'nobody rests a foot for 0.1 s or more'),
        (
            'lies',
            'people do not stand or walk upright. .* 1[01][0-9] degrees from upwards in the image, expected at most',
        ),
        ('turns over', r'Their trunks sway by [3-9]\d degrees'),
    ],
)
def test_ambiguous_motion_is_refused(how, message):
    world = visit(H36M, 'left_foot', np.array([[-1.0, 5], [1, 5]]), [0, 90])
    match how:
        case 'never rests':
            world = world + np.arange(len(world))[:, None, None] * [0.03, 0, 0]
        case 'one frame':
            world = world[:1]
        case 'lies':
            world = world[..., [2, 1, 0]]
        case 'turns over':
            angles = np.linspace(0, 2 * np.pi, len(world)).round(0)  # in steps, between which the feet rest
            turns = Rotation.from_euler('y', angles[:, None]).as_matrix()
            world = np.einsum('tij,tkj->tki', turns, world - world[:, :1]) + world[:, :1]
    joints = seen(world)
    with pytest.raises(InputError, match=message):
        estimate_floor([joints], [times_of(joints)], H36M)


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match=r'expected a time for each of 4 frames, got \(5,\)'):
        estimate_floor([np.ones((4, 17, 3))], [np.arange(5)], H36M)
    with pytest.raises(InputError, match=r'expected poses \(T, 17, 3\)'):
        estimate_floor([np.ones((4, 24, 3))], [np.arange(4)], H36M)
