import json

import numpy as np
import pytest

from depth_refine.inference.people.person_boxes import BoxFile
from depth_refine.inference.sources.video_source import Frame
from depth_refine.utils.errors import InputError

FRAMES = [2, 0, 2, 5]
BBOXES = [[1.5, 2, 30, 40.25], [0, 0, 10, 20], [50, 2, 60, 9], [-5, 3, 4, 8]]
IDS = [7, 7, 1, 7]


def write(path, frames=FRAMES, bboxes=BBOXES, ids=IDS):
    columns = dict(frame=frames, bbox=bboxes) | (dict(track_id=ids) if ids else {})
    if path.suffix == '.npz':
        np.savez(path, **columns)
    elif path.suffix == '.json':
        rows = zip(*columns.values(), strict=True)
        path.write_text(json.dumps([dict(zip(columns, row, strict=True)) for row in rows]))
    else:
        header = 'frame,x1,y1,x2,y2' + ',track_id' * bool(ids)
        np.savetxt(path, np.column_stack([*columns.values()]), '%g', ',', header=header, comments='')
    return path


@pytest.mark.parametrize('suffix', ['.csv', '.json', '.npz'])
@pytest.mark.parametrize('ids', [IDS, None])
def test_files(tmp_path, suffix, ids):
    boxes = BoxFile(write(tmp_path / f'boxes{suffix}', ids=ids))
    np.testing.assert_array_equal(boxes.frames, [0, 2, 2, 5])
    for number in range(7):
        found = boxes(Frame(number, number / 25, None))
        rows = [row for row in range(4) if FRAMES[row] == number]
        np.testing.assert_array_equal(found.bboxes, np.reshape([BBOXES[row] for row in rows], (-1, 4)))
        assert ids is None or found.track_ids.tolist() == [IDS[row] for row in rows]
        assert (found.track_ids is None) == (ids is None) and found.margin == 1.2


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(bboxes=[*BBOXES[:3], [4, 3, 4, 8]]), r'y1 < y2; got frame 5 and box \[4.0, 3.0, 4.0, 8.0\] in entry 3'),
        (dict(frames=[2, -1, 2, 5]), r'whole numbers from 0 as frame and track_id, .* got frame -1'),
        (dict(frames=[2, 0.5, 2, 5]), r'whole numbers from 0 as frame and track_id, .* got frame 0.5'),
        (dict(ids=[7, 7, 7, 7]), r'the person with track_id 7 has 2 boxes in frame 2'),
        (dict(bboxes=[[0.1, 0.2, 0.4, 0.9]] * 4), r'a box reaches 0\.9, .*; looks like normalised coordinates'),
    ],
)
def test_impossible_boxes(tmp_path, changes, message):
    with pytest.raises(InputError, match=rf'boxes\.csv: .*{message}'):
        BoxFile(write(tmp_path / 'boxes.csv', **changes))


@pytest.mark.parametrize(
    ('name', 'content', 'message'),
    [
        ('a.csv', 'frame,x1,y1,x2\n0,1,2,3\n', r'not a file of boxes .*y2.*; expected a header and the columns frame'),
        ('a.csv', 'frame,x1,y1,x2,y2\n0,1,2\n', r'x1 < x2 and y1 < y2; got frame 0 and box \[1.0, 2.0, nan, nan\]'),
        ('a.csv', 'frame,x1,y1,x2,y2\n', r'a\.csv has no boxes'),
        ('a.json', '{"frame": 0', r'not a file of boxes .*; expected a list of objects with frame, bbox'),
        ('a.json', '[{"frame": 0, "bbox": [1, 2, 3]}]', r'expected N frames and N boxes of 4 numbers'),
        ('a.json', '[{"frame": 1e300, "bbox": [1, 2, 3, 4]}]', r'whole numbers from 0 .*got frame 1e\+300'),
        ('a.npz', 'no archive', r'not a file of boxes .*; expected arrays frame \(N,\), bbox \(N, 4\)'),
        ('a.xml', '', r'expected boxes in a file that ends in \.csv, \.json, \.txt, \.npz'),
        ('absent.csv', None, r'no file of boxes .*absent\.csv'),
    ],
)
def test_other_files(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=message):
        BoxFile(tmp_path / name)


def walk(x, y, width=40, height=120, count=30, step=4):
    """Corners (N, 4) of a person who walks to the right, or stands."""
    left = x + step * np.arange(count)
    return np.stack([left, 0 * left + y, left + width, 0 * left + y + height], axis=1).astype(float)


def sizes(corners):
    return np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1)


def boxes_of(path, bboxes, size=(640, 360), first=None, **changes):
    """The boxes of a file, for frames of this size."""
    boxes = BoxFile(
        write(path, **dict(frames=list(range(len(bboxes))), bboxes=bboxes.tolist(), ids=None) | changes), first
    )
    boxes(Frame(0, 0.0, np.zeros((*size[::-1], 3), np.uint8)))
    return boxes


@pytest.mark.parametrize('suffix', ['.json', '.npz'])
@pytest.mark.parametrize('corners', [walk(20, 40), walk(400, 30, step=0), walk(10, 200, step=0), walk(250, 90, step=0)])
def test_a_bbox_that_can_only_be_corners(tmp_path, suffix, corners):
    """It moves as corners do; or as x, y, width and height it would leave the frame, or people would lie."""
    boxes_of(tmp_path / f'boxes{suffix}', corners)


@pytest.mark.parametrize(
    ('bboxes', 'message'),
    [
        (sizes(walk(300, 40)), r'x1 < x2 .*, got frame 0 .* in entry 0\. Of x, y, width and height call it bbox_xywh'),
        (sizes(walk(2, 40, 200, 250)), r'bbox may be x1, y1, x2, y2 or x, y, width, height, such as \[2.0, 40.0, 200'),
        (walk(60, 10, step=0), r'both fit into 640 x 360 px\. Call it bbox_xyxy or bbox_xywh'),
    ],
)
def test_a_bbox_that_may_be_either(tmp_path, bboxes, message):
    with pytest.raises(InputError, match=rf'boxes\.json: .*{message}'.replace(', got', ' got')):
        boxes_of(tmp_path / 'boxes.json', bboxes)


def test_the_number_of_the_first_frame(tmp_path):
    path = write(tmp_path / 'boxes.csv', frames=[1, 2, 2, 3])
    note = BoxFile(path).notes(4)[0]
    assert note.startswith('The first box of boxes.csv is of frame 1, which is read as the second frame. If the file c')
    from_one = BoxFile(path, first_frame=1)
    assert from_one.frames.tolist() == [0, 1, 1, 2] and from_one.notes(3) == []
    np.testing.assert_array_equal(from_one(Frame(0, 0.0, None)).bboxes, [BBOXES[0]])
    with pytest.raises(InputError, match=r'expected whole numbers from 0 .*frames from 1, .* got frame 0 and box'):
        BoxFile(write(path), first_frame=1)
    path.write_text('1,7,10,20,30,60,1\n2,7,11,20,30,60,1\n')  # MOTChallenge's frames count from 1
    assert BoxFile(path).frames.tolist() == [0, 1]


def test_boxes_of_another_video(tmp_path):
    path, corners = tmp_path / 'boxes.csv', walk(20, 40)
    assert boxes_of(path, walk(300, 100)).notes(30) == []
    assert boxes_of(path, corners).notes(30) == [], 'a small person who stays in one part'
    assert boxes_of(path, walk(10, 50, count=65)).notes(65) == [], 'a person who walks through one part'
    (note,) = boxes_of(path, walk(10, 15, height=155, count=65)).notes(65)
    assert note.startswith('Middles of boxes fill frames of 320 x 180 px: they reach from (10, 15) to (306, 170) of 64')
    (note,) = boxes_of(path, walk(300, 100, step=13)).notes(30)
    assert note.startswith('17 % of the middles of boxes lie outside the frame: they reach from (300, 100) to (717, 2')
    with pytest.raises(InputError, match=r'boxes\.csv: 100 % of the middles of boxes lie outside the frame: .* at ano'):
        boxes_of(path, 3 * walk(300, 100))
    boxes = BoxFile(path)
    assert boxes.notes(20)[0].startswith(
        'Boxes of boxes.csv for frames after the last one: 10. Frames are counted from 0: if'
    )
    (note,) = boxes.notes(60)
    assert note.startswith('Boxes of boxes.csv are of frames 0 to 29, counted from 0, and the video has 60: they are')


def test_the_same_box_twice(tmp_path):
    with pytest.raises(InputError, match=r'boxes\.csv has the same box 2 times in frame 2: expected each once'):
        BoxFile(write(tmp_path / 'boxes.csv', bboxes=[*BBOXES[:2], BBOXES[0], BBOXES[3]], ids=None))


def test_sizes_that_are_called_corners(tmp_path):
    """The boxes move to the right while x2 and y2 stay; and any number may be that of the first frame."""
    path = tmp_path / 'boxes.csv'
    (note,) = boxes_of(path, sizes(walk(2, 40, 150, 250, step=5)), frames=list(range(30, 60)), first=30).notes(30)
    assert note.startswith('The last two numbers of boxes of boxes.csv stay while the first two move, as width and hei')
    assert boxes_of(path, walk(2, 40, 150, 250, step=5), frames=list(range(30, 60)), first=30).frames.tolist() == [
        *range(30)
    ]
    (note,) = BoxFile(path).notes(30)
    assert note.endswith('Frames are counted from 0: if the first is another number, state it (--first-frame).')
    with pytest.raises(
        InputError, match=r'first frame \(--first-frame\): expected a whole number of at least 0, got -1'
    ):
        BoxFile(path, -1)


def test_frame_numbers_from_the_image_names_of_a_folder(tmp_path):
    boxes = boxes_of(tmp_path / 'boxes.csv', walk(250, 90), frames=list(range(30, 60)))
    for _ in range(2):
        boxes.match([*range(30, 60)])
    assert boxes.frames.tolist() == [*range(30)]
    assert boxes.notes(30) == ['Frames of boxes.csv are those whose numbers are in the names of the images, 30 to 59.']
