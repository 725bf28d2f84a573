"""The written file against forward kinematics by a reader made from the format's description, not from the writer."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from depth_refine.export import write_bvh
from depth_refine.utils.errors import InputError

# where the writer puts the joints of Human3.6M: nodes by name, or the end site below one
JOINTS = [
    *('Hips', 'RightUpLeg', 'RightLeg', 'RightLeg End', 'LeftUpLeg', 'LeftLeg', 'LeftLeg End', 'Spine', 'Chest'),
    *('Head', 'Head End', 'LeftArm', 'LeftForeArm', 'LeftForeArm End', 'RightArm', 'RightForeArm', 'RightForeArm End'),
]


def read_bvh(path):
    """Positions (T, 17, 3) by forward kinematics, the channels (T, C) and the seconds of a frame."""
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
    return np.stack([positions[joint] for joint in JOINTS], axis=1), motion, seconds


def in_bvh_axes(points):
    """Camera x right, y down, z forward to x right, y up, z backward."""
    return np.stack([points[..., 0], -points[..., 1], -points[..., 2]], axis=-1)


@pytest.fixture
def write_and_read(tmp_path):
    """A function that writes a track and reads it: positions, channels and the seconds of a frame."""

    def write_and_read(track, fps=50, camera=None):
        write_bvh(track, tmp_path / 'person.bvh', fps, camera)
        return read_bvh(tmp_path / 'person.bvh')

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
    write_bvh(track, tmp_path / 'person.bvh', 25)
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
    ('change', 'fps', 'message'),
    [
        (dict(), 0.0, 'expected a frame rate above 0, got 0.0'),
        (dict(root=np.full((3, 3), np.nan)), 50, 'person 0: the root is not finite in frame 0'),
        (dict(keypoints_3d=np.zeros((3, 17, 3))), 50, 'right_hip and root coincide in frame 0: a bone without length'),
        (dict(keypoints_3d=np.full((3, 17, 3), np.nan)), 50, 'expected finite poses, got .* in frame 0, root'),
    ],
)
def test_what_has_no_rotations_is_refused_and_nothing_is_written(make_track, tmp_path, change, fps, message):
    with pytest.raises(InputError, match=message):
        write_bvh(make_track(frames=3, **change), tmp_path / 'person.bvh', fps)
    assert list(tmp_path.iterdir()) == []
