import json

import numpy as np
import pytest

from depth_refine.inference.person_boxes import BoxFile
from depth_refine.inference.video_source import Frame
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
        ('a.txt', '', r'expected boxes in a file that ends in \.csv, \.json, \.npz'),
        ('absent.csv', None, r'no file of boxes .*absent\.csv'),
    ],
)
def test_other_files(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=message):
        BoxFile(tmp_path / name)
