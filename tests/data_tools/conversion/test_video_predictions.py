import json

import numpy as np
import pytest
from mmengine.structures import InstanceData
from mmpose.structures import split_instances

from depth_refine.data_tools.conversion import Predictions, read_predictions
from depth_refine.utils.errors import InputError

RNG = np.random.default_rng(0)
KEYPOINTS, SCORES = RNG.uniform(5, 900, (4, 26, 2)), RNG.uniform(0.1, 1, (4, 26))
FRAMES, IDS = np.array([0, 0, 1, 3]), np.array([7, 2, 2, 7])  # of the four predictions
FLAT = np.concatenate([KEYPOINTS, SCORES[..., None]], axis=-1).reshape(4, -1).tolist()


def write_json(path, content):
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content, default=float))
    return path


def of_mmpose(folder, ids):
    """The json file of MMPose's inferencers for a video; frame 2 is empty."""
    frames = []
    for number in range(4):
        rows = np.flatnonzero(number == FRAMES)
        boxes = dict(bboxes=np.ones((len(rows), 4)), bbox_scores=np.ones(len(rows)))
        people = split_instances(InstanceData(keypoints=KEYPOINTS[rows], keypoint_scores=SCORES[rows], **boxes))
        frames.append(dict(frame_id=number, instances=people))
        if ids:
            for row, person in zip(rows, people, strict=True):
                person['track_id'] = IDS[row]
    return write_json(folder / 'clip.json', frames)


def of_alphapose(folder, ids):
    """AlphaPose's json file; with tracking ``idx`` is a number, without it the detector's in a list."""

    def person(row):
        common = dict(image_id=f'{FRAMES[row]}.jpg', category_id=1, score=2.9, box=[1.5, 2.5, 30.0, 60.0])
        return common | dict(keypoints=FLAT[row], idx=IDS[row] if ids else [[0.0], [0.0]])

    return write_json(folder / 'alphapose-results.json', [person(row) for row in (3, 0, 1, 2)])


def of_openpose(folder, ids):
    for number in range(4):
        people = [
            dict(person_id=[IDS[row] if ids else -1], pose_keypoints_2d=FLAT[row], face_keypoints_2d=[])
            for row in np.flatnonzero(number == FRAMES)
        ]
        people.append(dict(person_id=[-1], pose_keypoints_2d=[], face_keypoints_2d=[9.0, 9.0, 1.0]))
        write_json(folder / 'json' / f'clip_{number:012d}_keypoints.json', dict(version=1.3, people=people))
    return folder / 'json'


def of_coco(folder, ids):
    people = [
        dict(image_id=int(FRAMES[row]), category_id=1, score=0.5, keypoints=FLAT[row])
        | (dict(track_id=float(IDS[row])) if ids else {})
        for row in range(4)
    ]
    return write_json(folder / 'coco.json', people)


def of_images(folder, ids):
    for number in range(4):
        people = [
            dict(keypoints=KEYPOINTS[row].tolist(), keypoint_scores=SCORES[row].tolist())
            | (dict(track_id=int(IDS[row])) if ids else {})
            for row in np.flatnonzero(number == FRAMES)
        ]
        write_json(folder / 'images' / f'{number:06d}.json', people)
    return folder / 'images'


def of_npz(folder, ids):
    order = [2, 0, 3, 1] if ids else [3, 0, 1, 2]
    arrays = dict(frames=FRAMES, keypoints=KEYPOINTS, scores=SCORES) | (dict(track_id=IDS) if ids else {})
    np.savez(folder / 'clip.npz', **{key: values[order] for key, values in arrays.items()})
    return folder / 'clip.npz'


@pytest.mark.parametrize('ids', [True, False])
@pytest.mark.parametrize('write', [of_mmpose, of_alphapose, of_openpose, of_coco, of_images, of_npz])
def test_every_format(tmp_path, write, ids):
    found = read_predictions([write(tmp_path, ids)], 'halpe26', first_frame=0)
    np.testing.assert_array_equal(found.frames, FRAMES)
    assert found.depth is found.world_landmarks is found.depth_unit is None and found.joint_order == 'halpe26'
    order = [0, 1, 2, 3]
    if ids:
        np.testing.assert_array_equal(np.sort(found.track_ids), np.sort(IDS))
        where = list(zip(FRAMES, IDS, strict=True))
        order = [where.index(each) for each in zip(FRAMES, found.track_ids, strict=True)]
    else:
        assert found.track_ids is None
    np.testing.assert_array_equal(found.keypoints, KEYPOINTS[order])
    np.testing.assert_array_equal(found.scores, SCORES[order])


@pytest.mark.parametrize('name', ['id', ' track_id', 'Track_ID', 'trackId', 'Person id', 'track_ids'])
def test_ids_under_other_names(tmp_path, name):
    """A note names other keys that are not read."""
    people = [
        {'image_id': f'{FRAMES[row]:06}.jpg', 'keypoints': FLAT[row], name: int(IDS[row]), 'Score': 1}
        for row in range(4)
    ]
    found = read_predictions([write_json(tmp_path / 'clip.json', people)], 'halpe26')
    assert found.track_ids.tolist() == IDS.tolist() and found.frames.tolist() == FRAMES.tolist() and found.notes == []
    arrays = {'frame': FRAMES, 'Keypoints': KEYPOINTS, 'score': SCORES, name: IDS, 'names': np.array(['a']), 'pid': IDS}
    np.savez(tmp_path / 'clip.npz', **arrays)
    found = read_predictions([tmp_path / 'clip.npz'], 'halpe26')
    np.testing.assert_array_equal(found.track_ids, IDS)
    np.testing.assert_array_equal(found.scores, SCORES)
    assert found.notes == ["Not read of clip.npz: 'names', 'pid'."]
    people[2]['who'] = 3
    found = read_predictions([write_json(tmp_path / 'clip.json', people)], 'halpe26')
    assert found.notes == ["Not read of clip.json: 'who'."]


def test_annotation_numbers_are_not_track_ids(tmp_path):
    """In COCO's annotations ``id`` counts annotations, and flags 0, 1 and 2 say which joints are labelled."""
    flat = np.array(FLAT).reshape(4, 26, 3)
    flat[..., 2] = [0, 1, 2] * 8 + [2, 1]
    flat[flat[..., 2] == 0] = 0
    people = [
        dict(id=900 + row, image_id=float(FRAMES[row]), category_id=1, keypoints=flat[row].ravel().tolist(), iscrowd=0)
        for row in range(4)
    ]
    found = read_predictions([write_json(tmp_path / 'clip.json', people)], 'halpe26')
    assert found.track_ids is None and found.frames.tolist() == FRAMES.tolist()
    assert found.notes == [
        'Every prediction has another track id, so ids do not number people: people are tracked instead.'
    ]
    np.testing.assert_array_equal(found.found, flat[..., 2] > 0)
    np.savez(tmp_path / 'clip.npz', frames=FRAMES, keypoints=KEYPOINTS, track_id=np.full(4, -1))
    assert read_predictions([tmp_path / 'clip.npz'], 'halpe26').track_ids is None


def test_a_byte_order_mark_and_hidden_files(tmp_path):
    folder = of_images(tmp_path, ids=False)
    for path in list(folder.iterdir()):
        (folder / f'._{path.name}').write_bytes(b'\0\5\26\7')  # macOS leaves such files
        path.write_text('\ufeff' + path.read_text(), encoding='utf-8')
    np.testing.assert_array_equal(read_predictions([folder], 'halpe26').keypoints, KEYPOINTS)


@pytest.mark.parametrize('key', ['depth', 'world_landmarks'])
def test_npz_with_depths(tmp_path, key):
    third = RNG.normal(size=(4, 33) if key == 'depth' else (4, 33, 3))
    keypoints = RNG.uniform(5, 900, (4, 33, 2))
    np.savez(tmp_path / 'a.npz', frames=np.arange(4), keypoints=keypoints, **{key: third})
    found = read_predictions([tmp_path / 'a.npz'], 'mediapipe', 1, 'mm')
    np.testing.assert_array_equal(getattr(found, key), third)
    np.testing.assert_array_equal(found.keypoints, keypoints)
    assert (found.first_frame, found.depth_unit) == (1, 'mm') and (found.scores == 1).all()
    with pytest.raises(InputError, match='there are depths, and no unit: expected --depth-unit, one of m, cm, mm'):
        read_predictions([tmp_path / 'a.npz'], 'mediapipe', 1)
    both = dict(depth=keypoints[..., 0], world_landmarks=np.ones((4, 33, 3)))
    np.savez(tmp_path / 'b.npz', frames=np.arange(4), keypoints=keypoints, **both)
    with pytest.raises(InputError, match=r"b\.npz has both 'depth' and 'world_landmarks': expected one of them"):
        read_predictions([tmp_path / 'b.npz'], 'mediapipe', 1, 'mm')


def test_depths_from_a_3d_file_beside(tmp_path):
    """Lifting demos write (-x, z, -y) of camera axes; frame 2 is missing."""
    keypoints, poses = RNG.uniform(5, 900, (4, 17, 2)), RNG.normal(size=(4, 17, 3))
    turned = np.stack([-poses[..., 0], poses[..., 2], -poses[..., 1]], axis=-1)
    np.savez(tmp_path / '2d.npz', frames=np.arange(1, 5), keypoints=keypoints)

    def instances(row):
        return [dict(keypoints=turned[row].tolist(), keypoint_scores=[1.0] * 17)]

    frames = [dict(frame_id=1 + row, instances=[] if row == 2 else instances(row)) for row in range(4)]
    files = [tmp_path / '2d.npz', write_json(tmp_path / '3d.json', dict(instance_info=frames))]
    found = read_predictions(files, 'coco', 1, 'm')
    assert found.joint_order == 'h36m'
    np.testing.assert_allclose(found.depth[[0, 1, 3]], poses[[0, 1, 3], :, 2])
    assert np.isnan(found.depth[2]).all()
    np.testing.assert_array_equal(found.keypoints[:, 9], keypoints[:, 0])  # the nose
    with pytest.raises(InputError, match=r'3d\.json has another form .*3 coordinates a joint; 3D poses belong beside'):
        read_predictions(files[1:], 'h36m', 1, 'm')
    with pytest.raises(InputError, match=r'expected one file of predictions, or a second one .* got 3'):
        read_predictions([*files, 'more.json'], 'coco', 1, 'm')
    write_json(files[1], frames[:1])
    with pytest.raises(InputError, match=r'3d\.json has 3D poses of 1 of the 4 frames of .*2d\.npz: expected'):
        read_predictions(files, 'coco', 1, 'm')
    frames[1]['instances'] = instances(0) + instances(1)
    write_json(files[1], frames)
    with pytest.raises(InputError, match=r'several persons in frame 2\. The 3D file does not say where in the image'):
        read_predictions(files, 'coco', 1, 'm')
    np.savez(files[0], frames=np.arange(1, 5), keypoints=keypoints, depth=poses[..., 2])
    with pytest.raises(InputError, match=r'2d\.npz has depths, and so has .*3d\.json: give one of the two'):
        read_predictions(files, 'coco', 1, 'm')


PEOPLE = [dict(image_id=number, keypoints=[9.0, 8.0, 1.0] * 17, track_id=number) for number in range(3)]


@pytest.mark.parametrize(
    ('content', 'order', 'message'),
    [
        ([], 'coco', r'clip\.json has no predictions, or none with a score above 0'),
        ([PEOPLE[0] | dict(keypoints=[0.0] * 51)], 'coco', 'has no predictions, or none with a score'),
        (PEOPLE, 'body_25', r"clip\.json: expected 25 joints in the order 'body_25', got 17\. Name the right"),
        (PEOPLE, 'smpl', r"unknown joint order 'smpl': expected one of h36m"),
        ([*PEOPLE, PEOPLE[0] | dict(keypoints=[9.0, 8.0, 1.0] * 16)], 'coco', 'another form .*different numbers'),
        ([*PEOPLE, dict(image_id=9, keypoints=[9.0, 8.0, 1.0] * 16)], 'coco', r'every frame, got \[16, 17\]'),
        ([*PEOPLE, dict(image_id=9, keypoints=PEOPLE[0]['keypoints'])], 'coco', 'in frame 9 has no track id, and'),
        ([PEOPLE[0] | dict(track_id=1.5)], 'coco', r"another form .*ValueError\('the track id 1.5'\)"),
        ([PEOPLE[0] | dict(track_id=float('inf'))], 'coco', 'another form .*OverflowError'),
        ([PEOPLE[1], PEOPLE[1]], 'coco', r'clip\.json has the same person in frame 1 twice'),
        (
            [PEOPLE[1], PEOPLE[1] | dict(keypoints=[7.0, 8.0, 1.0] * 17)],
            'coco',
            r'clip\.json: 2 people in frame 1 have the track id 1: expected one\. Keep one of them, or leave',
        ),
        ([PEOPLE[0] | dict(keypoints=[0.9, 0.8, 1.0] * 17)], 'coco', 'a joint reaches 0.9, expected 2 .*normalised'),
        (
            [PEOPLE[0] | dict(keypoints=[9.0, 8.0, -4.5] * 9 + [9.0, 8.0, 3.0] * 8)],
            'coco',
            r'scores reach -4\.5, .*logi',
        ),
        ([PEOPLE[0] | dict(image_id=-1)], 'coco', 'expected a frame number at the end of image_id, got -1'),
        (
            [dict(PEOPLE[0], image_id=f'{name}_1.jpg') for name in 'ab'],
            'coco',
            r'expected image_id of one video, got those of 2: a_\.\.\., b_\.\.\.',
        ),
    ],
)
def test_other_files(tmp_path, content, order, message):
    path = write_json(tmp_path / 'clip.json', content)
    with pytest.raises(InputError, match=message):
        read_predictions([path], order)


def test_other_paths(tmp_path):
    with pytest.raises(InputError, match=r'no predictions .*absent\.json: give a npz or json file, or a folder'):
        read_predictions([tmp_path / 'absent.json'], 'coco')
    with pytest.raises(InputError, match='for each image of one video, whose names end in frame numbers, got none'):
        read_predictions([tmp_path], 'coco')
    for name in ('a_0.json', 'b_0.json'):
        write_json(tmp_path / name, [])
    with pytest.raises(InputError, match=r'got those of 2 videos: a_\.\.\., b_\.\.\.'):
        read_predictions([tmp_path], 'coco')


def test_arrays_are_sorted_by_frames():
    given = Predictions(KEYPOINTS, np.array([3, 0, 1, 0], np.uint8), 'halpe26', track_ids=IDS)
    np.testing.assert_array_equal(given.frames, FRAMES)
    np.testing.assert_array_equal(given.track_ids, IDS[[1, 3, 2, 0]])
    np.testing.assert_array_equal(given.keypoints, KEYPOINTS[[1, 3, 2, 0]])
    assert given.found.all()


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (dict(frames=FRAMES[:3]), r'expected whole numbers from 0 of shape \(4,\) as frames, got int64 \(3,\)'),
        (dict(frames=FRAMES - 1), 'expected whole numbers from 0 .* as frames'),
        (dict(frames=FRAMES / 2), 'as frames, got float64'),
        (dict(keypoints=np.ones((4, 26))), r'numbers of shape \(4, 26, 2\) as keypoints, got float64 \(4, 26\)'),
        (dict(keypoints=np.ones((4, 26, 3))), r'shape \(4, 26, 2\) as keypoints, got float64 \(4, 26, 3\)'),
        (dict(scores=np.ones(4)), r'shape \(4, 26\) as scores'),
        (dict(track_ids=IDS - 3), 'as track_ids'),
        (dict(scores=np.full((4, 26), np.nan)), 'not one joint has a score above 0 and coordinates'),
        (dict(keypoints=KEYPOINTS * np.inf), 'keypoints has infinite numbers. Expected finite ones, or NaN'),
        (
            dict(depth=SCORES, depth_unit='inch'),
            "there are depths, and the unit 'inch': expected --depth-unit, one of m, cm, mm",
        ),
        (dict(depth_unit='m'), 'there are no depths, but a unit of depths is given'),
        (dict(depth=SCORES, world_landmarks=np.ones((4, 26, 3))), 'got depth and world_landmarks, expected one'),
        (dict(keypoints=KEYPOINTS / 900), 'normalised coordinates: multiply by the image size'),
    ],
)
def test_arrays_that_do_not_fit(change, message):
    with pytest.raises(InputError, match=f'^predictions: .*{message}'):
        Predictions(**dict(keypoints=KEYPOINTS, frames=FRAMES, joint_order='halpe26') | change)


def test_joints_that_were_not_found():
    keypoints, scores, depth = KEYPOINTS.copy(), SCORES.copy(), SCORES.copy()
    keypoints[0, 1, 0] = scores[1, 2] = depth[2, 3] = np.nan
    scores[3, 4] = 0
    found = Predictions(keypoints, FRAMES, 'halpe26', scores, depth, depth_unit='m').found
    assert np.argwhere(~found).tolist() == [[0, 1], [1, 2], [2, 3], [3, 4]]


@pytest.mark.parametrize(
    ('other', 'note'),
    [
        (dict(score=0.02), "Predictions of people whose 'score' is below 0.3, left out: 3."),
        (
            dict(score=0.9, category_id=17),
            "Predictions of other classes than person, by 'category_id', left out: 17 (3).",
        ),
    ],
)
def test_low_scores_and_other_classes_are_left_out(tmp_path, other, note):
    """Every frame has a second pose that is not of a person."""
    sure, more = dict(score=0.8, category_id=1), dict(category_id=1) | other
    people = [
        dict(image_id=frame, keypoints=[frame + shift, 2, 0.5] * 17, **kind)
        for frame in range(3)
        for shift, kind in ((1, sure), (300, more))
    ]
    found = read_predictions([write_json(tmp_path / 'clip.json', people)], 'coco')
    assert found.frames.tolist() == [0, 1, 2] and found.keypoints[:, 0, 0].tolist() == [1, 2, 3]
    assert found.notes == [note]


@pytest.mark.parametrize(
    ('kind', 'note'),
    [
        (dict(score=0.1), "'score' is below 0.3 everywhere: nothing is left out by it."),
        (dict(score=2.9), "'score' is 2.9 to 2.9, not 0 to 1: nothing is left out by it."),
        (dict(category_id=0), "'category_id' is 0 everywhere, and COCO's persons are 1: nothing is left out by it."),
    ],
)
def test_scores_and_classes_that_would_leave_out_everybody(tmp_path, kind, note):
    people = [dict(image_id=frame, keypoints=[frame + 9, 2, 0.5] * 17, **kind) for frame in range(3)]
    found = read_predictions([write_json(tmp_path / 'clip.json', people)], 'coco')
    assert found.frames.tolist() == [0, 1, 2] and found.notes == [note]


def test_a_class_that_nobody_has(tmp_path):
    people = [dict(image_id=frame, keypoints=[9, 2, 0.5] * 17, category_id=3 * frame) for frame in range(2)]
    path = write_json(tmp_path / 'clip.json', people)
    with pytest.raises(InputError, match=r"clip\.json: no 'category_id' is 'person' or COCO's 1, but 0 \(1\), 3 \(1\)"):
        read_predictions([path], 'coco')


def test_nan_in_a_file_without_scores(tmp_path):
    keypoints = KEYPOINTS.copy()
    keypoints[2, 5], keypoints[3] = np.nan, np.nan  # a joint, and everything of a person
    np.savez(tmp_path / 'clip.npz', frames=FRAMES, keypoints=keypoints)
    found = read_predictions([tmp_path / 'clip.npz'], 'halpe26')
    assert found.frames.tolist() == [0, 0, 1] and np.argwhere(~found.found).tolist() == [[2, 5]]
    np.savez(tmp_path / 'clip.npz', frames=FRAMES, keypoints=keypoints * np.nan)
    with pytest.raises(InputError, match='has no predictions, or none with a score above 0 and coordinates'):
        read_predictions([tmp_path / 'clip.npz'], 'halpe26')
