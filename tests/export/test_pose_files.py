import csv
import json
import tracemalloc

import numpy as np
import pytest

from depth_refine.export import write_csv, write_json, write_npz
from depth_refine.structures.skeleton import H36M, Skeleton
from depth_refine.structures.video_poses import VideoPoses
from depth_refine.utils.errors import InputError

PER_TRACK = dict(
    frame='frames',
    is_interpolated='is_interpolated',
    bbox_px='bboxes',
    score='scores',
    keypoints_px='keypoints',
    depth_first_stage_m='depth',
    depth_std_m='depth_std',
    root_relative_first_stage_m='keypoints_3d_first',
    root_relative_m='keypoints_3d',
)


@pytest.fixture
def as_npz(poses, tmp_path):
    def as_npz():
        write_npz(poses, tmp_path / 'out' / 'poses.npz')
        with np.load(tmp_path / 'out' / 'poses.npz', allow_pickle=False) as data:
            return dict(data)

    return as_npz


def test_npz_keeps_everything(poses, as_npz):
    data = as_npz()
    assert data['track_id'].tolist() == [2] * 7 + [5] * 4
    for track in poses.tracks:
        chosen = data['track_id'] == track.track_id
        for key, name in PER_TRACK.items():
            np.testing.assert_array_equal(data[key][chosen], getattr(track, name), err_msg=key)
        np.testing.assert_array_equal(data['time_s'][chosen], poses.times[track.frames])
    points = poses.tracks[0].keypoints_3d + poses.tracks[0].root[:, None]
    world = [[poses.camera['R'] @ joint + poses.camera['T'][:, 0] for joint in frame] for frame in points]
    np.testing.assert_allclose(data['camera_m'][:7], points)
    np.testing.assert_allclose(data['world_m'][:7], world)
    assert np.isnan(data['camera_m'][7:]).all() and np.isnan(data['world_m'][7:]).all()

    assert data['notes'].tolist() == poses.notes and data['video'] == 'walk.mp4'
    assert data['camera_source'] == 'given' and data['format_version'] == 1
    assert data['image_size_px'].tolist() == [1000, 762] and data['fps'] == poses.fps
    assert data['joint_names'].tolist() == list(H36M.joint_names) and data['joint_parents'][16] == 15
    assert data['camera_focal_px'].tolist() == [1145, 1093] and data['camera_T_m'].tolist() == [0.5, -4, 1.5]
    np.testing.assert_array_equal(data['camera_R'], poses.camera['R'])
    assert 'root_relative_truth_m' not in data


def test_json_says_the_same(poses, as_npz, tmp_path):
    poses.tracks[1].truth = poses.tracks[1].keypoints_3d + 0.125
    expected = as_npz()
    write_json(poses, tmp_path / 'poses.json')
    content = json.loads((tmp_path / 'poses.json').read_text())
    tracks = content.pop('tracks')
    assert [track['track_id'] for track in tracks] == [2, 5]
    assert content.keys() | tracks[0].keys() == expected.keys() and tracks[0].keys() == tracks[1].keys()
    for key, value in content.items():
        assert value == expected[key].tolist(), key
    for track in tracks:
        chosen = expected['track_id'] == track.pop('track_id')
        for key, value in track.items():
            np.testing.assert_allclose(np.array(value, float), expected[key][chosen], atol=1e-6, err_msg=key)
    assert tracks[1]['world_m'][0][0] == [None] * 3 and tracks[0]['root_relative_truth_m'][6][16] == [None] * 3


def test_csv_says_the_same(poses, as_npz, tmp_path):
    expected = as_npz()
    write_csv(poses, tmp_path / 'poses.csv')
    lines = (tmp_path / 'poses.csv').read_text().splitlines()
    comments = dict(line[2:].split(': ', 1) for line in lines if line.startswith('# '))
    assert json.loads(comments['notes']) == poses.notes and json.loads(comments['camera_source']) == 'given'
    rows = list(csv.DictReader(line for line in lines if not line.startswith('#')))
    assert [row['joint'] for row in rows] == list(H36M.joint_names) * 11
    assert [row['is_interpolated'] for row in rows[::17]] == [str(value) for value in expected['is_interpolated']]
    for key in ('track_id', 'frame', 'time_s'):
        np.testing.assert_allclose([float(row[key]) for row in rows[::17]], expected[key], atol=1e-6)
    for column, values in [
        ('score', expected['score']),
        ('depth_std_m', expected['depth_std_m']),
        ('keypoints_px_v', expected['keypoints_px'][..., 1]),
        ('root_relative_m_z', expected['root_relative_m'][..., 2]),
        ('world_m_y', expected['world_m'][..., 1]),
    ]:
        read = [float(row[column] or 'nan') for row in rows]
        np.testing.assert_allclose(read, values.ravel(), atol=1e-6, err_msg=column)


def test_unknown_values_have_no_key(poses, as_npz):
    del poses.camera['R'], poses.camera['T']
    data = as_npz()
    assert 'camera_m' in data and 'camera_focal_px' in data and 'world_m' not in data and 'camera_R' not in data
    poses.camera, poses.camera_source, poses.tracks = None, '', poses.tracks[1:]
    assert not [key for key in as_npz() if key.startswith(('camera_f', 'camera_m', 'world'))]


def test_nobody_found_is_a_file_without_people(poses, as_npz, tmp_path):
    poses.tracks = []
    assert as_npz()['track_id'].shape == (0,)
    write_json(poses, tmp_path / 'out' / 'poses.json')
    write_csv(poses, tmp_path / 'out' / 'poses.csv')
    assert json.loads((tmp_path / 'out' / 'poses.json').read_text())['tracks'] == []
    assert '\ntrack_id' not in (tmp_path / 'out' / 'poses.csv').read_text()
    assert sorted(path.name for path in (tmp_path / 'out').iterdir()) == ['poses.csv', 'poses.json', 'poses.npz']


def test_another_skeleton(poses, as_npz, make_track, tmp_path):
    """It has four joints, as many as a box has numbers, and the root comes after its children."""
    skeleton = Skeleton(('l', 'r', 'hip', 'head'), (2, 2, -1, 2), (1, 0, 2, 3))
    of_joints = ('scores', 'keypoints', 'depth', 'depth_std', 'keypoints_3d_first', 'keypoints_3d')
    track = make_track(frames=4)
    for name in of_joints:
        setattr(track, name, getattr(track, name)[:, :4])
    poses.skeleton, poses.tracks = skeleton, [track]
    data = as_npz()
    assert data['joint_names'].tolist() == ['l', 'r', 'hip', 'head'] and data['joint_parents'].tolist() == [2, 2, -1, 2]
    assert data['bbox_px'].shape == (4, 4) and data['camera_m'].shape == (4, 4, 3)
    write_csv(poses, tmp_path / 'poses.csv')
    lines = (tmp_path / 'poses.csv').read_text().splitlines()
    rows = list(csv.DictReader(line for line in lines if not line.startswith('#')))
    assert [row['joint'] for row in rows] == list(skeleton.joint_names) * 4 and 'bbox_px' not in rows[0]
    np.testing.assert_allclose([float(row['score']) for row in rows], track.scores.ravel(), atol=1e-6)
    with pytest.raises(InputError, match=r'person 0 of a.mp4: scores \(4, 4\) is of 4 joints, the skeleton has 17'):
        VideoPoses('a.mp4', H36M, (9, 9), poses.times, tracks=[track])


@pytest.mark.parametrize(('write', 'name'), [(write_json, 'poses.json'), (write_csv, 'poses.csv')])
def test_text_is_written_in_parts(write, name, make_track, poses, tmp_path, monkeypatch):
    """The bytes are the same, and the memory is less than the text's size."""
    write(poses, tmp_path / 'whole' / name)
    monkeypatch.setattr('depth_refine.export.pose_files._ROWS', 3)
    write(poses, tmp_path / 'parts' / name)
    assert (tmp_path / 'whole' / name).read_bytes() == (tmp_path / 'parts' / name).read_bytes()
    monkeypatch.setattr('depth_refine.export.pose_files._ROWS', 20)
    poses.tracks, poses.times = [make_track(frames=400)], np.arange(403) / 50
    tracemalloc.start()
    write(poses, tmp_path / name)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < (tmp_path / name).stat().st_size / 2
