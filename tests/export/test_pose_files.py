import csv
import json

import numpy as np
import pytest

from depth_refine.export import write_csv, write_json, write_npz
from depth_refine.structures.skeleton import JOINT_NAMES
from depth_refine.structures.video_poses import VideoPoses

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


def world(poses, track):
    """World coordinates, one joint at a time."""
    points = track.keypoints_3d + track.root[:, None]
    camera = poses.camera
    return [[camera['R'] @ joint + camera['T'][:, 0] for joint in frame] for frame in points]


def read_npz(path):
    with np.load(path, allow_pickle=False) as data:
        return {key: data[key] for key in data.files}


def test_npz_keeps_everything(poses, tmp_path):
    write_npz(poses, tmp_path / 'out' / 'poses.npz')
    data = read_npz(tmp_path / 'out' / 'poses.npz')
    assert data['track_id'].tolist() == [2] * 7 + [5] * 4
    for track in poses.tracks:
        chosen = data['track_id'] == track.track_id
        for key, name in PER_TRACK.items():
            np.testing.assert_array_equal(data[key][chosen], getattr(track, name), err_msg=key)
        np.testing.assert_array_equal(data['time_s'][chosen], poses.times[track.frames])
    first = poses.tracks[0]
    np.testing.assert_allclose(data['camera_m'][:7], first.keypoints_3d + first.root[:, None])
    np.testing.assert_allclose(data['world_m'][:7], world(poses, first))
    assert np.isnan(data['camera_m'][7:]).all() and np.isnan(data['world_m'][7:]).all()

    assert data['notes'].tolist() == poses.notes and data['video'] == 'walk.mp4'
    assert data['camera_source'] == 'given' and data['format_version'] == 1
    assert data['image_size_px'].tolist() == [1000, 762] and data['fps'] == poses.fps
    assert data['joint_names'].tolist() == list(JOINT_NAMES) and data['joint_parents'][16] == 15
    assert data['camera_focal_px'].tolist() == [1145, 1093] and data['camera_T_m'].tolist() == [0.5, -4, 1.5]
    np.testing.assert_array_equal(data['camera_R'], poses.camera['R'])
    assert not {'root_relative_truth_m'} & data.keys()


def test_json_says_the_same(poses, tmp_path):
    poses.tracks[1].truth = poses.tracks[1].keypoints_3d + 0.125
    write_npz(poses, tmp_path / 'poses.npz')
    write_json(poses, tmp_path / 'poses.json')
    expected = read_npz(tmp_path / 'poses.npz')
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


def test_csv_says_the_same(poses, tmp_path):
    write_npz(poses, tmp_path / 'poses.npz')
    write_csv(poses, tmp_path / 'poses.csv')
    expected = read_npz(tmp_path / 'poses.npz')
    lines = (tmp_path / 'poses.csv').read_text().splitlines()
    comments = dict(line[2:].split(': ', 1) for line in lines if line.startswith('# '))
    assert json.loads(comments['notes']) == poses.notes and json.loads(comments['camera_source']) == 'given'
    rows = list(csv.DictReader(line for line in lines if not line.startswith('#')))
    assert len(rows) == 11 * 17
    for index, row in enumerate(rows):
        frame, joint = divmod(index, 17)
        assert int(row['track_id']) == expected['track_id'][frame] and int(row['frame']) == expected['frame'][frame]
        assert row['is_interpolated'] == str(expected['is_interpolated'][frame])
        assert row['joint'] == JOINT_NAMES[joint]
        assert float(row['time_s']) == pytest.approx(expected['time_s'][frame], abs=1e-6)
        for column, key, axis in [
            ('score', 'score', ()),
            ('depth_std_m', 'depth_std_m', ()),
            ('keypoints_px_v', 'keypoints_px', 1),
            ('root_relative_m_z', 'root_relative_m', 2),
            ('root_relative_first_stage_m_x', 'root_relative_first_stage_m', 0),
            ('world_m_y', 'world_m', 1),
        ]:
            value = float(row[column] or 'nan')
            assert value == pytest.approx(expected[key][frame, joint][axis], abs=1e-6, nan_ok=True), column


def test_what_is_not_known_has_no_key(poses, tmp_path):
    del poses.camera['R'], poses.camera['T']
    write_npz(poses, tmp_path / 'poses.npz')
    data = read_npz(tmp_path / 'poses.npz')
    assert 'camera_m' in data and 'camera_focal_px' in data and 'world_m' not in data and 'camera_R' not in data
    poses.camera, poses.camera_source, poses.tracks = None, '', poses.tracks[1:]
    write_npz(poses, tmp_path / 'poses.npz')
    assert not [key for key in read_npz(tmp_path / 'poses.npz') if key.startswith(('camera_f', 'camera_m', 'world'))]


@pytest.mark.parametrize(('write', 'name'), [(write_npz, 'p.npz'), (write_json, 'p.json'), (write_csv, 'p.csv')])
def test_nobody_found_is_a_file_without_people(write, name, tmp_path):
    write(VideoPoses('empty.mp4', (64, 48), np.arange(4) / 25, notes=['nobody was found']), tmp_path / name)
    text = (tmp_path / name).read_bytes()
    match name:
        case 'p.npz':
            data = read_npz(tmp_path / name)
            assert data['track_id'].shape == (0,) and data['notes'].tolist() == ['nobody was found']
        case 'p.json':
            assert json.loads(text)['tracks'] == []
        case 'p.csv':
            assert b'# notes: ["nobody was found"]' in text and b'\ntrack_id' not in text
    assert [path.name for path in tmp_path.iterdir()] == [name]
