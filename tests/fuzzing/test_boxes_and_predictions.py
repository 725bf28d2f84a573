"""Person boxes and predictions of other estimators."""

import csv
import io
from types import SimpleNamespace

import numpy as np
import pytest

from depth_refine.data_tools.conversion.prediction_files import read_keypoints, read_lifted
from depth_refine.inference.person_boxes import BoxFile

BOXES = [
    dict(frame=frame, bbox=[10.0 + frame, 5.5, 60.0, 70.25], track_id=track) for frame in range(4) for track in range(2)
]
VIDEO = 'S1_Walking_1.54138969'
RNG = np.random.default_rng(0)
KEYPOINTS, SCORES = RNG.uniform(0, 900, (3, 17, 2)), RNG.uniform(0, 1, (3, 17))
NPZ = dict(frames=np.array([1, 2, 3]), keypoints=KEYPOINTS, scores=SCORES, depth=RNG.normal(size=(3, 17)))
MMPOSE = [
    dict(frame_id=i, instances=[dict(keypoints=KEYPOINTS[i].tolist(), keypoint_scores=SCORES[i].tolist())])
    for i in range(3)
]
COCO = [
    dict(image_id=f'frame_{i}.jpg', category_id=1, score=0.9)
    | dict(keypoints=np.column_stack([KEYPOINTS[i], SCORES[i]]).ravel().tolist())
    for i in range(3)
]
DEMO = dict(instance_info=MMPOSE, meta_info=dict(num_keypoints=17))


def csv_bytes(content):
    if not isinstance(content, list) or not all(isinstance(row, dict) for row in content):
        return b'frame,x1,y1,x2,y2\n'
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(['frame', 'x1', 'y1', 'x2', 'y2', 'track_id'])
    for row in content:
        box = row.get('bbox') if isinstance(row.get('bbox'), list) else []
        writer.writerow(str(item) for item in [row.get('frame'), *box, row.get('track_id')])
    return file.getvalue().encode('ascii', 'replace')


def check_boxes(_, boxes):
    """Sorted, sound, each person once a frame."""
    everything = [boxes(SimpleNamespace(index=frame)) for frame in np.unique(boxes.frames)]
    assert sum(len(found.bboxes) for found in everything) == len(boxes.frames) > 0
    for found in everything:
        assert np.isfinite(found.bboxes).all() and (found.bboxes[:, :2] < found.bboxes[:, 2:]).all()
        if found.track_ids is not None:
            assert len(set(found.track_ids)) == len(found.track_ids) and (found.track_ids >= 0).all()
    assert (boxes.frames >= 0).all() and (np.diff(boxes.frames) >= 0).all()


def check_box_rows(rows, boxes):
    """The boxes are the file's."""
    check_boxes(rows, boxes)
    expected = sorted((float(row['frame']), np.float32(row['bbox']).tolist()) for row in rows)
    frames = np.unique(boxes.frames)
    assert expected == sorted(
        (float(frame), box.tolist()) for frame in frames for box in boxes(SimpleNamespace(index=frame)).bboxes
    )


@pytest.mark.parametrize('suffix', ['json', 'csv', 'npz'])
def test_boxes_bytes(fuzz, tmp_path, suffix):
    columns = {key: [box[key] for box in BOXES] for key in ('frame', 'bbox', 'track_id')}
    content = dict(json=fuzz.json(BOXES), csv=csv_bytes(BOXES), npz=fuzz.npz(columns))[suffix]
    fuzz.bytes(tmp_path / f'boxes.{suffix}', content, BoxFile, check_boxes)


def test_boxes_tree(fuzz, tmp_path):
    fuzz.tree(tmp_path / 'boxes.json', BOXES, fuzz.json, BoxFile, check_box_rows)
    fuzz.tree(tmp_path / 'boxes.csv', BOXES, csv_bytes, BoxFile, check_boxes)


def check_frames(_, frames):
    """Persons of each frame, as they are used: a score, and numbers where there is one."""
    for number, persons in frames.items():
        assert isinstance(number, int) and persons.ndim == 3 and persons.dtype.kind == 'f'


def check_content(content, frames):
    """No frame is lost, and the joints are the file's."""
    check_frames(content, frames)
    items = content['instance_info'] if isinstance(content, dict) else content
    if all('instances' in item for item in items):
        assert list(frames) == [item['frame_id'] for item in items]
        for item in items:
            for person, joints in zip(item['instances'], frames[item['frame_id']], strict=True):
                np.testing.assert_array_equal(joints, np.column_stack([person['keypoints'], person['keypoint_scores']]))
    else:
        assert sum(map(len, frames.values())) == len(items)


def check_npz(case, frames):
    assert list(frames) == case['frames'].tolist()
    for index, persons in enumerate(frames.values()):
        np.testing.assert_array_equal(persons[0, :, :2], case['keypoints'][index])
        np.testing.assert_array_equal(persons[0, :, -1], case['scores'][index] if 'scores' in case else 1)
        if 'depth' in case:
            np.testing.assert_array_equal(persons[0, :, 2], case['depth'][index])


def read_video(path):
    return read_keypoints(path.parent, VIDEO)


def test_npz(fuzz, tmp_path):
    fuzz.tree(tmp_path / f'{VIDEO}.npz', NPZ, fuzz.npz, read_video, check_npz)

    def judge(_, frames):
        assert list(frames) == [1, 2, 3]
        np.testing.assert_array_equal(np.stack(list(frames.values()))[:, 0, :, :2], KEYPOINTS)

    fuzz.bytes(tmp_path / f'{VIDEO}.npz', fuzz.npz(NPZ), read_video, judge)


@pytest.mark.parametrize('content', [MMPOSE, COCO, DEMO], ids=['mmpose', 'coco', 'demo'])
def test_json_tree(fuzz, tmp_path, content):
    fuzz.tree(tmp_path / f'{VIDEO}.json', content, fuzz.json, read_video, check_content)


def test_lifted_json_bytes(fuzz, tmp_path):
    persons = [dict(keypoints=RNG.normal(size=(17, 3)).tolist(), keypoint_scores=SCORES[i].tolist()) for i in range(3)]
    content = fuzz.json([dict(frame_id=i, instances=[person]) for i, person in enumerate(persons)])
    fuzz.bytes(tmp_path / f'{VIDEO}.json', content, lambda path: read_lifted(path.parent, VIDEO), check_frames)
