"""The written file against a reader made from OpenSim's description of the format."""

import numpy as np
import pytest
from skeletons import smpl_metainfo, standing_pose

from depth_refine.export import write_trc
from depth_refine.structures.skeleton import H36M, Skeleton
from depth_refine.utils.errors import InputError


def read_trc(path):
    """The header's values, marker names, times (T,) and positions (T, K, 3)."""
    first, keys, values, labels, axes, blank, *rows = path.read_text().split('\n')
    assert first.split('\t') == ['PathFileType', '4', '(X/Y/Z)', path.name]
    header = dict(zip(keys.split('\t'), values.split('\t'), strict=True))
    assert labels.split('\t')[:2] == ['Frame#', 'Time'] and blank == '' and rows.pop() == ''
    names = labels.split()[2:]  # blanks end a name in OpenSim
    assert labels.split('\t')[2::3] == names and len(names) == int(header['NumMarkers'])
    assert axes.split() == [f'{axis}{n}' for n in range(1, len(names) + 1) for axis in 'XYZ']
    numbers = np.array([row.split('\t') for row in rows], float)
    assert numbers.shape == (int(header['NumFrames']), 2 + 3 * len(names))
    np.testing.assert_array_equal(numbers[:, 0], np.arange(len(rows)) + int(header['OrigDataStartFrame']))
    np.testing.assert_allclose(np.diff(numbers[:, 1]), 1 / float(header['DataRate']), atol=2e-6)
    return header, names, numbers[:, 1], numbers[:, 2:].reshape(len(rows), -1, 3)


def test_markers_are_the_joints(make_track, tmp_path):
    track = make_track(frames=9)  # 3 to 11
    write_trc(track, H36M, tmp_path / 'person.trc', np.arange(20) / 29.97)
    header, names, times, positions = read_trc(tmp_path / 'person.trc')
    assert tuple(names) == H36M.joint_names
    assert (header['DataRate'], header['Units'], header['OrigNumFrames']) == ('29.97', 'm', '9')
    np.testing.assert_allclose(times, np.arange(3, 12) / 29.97, atol=1e-6)
    expected = (track.keypoints_3d + track.root[:, None]) * [1, -1, -1]  # y up, z to the viewer
    np.testing.assert_allclose(positions, expected, atol=1e-6)


def test_a_known_world_and_another_skeleton(make_track, tmp_path):
    skeleton = Skeleton.from_metainfo(smpl_metainfo(), 'pelvis')
    spaced = Skeleton(tuple(n.replace('_', ' ') for n in skeleton.joint_names), skeleton.parents, skeleton.flip_indices)
    track = make_track(frames=1, keypoints_3d=standing_pose(skeleton)[None])
    camera = dict(R=np.array([[1, 0, 0], [0, 0.6, 0.8], [0, -0.8, 0.6]]), T=np.array([[0.5], [-4.0], [1.5]]))
    write_trc(track, spaced, tmp_path / 'person.trc', np.arange(4) / 25, camera)
    header, names, times, positions = read_trc(tmp_path / 'person.trc')
    assert tuple(names) == skeleton.joint_names and header['DataRate'] == '25' and times[0] == pytest.approx(0.12)
    world = (track.keypoints_3d + track.root[:, None]) @ camera['R'].T + [0.5, -4, 1.5]
    np.testing.assert_allclose(positions, world[..., [0, 2, 1]] * [1, 1, -1], atol=1e-6)


def test_uneven_times_and_gaps_become_even(make_track, tmp_path):
    """Steady motion stays steady; the root is not known."""
    times = np.cumsum(np.random.default_rng(0).uniform(0.035, 0.045, 60))
    times[20:] += 0.4
    steady = standing_pose(H36M) + times[5:55, None, None] * [0.5, 0, -1.0]
    track = make_track(frames=50, keypoints_3d=steady, root=None)
    track.frames = np.arange(5, 55)
    write_trc(track, H36M, tmp_path / 'person.trc', times)
    header, _, even, positions = read_trc(tmp_path / 'person.trc')
    assert float(header['DataRate']) == pytest.approx(25, rel=0.02) and len(even) == pytest.approx(59, abs=2)
    assert even[0] == pytest.approx(times[5], abs=1e-6) and even[-1] == pytest.approx(times[54], abs=0.02)
    at = even[:, None, None].clip(times[5], times[54]) * [0.5, 0, -1.0]
    np.testing.assert_allclose(positions, (standing_pose(H36M) + at) * [1, -1, -1], atol=1e-5)


@pytest.mark.parametrize(
    ('change', 'times', 'message'),
    [
        (dict(keypoints_3d=np.ones((3, 24, 3))), np.arange(6), r'expected poses \(T, 17, 3\) .* got \(3, 24, 3\)'),
        (dict(keypoints_3d=np.full((3, 17, 3), np.nan)), np.arange(6), 'expected finite poses'),
        (dict(root=np.full((3, 3), np.nan)), np.arange(6), 'person 0: the root is not finite in frame 0'),
        (dict(keypoints_3d=1000 * standing_pose(H36M) + np.zeros((3, 1, 1))), np.arange(6), 'metres .* divide by 1000'),
        (dict(), np.arange(5), 'person 0: expected ascending times of all frames, the last of which is 5, got 5'),
        (dict(), np.array([0, 1, 2, 3, 3, 4]), 'expected the ascending times of all frames of the video, seconds'),
    ],
)
def test_bad_input_is_refused_and_nothing_is_written(make_track, tmp_path, change, times, message):
    with pytest.raises(InputError, match=message):
        write_trc(make_track(frames=3, **change), H36M, tmp_path / 'person.trc', times)
    assert list(tmp_path.iterdir()) == []
