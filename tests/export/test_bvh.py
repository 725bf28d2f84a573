"""The written file against forward kinematics by an independent reader, made from the format's description."""

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from skeletons import MPI_INF_3DHP, smpl_metainfo, standing_pose

from depth_refine.export import write_bvh
from depth_refine.structures.skeleton import H36M, Skeleton
from depth_refine.utils.errors import InputError

SKELETONS = {
    'smpl': Skeleton.from_metainfo(smpl_metainfo(), 'pelvis'),
    'mpi_inf_3dhp': Skeleton.from_metainfo(MPI_INF_3DHP, 14),
    'root at an elbow': Skeleton.from_metainfo(smpl_metainfo(), 'left_elbow'),
    'leaves at a fork': Skeleton(('L', 'R', 'chest', 'hip', 'the nose'), (2, 2, 3, -1, 2), (1, 0, 2, 3, 4)),
}

TIMES = np.arange(6) / 50  # the track has three frames from the fourth on

# the joints of Human3.6M in the file: nodes by name, or the end site below one
JOINTS = [
    *('Hips', 'RightUpLeg', 'RightLeg', 'RightLeg End', 'LeftUpLeg', 'LeftLeg', 'LeftLeg End', 'Spine', 'Chest'),
    *('Head', 'Head End', 'LeftArm', 'LeftForeArm', 'LeftForeArm End', 'RightArm', 'RightForeArm', 'RightForeArm End'),
]


def read_bvh(path):
    """Positions (T, 3) of nodes and ends by forward kinematics, channels (T, C), frame time (s), offsets (3,)."""
    words = iter(path.read_text().split())
    nodes, open_nodes, name = [], [], None
    assert next(words) == 'HIERARCHY'
    while (word := next(words)) != 'MOTION':
        if word in ('ROOT', 'JOINT'):
            name = next(words)
        elif word == 'End':
            name = f'{nodes[open_nodes[-1]]["name"]} {word}'
            assert next(words) == 'Site'
        elif word == '{':
            nodes.append(dict(name=name, parent=open_nodes[-1] if open_nodes else None, channels=[]))
            open_nodes.append(len(nodes) - 1)
        elif word == '}':
            open_nodes.pop()
        elif word == 'OFFSET':
            nodes[open_nodes[-1]]['offset'] = np.array([next(words) for _ in 'xyz'], float)
        else:
            assert word == 'CHANNELS'
            nodes[open_nodes[-1]]['channels'] = [next(words) for _ in range(int(next(words)))]
    assert not open_nodes and next(words) == 'Frames:'
    frames = int(next(words))
    assert (next(words), next(words)) == ('Frame', 'Time:')
    seconds = float(next(words))
    motion = np.array(list(words), float).reshape(frames, sum(len(node['channels']) for node in nodes))

    columns, rotations, positions = iter(motion.T), [], {}
    for node in nodes:
        rotation, shift = Rotation.identity(), np.tile(node['offset'], (frames, 1))
        for channel in node['channels']:
            if channel.endswith('position'):
                shift[:, 'XYZ'.index(channel[0])] += next(columns)
            else:
                rotation = rotation * Rotation.from_euler(channel[0].lower(), next(columns)[:, None], degrees=True)
        if node['parent'] is not None:
            shift = positions[nodes[node['parent']]['name']] + rotations[node['parent']].apply(shift)
            rotation = rotations[node['parent']] * rotation
        rotations.append(rotation)
        positions[node['name']] = shift
    return positions, motion, seconds, {node['name']: node['offset'] for node in nodes}


def in_bvh_axes(points):
    """Camera axes (x right, y down, z forward) to the file's (x right, y up, z backward)."""
    return np.stack([points[..., 0], -points[..., 1], -points[..., 2]], axis=-1)


@pytest.fixture
def write_and_read(tmp_path):
    """A function that writes a track and reads positions, channels and frame time, seconds."""

    def write_and_read(track, camera=None, times=None):
        times = np.arange(track.frames[-1] + 1) / 50 if times is None else times
        write_bvh(track, H36M, tmp_path / 'person.bvh', times, camera)
        positions, motion, seconds, _ = read_bvh(tmp_path / 'person.bvh')
        return np.stack([positions[joint] for joint in JOINTS], axis=1), motion, seconds

    return write_and_read


@pytest.mark.parametrize('activity', ['Walking', 'SittingDown', 'Posing', 'Purchases', 'Greeting'])
def test_forward_kinematics_gives_the_fixed_length_poses(make_track, fixed_length_poses, write_and_read, activity):
    track = make_track(activity, frames=150)
    positions, channels, seconds = write_and_read(track)
    expected = fixed_length_poses(track.keypoints_3d) + track.root[:, None]
    np.testing.assert_allclose(positions, in_bvh_axes(expected), rtol=0, atol=1e-5)
    observed = in_bvh_axes(track.keypoints_3d + track.root[:, None])
    assert np.linalg.norm(positions - observed, axis=-1).mean() < 0.01, 'fixed bones stay near the observed joints'
    assert seconds == pytest.approx(0.02)
    # near a pole of its order an angle would change by up to 180 degrees from one frame to the next
    assert np.abs(np.diff(channels[:, 3:], axis=0)).max() < 30
    track.root = None
    np.testing.assert_array_equal(write_and_read(track)[0][:, 0], 0)


def test_angles_go_on_beyond_half_a_turn(make_track, write_and_read):
    track = make_track(frames=100)
    turn = Rotation.from_euler('y', np.linspace(0, 720, 100)[:, None], degrees=True)
    track.keypoints_3d = np.einsum('tij,kj->tki', turn.as_matrix(), track.keypoints_3d[0])
    _, channels, _ = write_and_read(track)
    assert np.abs(np.diff(channels[:, 3:], axis=0)).max() < 10
    assert abs(channels[-1, 5] - channels[0, 5]) == pytest.approx(720, abs=1)


def test_file_as_animation_programs_read_it(make_track, tmp_path):
    track = make_track(frames=3)
    write_bvh(track, H36M, tmp_path / 'person.bvh', np.arange(6) / 25)
    lines = (tmp_path / 'person.bvh').read_text().splitlines()
    motion = lines.index('MOTION')
    assert lines[motion + 1 : motion + 3] == ['Frames: 3', 'Frame Time: 0.040000000'] and len(lines) == motion + 6
    at_rest = {
        lines[i].split()[1]: np.array(lines[i + 2].split()[1:], float) for i in range(motion) if 'JOINT' in lines[i]
    }
    assert at_rest['LeftArm'][0] > 0.1 > -0.1 > at_rest['RightArm'][0], 'x to the left of who faces the viewer'
    assert at_rest['RightLeg'][1] == at_rest['LeftLeg'][1] < -0.3 and at_rest['Spine'][1] > 0.1
    assert [path.name for path in tmp_path.iterdir()] == ['person.bvh']


def test_a_known_world_has_z_up(make_track, fixed_length_poses, write_and_read):
    track = make_track(frames=4)
    rotation = Rotation.from_euler('xyz', [-70, 15, 8], degrees=True).as_matrix()
    camera = dict(R=rotation, T=np.array([[0.5], [-4.0], [1.5]]))
    positions, _, _ = write_and_read(track, camera=camera)
    points = fixed_length_poses(track.keypoints_3d) + track.root[:, None]
    world = np.einsum('ij,tkj->tki', rotation, points) + [0.5, -4.0, 1.5]
    np.testing.assert_allclose(positions, np.stack([world[..., 0], world[..., 2], -world[..., 1]], axis=-1), atol=1e-5)


@pytest.mark.parametrize(
    ('change', 'times', 'message'),
    [
        (dict(), 25.0, 'expected the ascending times of all frames of the video, seconds, got 25.0'),
        (dict(), np.arange(5), 'person 0: expected ascending times of all frames, the last of which is 5, got 5'),
        (dict(root=np.full((3, 3), np.nan)), TIMES, 'person 0: the root is not finite in frame 0'),
        (dict(keypoints_3d=np.zeros((3, 17, 3))), TIMES, 'right_hip and root coincide in frame 0: a bone without le'),
        (dict(keypoints_3d=np.ones((3, 24, 3))), TIMES, r'expected poses \(T, 17, 3\) .* got \(3, 24, 3\)'),
        (dict(keypoints_3d=np.full((3, 17, 3), np.nan)), TIMES, 'expected finite poses, got .* in frame 0, root'),
    ],
)
def test_poses_without_rotations_are_refused_and_nothing_is_written(make_track, tmp_path, change, times, message):
    with pytest.raises(InputError, match=message):
        write_bvh(make_track(frames=3, **change), H36M, tmp_path / 'person.bvh', times)
    assert list(tmp_path.iterdir()) == []


def test_the_file_of_human36m_does_not_change(make_track, tmp_path):
    """The file of an unusual person equals the stored one."""
    joints = standing_pose(H36M) + 0.05 * np.sin(np.arange(3 * 17 * 3).reshape(3, 17, 3) ** 2)
    root = np.array([[0.1, 0.2, 4.0], [0.2, 0.2, 4.1], [0.3, 0.1, 4.2]])
    track = make_track(frames=3, keypoints_3d=joints - joints[:, :1], root=root)
    write_bvh(track, H36M, tmp_path / 'person.bvh', TIMES)
    files = tmp_path / 'person.bvh', Path(__file__).with_name('human36m.bvh')
    written, expected = (file.read_text().replace('-0.000000', '0.000000') for file in files)  # the sign of 0 may vary
    assert written == expected


@pytest.fixture(params=SKELETONS)
def skeleton(request):
    return SKELETONS[request.param]


@pytest.fixture
def moving(skeleton):
    """Poses (150, K, 3), metres: bones of both sides have one length and rotate; those of one joint rotate together."""
    rng = np.random.default_rng(0)
    time, flip = np.linspace(0, 3, 150)[:, None], np.array(skeleton.flip_indices)
    sizes = rng.uniform(0.05, 0.2, skeleton.num_joints)
    joints, turned = np.zeros((150, skeleton.num_joints, 3)), {-1: Rotation.identity(150)}
    for joint in skeleton.from_root:
        parent = skeleton.parents[joint]
        if parent >= 0:
            bone = rng.normal(size=3)
            bone *= (sizes + sizes[flip])[[joint, parent]].sum() / np.linalg.norm(bone)
            joints[:, joint] = joints[:, parent] + turned[parent].apply(bone)
        turn = Rotation.from_rotvec(0.7 * np.sin(time * rng.uniform(0.5, 2, 3) + rng.uniform(0, 6, 3)))
        turned[joint] = turned[parent] * turn
    return joints


@pytest.fixture
def write_and_read_any(skeleton, make_track, tmp_path):
    """A function that writes poses and reads the joints' positions (T, K, 3), channels and offsets."""

    def write_and_read_any(joints):
        track = make_track(frames=len(joints), keypoints_3d=joints)
        write_bvh(track, skeleton, tmp_path / 'person.bvh', np.arange(track.frames[-1] + 1) / 50)
        positions, channels, _, offsets = read_bvh(tmp_path / 'person.bvh')
        names = [name.replace(' ', '_') for name in skeleton.joint_names]
        places = [name if name in positions else f'{names[skeleton.parents[i]]} End' for i, name in enumerate(names)]
        assert set(positions) <= {*places, *(f'{name} End' for name in places)}
        root = in_bvh_axes(track.root[:, None])
        return np.stack([positions[place] for place in places], axis=1) - root, channels, offsets

    return write_and_read_any


def test_any_skeleton_moves_as_its_poses(moving, write_and_read_any):
    positions, channels, _ = write_and_read_any(moving)
    np.testing.assert_allclose(positions, in_bvh_axes(moving), rtol=0, atol=1e-5)
    assert np.abs(np.diff(channels[:, 3:], axis=0)).max() < 30
    np.testing.assert_allclose(write_and_read_any(moving[:1])[0], in_bvh_axes(moving[:1]), rtol=0, atol=1e-5)


def test_bones_of_any_skeleton_keep_their_length_and_single_ones_their_direction(skeleton, moving, write_and_read_any):
    noise = np.random.default_rng(1).normal(0, 0.01, moving.shape)
    noise[:, skeleton.root] = 0
    positions, _, _ = write_and_read_any(moving + noise)
    assert np.linalg.norm(positions - in_bvh_axes(moving), axis=-1).mean() < 0.03
    for parent, joint in skeleton.bones:
        found, given = (poses[:, joint] - poses[:, parent] for poses in (positions, in_bvh_axes(moving + noise)))
        pairs = [(parent, joint), (skeleton.flip_indices[parent], skeleton.flip_indices[joint])]
        length = np.median([np.linalg.norm((moving + noise)[:, a] - (moving + noise)[:, b], axis=-1) for a, b in pairs])
        np.testing.assert_allclose(np.linalg.norm(found, axis=-1), length, atol=1e-5)
        if skeleton.parents.count(parent) == 1:
            np.testing.assert_allclose(found / length, given / np.linalg.norm(given, axis=-1, keepdims=True), atol=1e-3)


@pytest.mark.parametrize('skeleton', ['smpl', 'mpi_inf_3dhp', 'root at an elbow'], indirect=True)
def test_at_rest_the_person_is_upright_and_faces_the_viewer(skeleton, write_and_read_any):
    """Also a person who walks away; x is to the left of a person who faces the viewer."""
    turn = Rotation.from_euler('y', np.linspace(130, 200, 9)[:, None], degrees=True).as_matrix()
    _, _, offsets = write_and_read_any(np.einsum('tij,kj->tki', turn, standing_pose(skeleton)))
    hips, knee = offsets['left_hip'] - offsets['right_hip'], offsets['left_knee']
    assert hips[0] > 0.19 and abs(hips[2]) < 0.01, 'to the left'
    assert knee[1] < -0.39 and abs(knee[0]) < 0.02 and knee[2] > 0.07, 'below and before its hip'


def test_frames_keep_their_times_when_the_rate_changes(make_track, write_and_read):
    """50, then 10 frames a second."""
    times = np.concatenate([np.arange(30) / 50, 0.6 + np.arange(30) / 10])
    path = np.stack([0.5 * np.sin(times), 0 * times, 4 + 0.3 * times], axis=-1)
    track = make_track(frames=60, keypoints_3d=np.repeat(standing_pose(H36M)[None], 60, axis=0), root=path)
    track.frames = np.arange(60)
    positions, channels, seconds = write_and_read(track, times=times)
    assert seconds == pytest.approx(0.02) and len(channels) == 176  # 3.5 s
    np.testing.assert_allclose(positions[[29, 175], 0], in_bvh_axes(path[[29, 59]]), atol=1e-6)
    even = np.arange(176) / 50
    np.testing.assert_allclose(positions[:, 0, 0], 0.5 * np.sin(even), atol=0.001)
