import json

import numpy as np
import pytest

from depth_refine.data_tools.conversion.prediction_files import read_keypoints, read_lifted, read_people
from depth_refine.utils.errors import InputError

NAME = 'S1_Walking 1.54138969'


def test_nothing_there(tmp_path):
    (tmp_path / f'{NAME}_10.json.bak').write_text('')
    (tmp_path / f'{NAME}_2_000001.json').write_text('')  # another video's
    assert read_keypoints(tmp_path, NAME) == read_lifted(tmp_path / 'absent', NAME) == {}


def test_images_of_mmpose(tmp_path):
    keypoints, scores = np.arange(10.0).reshape(5, 2), np.linspace(0, 1, 5)
    people = [dict(keypoints=(keypoints + i).tolist(), keypoint_scores=scores.tolist()) for i in range(2)]
    (tmp_path / f'{NAME}_000007.json').write_text(json.dumps(people))
    (tmp_path / f'{NAME}_000011.json').write_text('[]')
    frames = read_keypoints(tmp_path, NAME)
    assert list(frames) == [7, 11] and len(frames[11]) == 0
    np.testing.assert_array_equal(frames[7], [np.column_stack([keypoints + i, scores]) for i in range(2)])
    (tmp_path / f'{NAME}_11.json').write_text('[]')
    with pytest.raises(InputError, match=r'json has frame 11 twice'):
        read_keypoints(tmp_path, NAME)


def test_a_folder_of_openpose_on_a_mac(tmp_path):
    for number in (9, 10, 100):
        people = [dict(pose_keypoints_2d=[number, 2, 0.5])]
        (tmp_path / f'clip_{number}_keypoints.json').write_text(json.dumps(dict(people=people)))
        (tmp_path / f'._clip_{number}_keypoints.json').write_bytes(b'\0\5\x16\7')
    found, _ = read_people(tmp_path)
    assert list(found) == [9, 10, 100] and [people[0].joints[0, 0] for people in found.values()] == [9, 10, 100]


GOOD = dict(frames=np.arange(3), keypoints=np.ones((3, 5, 2)))
KEYPOINTS_WITH_NAN = np.where(np.arange(30).reshape(3, 5, 2) == 29, np.nan, 1.0)  # v of the last joint


@pytest.mark.parametrize(
    ('arrays', 'message'),
    [
        (dict(keypoints=np.ones((3, 5, 2))), "lacks 'frames': expected 'frames' and 'keypoints', and if known"),
        (GOOD | dict(keypoints=np.ones(3)), r"numbers of shape .* in 'frames', got|in 'keypoints', got float64 \(3,\)"),
        (GOOD | dict(depth=np.ones((3, 4))), r"numbers of shape \(3, 5\) in 'depth', got float64 \(3, 4\)"),
        (GOOD | dict(frames=np.ones(3)), r"whole numbers of shape \(3,\) in 'frames', got float64 \(3,\)"),
        (GOOD | dict(depth=np.array([None])), 'is not a readable npz file'),
        (
            GOOD | dict(keypoints=KEYPOINTS_WITH_NAN, scores=np.full((3, 5), 0.1)),
            r'S1_Walking 1\.54138969\.npz: in frame 2 joint 4, counted from 0, has the coordinates \[1\.0, nan\] and',
        ),
        (GOOD | dict(depth=KEYPOINTS_WITH_NAN[..., 1], scores=np.ones((3, 5))), r'joint 4, .* \[1\.0, 1\.0, nan\] and'),
        (GOOD | dict(keypoints=np.full((3, 5, 2), np.inf)), r'in frame 0 joint 0, .* \[inf, inf\] and a score above 0'),
        (GOOD | dict(frames=[1, 2, 1]), r'\.npz has the same person in frame 1 twice: expected each once'),
    ],
)
def test_other_npz_files(tmp_path, arrays, message):
    np.savez(tmp_path / f'{NAME}.npz', **arrays)
    with pytest.raises(InputError, match=message):
        read_keypoints(tmp_path, NAME)


INSTANCES = '[{"frame_id": 0, "instances": [%s]}]'


@pytest.mark.parametrize(
    ('read', 'text', 'message'),
    [
        (read_keypoints, '[' * 100_000, r'\.json is not a readable json file'),
        (read_keypoints, '{"images": []}', "another form than expected: MMPose's json, OpenPose's json, a list in COC"),
        (read_keypoints, '[{"keypoints": [1, 2, 1]}]', 'another form than expected'),
        (read_keypoints, INSTANCES % '{"keypoints": [[1, 2, 3]], "keypoint_scores": [1]}', '3 coordinates a joint'),
        (read_lifted, INSTANCES % '{"keypoints": [[1, 2]], "keypoint_scores": [1]}', 'persons of 3 coordinates a'),
        (
            read_keypoints,
            INSTANCES % '{"keypoints": [[1, NaN]], "keypoint_scores": [1]}',
            r'frame 0 joint 0, .* \[1\.0, n',
        ),
        (read_keypoints, INSTANCES % '{"keypoint_scores": [1]}', r"KeyError\('keypoints'\)"),
        (read_keypoints, INSTANCES % '[]', r'persons of 2 coordinates a joint \(AttributeError'),
        (read_keypoints, '[{"image_id": "a", "keypoints": [1, 2, 1]}]', "number at the end of image_id, got 'a'"),
        (
            read_keypoints,
            '[{"image_id": "7_v2.png", "keypoints": [1, 2, 1]}, {"image_id": "8_v2.png", "keypoints": [3, 2, 1]}]',
            'expected image_id of one video, got those of 2: 7_v..., 8_v...',
        ),
    ],
)
def test_other_json_files(tmp_path, read, text, message):
    (tmp_path / f'{NAME}.json').write_text(text)
    with pytest.raises(InputError, match=message) as error:
        read(tmp_path, NAME)
    assert NAME in str(error.value)


@pytest.mark.parametrize('key', ['keypoints', 'depth', 'world_landmarks'])
def test_without_scores_nan_says_which_joints_were_not_found(tmp_path, key):
    third = {} if key == 'keypoints' else {key: np.ones((3, 5) if key == 'depth' else (3, 5, 3))}
    arrays = GOOD | dict(keypoints=np.ones((3, 5, 2), int)) | third
    arrays[key] = arrays[key].astype(float)
    arrays[key][1, 2] = np.nan
    np.savez(tmp_path / 'p.npz', **arrays)
    people, _ = read_people(tmp_path / 'p.npz')
    scores = np.stack([people[number][0].joints[:, -1] for number in range(3)])
    assert np.argwhere(scores != 1).tolist() == [[1, 2]] and scores[1, 2] == 0


def test_frames_without_people(tmp_path):
    np.savez(tmp_path / 'p.npz', frames=np.zeros(0, int), keypoints=np.zeros((0, 5, 2)), scores=np.zeros((0, 5)))
    assert read_people(tmp_path / 'p.npz')[0] == {}
