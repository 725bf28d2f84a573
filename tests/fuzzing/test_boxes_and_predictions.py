"""Person boxes and predictions of other estimators."""

import csv
import io
import json

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


def npz_bytes(arrays):
    buffer = io.BytesIO()
    np.savez(buffer, **{key: np.asarray(array) for key, array in arrays.items()})
    return buffer.getvalue()


def person(index):
    return dict(keypoints=KEYPOINTS[index].tolist(), keypoint_scores=SCORES[index].tolist())


MMPOSE = [dict(frame_id=i, instances=[person(i)]) for i in range(3)]
COCO = [
    dict(image_id=f'frame_{i}.jpg', category_id=1, score=0.9)
    | dict(keypoints=np.column_stack([KEYPOINTS[i], SCORES[i]]).ravel().tolist())
    for i in range(3)
]
DEMO = dict(instance_info=MMPOSE, meta_info=dict(num_keypoints=17))


def text(content):
    if not isinstance(content, list) or not all(isinstance(row, dict) for row in content):
        return 'frame,x1,y1,x2,y2\n'
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(['frame', 'x1', 'y1', 'x2', 'y2', 'track_id'])
    for row in content:
        box = row.get('bbox') if isinstance(row.get('bbox'), list) else []
        writer.writerow(
            str(item).encode('ascii', 'replace').decode() for item in [row.get('frame'), *box, row.get('track_id')]
        )
    return file.getvalue()


def check_boxes(boxes):
    """Sorted, sound, each person once a frame."""
    everything = [boxes(type('Frame', (), dict(index=frame))) for frame in np.unique(boxes.frames)]
    assert sum(len(found.bboxes) for found in everything) == len(boxes.frames) > 0
    for found in everything:
        assert np.isfinite(found.bboxes).all() and (found.bboxes[:, :2] < found.bboxes[:, 2:]).all()
        if found.track_ids is not None:
            assert len(set(found.track_ids)) == len(found.track_ids) and (found.track_ids >= 0).all()
    assert (boxes.frames >= 0).all() and (np.diff(boxes.frames) >= 0).all()


def check_box_rows(rows, boxes):
    """The boxes are the file's."""
    check_boxes(boxes)
    expected = sorted((float(row['frame']), np.float32(row['bbox']).tolist()) for row in rows)
    got = sorted(
        (float(frame), box.tolist())
        for frame in np.unique(boxes.frames)
        for box in boxes(type('Frame', (), dict(index=frame))).bboxes
    )
    assert got == expected


def test_boxes_json_tree(fuzz, damaged, tmp_path):
    path = tmp_path / 'boxes.json'
    fuzz(
        damaged.tree(BOXES),
        lambda case: path.write_text(json.dumps(case)),
        lambda: BoxFile(path),
        check_box_rows,
        names=path,
    )


@pytest.mark.parametrize('suffix', ['.json', '.csv', '.npz'])
def test_boxes_bytes(fuzz, damaged, tmp_path, suffix):
    path = tmp_path / f'boxes{suffix}'
    columns = dict(frame=[b['frame'] for b in BOXES], bbox=[b['bbox'] for b in BOXES])
    content = {
        '.json': json.dumps(BOXES).encode(),
        '.csv': text(BOXES).encode(),
        '.npz': npz_bytes(columns | dict(track_id=[b['track_id'] for b in BOXES])),
    }
    fuzz(
        damaged.bytes(content[suffix]),
        path.write_bytes,
        lambda: BoxFile(path),
        lambda _, boxes: check_boxes(boxes),
        names=path,
    )


def test_boxes_csv_tree(fuzz, damaged, tmp_path):
    path = tmp_path / 'boxes.csv'
    fuzz(
        damaged.tree(BOXES),
        lambda case: path.write_text(text(case)),
        lambda: BoxFile(path),
        lambda _, boxes: check_boxes(boxes),
        names=path,
    )


def check_frames(frames):
    """Persons of each frame, as they are used: a score, and numbers where there is one."""
    for number, persons in frames.items():
        assert isinstance(number, int) and persons.ndim == 3 and persons.dtype.kind == 'f'


def check_content(content, frames):
    """No frame is lost, and the joints are the file's."""
    check_frames(frames)
    items = content['instance_info'] if isinstance(content, dict) else content
    if all('instances' in item for item in items):
        assert list(frames) == [item['frame_id'] for item in items]
        for item in items:
            for person, joints in zip(item['instances'], frames[item['frame_id']], strict=True):
                np.testing.assert_array_equal(joints, np.column_stack([person['keypoints'], person['keypoint_scores']]))
    else:
        assert sum(map(len, frames.values())) == len(items)


def test_npz_arrays(fuzz, damaged, tmp_path):
    path = tmp_path / f'{VIDEO}.npz'

    def judge(case, frames):
        assert list(frames) == case['frames'].tolist()
        for index, persons in enumerate(frames.values()):
            np.testing.assert_array_equal(persons[0, :, :2], case['keypoints'][index])
            np.testing.assert_array_equal(persons[0, :, -1], case['scores'][index] if 'scores' in case else 1)
            if 'depth' in case:
                np.testing.assert_array_equal(persons[0, :, 2], case['depth'][index])

    fuzz(
        damaged.tree(NPZ),
        lambda case: path.write_bytes(npz_bytes(case)),
        lambda: read_keypoints(tmp_path, VIDEO),
        judge,
        names=path,
    )


def test_npz_bytes(fuzz, damaged, tmp_path):
    path = tmp_path / f'{VIDEO}.npz'

    def judge(_, frames):
        assert list(frames) == [1, 2, 3]
        np.testing.assert_array_equal(np.stack(list(frames.values()))[:, 0, :, :2], KEYPOINTS)

    fuzz(damaged.bytes(npz_bytes(NPZ)), path.write_bytes, lambda: read_keypoints(tmp_path, VIDEO), judge, names=path)


@pytest.mark.parametrize(
    ('content', 'read'),
    [(MMPOSE, read_keypoints), (COCO, read_keypoints), (DEMO, read_keypoints)],
    ids=['mmpose', 'coco', 'demo'],
)
def test_json_tree(fuzz, damaged, tmp_path, content, read):
    path = tmp_path / f'{VIDEO}.json'
    fuzz(
        damaged.tree(content),
        lambda case: path.write_text(json.dumps(case)),
        lambda: read(tmp_path, VIDEO),
        check_content,
        names=path,
    )


def test_lifted_json_bytes(fuzz, damaged, tmp_path):
    path = tmp_path / f'{VIDEO}.json'
    joints = RNG.normal(size=(3, 17, 3)).tolist()
    content = [
        dict(frame_id=i, instances=[dict(keypoints=joints[i], keypoint_scores=SCORES[i].tolist())]) for i in range(3)
    ]
    fuzz(
        damaged.bytes(json.dumps(content).encode()),
        path.write_bytes,
        lambda: read_lifted(tmp_path, VIDEO),
        lambda _, frames: check_frames(frames),
        names=path,
    )
