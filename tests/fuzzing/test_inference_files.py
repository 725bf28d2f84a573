"""Person boxes, predictions of other estimators, images, videos."""

import csv
import io
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
from mmpose.registry import TRANSFORMS
from PIL import Image

from depth_refine.data_tools.conversion.prediction_files import read_keypoints, read_lifted
from depth_refine.data_tools.conversion.video_predictions import read_predictions
from depth_refine.inference.people.person_boxes import BoxFile
from depth_refine.inference.sources.video_source import Frame, open_source

RNG = np.random.default_rng(0)

BOXES = [dict(frame=i, bbox=[10.0 + i, 5.5, 60.0, 70.25], track_id=track) for i in range(4) for track in range(2)]


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


def check_boxes(rows, boxes):
    """Sorted, sound, each person once a frame; forged json is as it was written."""
    everything = {frame: boxes(Frame(frame, 0.0, None)) for frame in np.unique(boxes.frames)}
    assert sum(len(found.bboxes) for found in everything.values()) == len(boxes.frames) > 0
    for found in everything.values():
        assert np.isfinite(found.bboxes).all() and (found.bboxes[:, :2] < found.bboxes[:, 2:]).all()
        if found.track_ids is not None:
            assert len(set(found.track_ids)) == len(found.track_ids) and (found.track_ids >= 0).all()
    assert (boxes.frames >= 0).all() and (np.diff(boxes.frames) >= 0).all()
    if isinstance(rows, list):
        expected = sorted((float(row['frame']), np.float32(row['bbox']).tolist()) for row in rows)
        assert expected == sorted((float(f), box.tolist()) for f, found in everything.items() for box in found.bboxes)


def test_boxes(fuzz, tmp_path):
    columns = {key: [box[key] for box in BOXES] for key in ('frame', 'bbox', 'track_id')}
    for suffix, content in dict(json=fuzz.json(BOXES), csv=csv_bytes(BOXES), npz=fuzz.npz(columns)).items():
        fuzz(tmp_path / f'boxes.{suffix}', content, BoxFile, check_boxes)
    fuzz(tmp_path / 'boxes.json', BOXES, BoxFile, check_boxes, fuzz.json)
    fuzz(tmp_path / 'boxes.csv', BOXES, BoxFile, lambda _, boxes: check_boxes(None, boxes), csv_bytes)


VIDEO = 'S1_Walking_1.54138969'
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


def read_video(path):
    return read_keypoints(path.parent, VIDEO)


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


def test_npz(fuzz, tmp_path):
    def judge(case, frames):
        content = case if isinstance(case, dict) else NPZ
        assert list(frames) == list(dict.fromkeys(content['frames'].tolist()))
        for number, persons in frames.items():
            rows = content['frames'] == number
            np.testing.assert_array_equal(persons[..., :2], content['keypoints'][rows])
            if content is not NPZ:
                found = ~np.isnan(persons[..., :-1]).any(axis=-1)
                expected = content['scores'][rows] if 'scores' in content else found
                np.testing.assert_array_equal(persons[..., -1], expected)
            if persons.shape[-1] == 4:
                np.testing.assert_array_equal(persons[..., 2], content['depth'][rows])

    fuzz(tmp_path / f'{VIDEO}.npz', NPZ, read_video, judge, fuzz.npz)
    fuzz(tmp_path / f'{VIDEO}.npz', fuzz.npz(NPZ), read_video, judge)


@pytest.mark.parametrize('content', [MMPOSE, COCO, DEMO], ids=['mmpose', 'coco', 'demo'])
def test_json(fuzz, tmp_path, content):
    fuzz(tmp_path / f'{VIDEO}.json', content, read_video, check_content, fuzz.json)


def test_lifted_json(fuzz, tmp_path):
    persons = [dict(keypoints=RNG.normal(size=(17, 3)).tolist(), keypoint_scores=SCORES[i].tolist()) for i in range(3)]
    content = fuzz.json([dict(frame_id=i, instances=[person]) for i, person in enumerate(persons)])
    fuzz(tmp_path / f'{VIDEO}.json', content, lambda path: read_lifted(path.parent, VIDEO), check_frames)


@pytest.mark.parametrize('kind', ['mmpose', 'alphapose', 'npz'])
def test_predictions_of_a_video(fuzz, tmp_path, kind):
    """Each person once, with finite joints in pixels where they were found, whatever the ids and frames."""
    people = [dict(person, idx=i % 2) for i, person in enumerate(COCO)]
    tracked = [dict(item, instances=[dict(item['instances'][0], track_id=i)]) for i, item in enumerate(MMPOSE)]
    content = dict(mmpose=tracked, alphapose=people, npz=NPZ | dict(track_id=np.array([4, 4, 0])))[kind]

    def read(path):
        return read_predictions([path], 'h36m', 1, 'm' if kind == 'npz' else None)

    def judge(_, found):
        shape = found.keypoints.shape[:2]
        assert (np.diff(found.frames) >= 0).all() and found.found.any() and shape[1:] == (17,)
        assert np.isfinite(found.keypoints[found.found]).all() and found.scores.shape == shape
        if found.track_ids is not None:
            shown = found.found.any(axis=1)
            assert len(set(zip(found.frames[shown], found.track_ids[shown], strict=True))) == shown.sum()

    path, encode = tmp_path / f'clip.{"npz" if kind == "npz" else "json"}', fuzz.npz if kind == 'npz' else fuzz.json
    fuzz(path, content, read, judge, encode)
    fuzz(path, encode(content), read, judge)


def texture(size, high):
    coarse = np.random.default_rng(0).integers(0, high, (5, 6, 3), np.uint8)
    return cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC)


def check_image(content, image):
    """Another library sees the same.

    JPEG has no checksum: where bits inside it are wrong, libraries guess differently, or refuse, and nobody can know.
    """
    is_jpeg = content.startswith(b'\xff\xd8')
    try:
        with Image.open(io.BytesIO(content)) as file:
            expected = np.asarray(file.convert('RGB'))[..., ::-1]
    except OSError:
        assert image.shape == (75, 97, 3) and is_jpeg
    else:
        assert image.shape == expected.shape
        assert is_jpeg or np.array_equal(image, expected)


@pytest.mark.parametrize('suffix', ['.jpg', '.png'])
def test_image(fuzz, tmp_path, suffix):
    load = TRANSFORMS.build(dict(type='LoadReadableImage'))
    content = cv2.imencode(suffix, texture((97, 75), 256))[1].tobytes()
    fuzz(tmp_path / f'image{suffix}', content, lambda path: load(dict(img_path=str(path)))['img'], check_image)


@pytest.mark.parametrize(('suffix', 'codec'), [('.mp4', 'mpeg4'), ('.avi', 'mjpeg'), ('.mkv', 'mpeg4')])
def test_video(fuzz, tmp_path, suffix, codec):
    path = tmp_path / f'video{suffix}'
    with av.open(str(path), 'w') as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height = 48, 38
        stream.pix_fmt = 'yuvj420p' if codec == 'mjpeg' else 'yuv420p'
        for number in range(12):
            frame = av.VideoFrame.from_ndarray(texture((48, 38), 150) + np.uint8(8 * number), format='bgr24')
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())

    def read(path):
        source = open_source(path)
        return [(frame.index, frame.time, frame.image) for frame in source], source.notes

    def judge(case, value):
        """Frames are numbered and ascend in time; there are no more than the file has bytes for."""
        frames, notes = value
        assert [index for index, _, _ in frames] == list(range(len(frames))) and 0 < len(frames) <= len(case)
        times = np.array([time for _, time, _ in frames])
        assert np.isfinite(times).all() and (np.diff(times) > 0).all()
        shapes = {image.shape for _, _, image in frames if image is not None}
        assert len(shapes) == 1 and all(image is None or image.dtype == np.uint8 for _, _, image in frames)
        lost = sum(image is None for _, _, image in frames)
        assert not lost or any('cannot be read' in note for note in notes)

    fuzz(path, path.read_bytes(), read, judge)
