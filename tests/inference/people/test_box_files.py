import json

import numpy as np
import pytest

from depth_refine.inference.people.box_files import FORMS, read_boxes
from depth_refine.utils.errors import InputError

FRAMES, IDS = [0, 0, 1, 1, 2], [4, 7, 4, 7, 4]
CORNERS = np.array([[10, 20, 40, 90], [310.5, 25, 350, 95], [12, 20, 42, 91], [300, 24, 341, 95], [14, 21, 44, 90]])
SIZES = np.concatenate([CORNERS[:, :2], CORNERS[:, 2:] - CORNERS[:, :2]], axis=1)
MIDDLES = np.concatenate([(CORNERS[:, :2] + CORNERS[:, 2:]) / 2, SIZES[:, 2:]], axis=1)
X_Y = 'x and y of boxes are read as the upper left corner; if they are the centre, call them cx and cy.'


def table(names, *columns, separator=',', decimal='.'):
    lines = [[f'{value:g}'.replace('.', decimal) for value in row] for row in np.column_stack(columns)]
    return '\n'.join(separator.join(line) for line in [names, *lines])


def objects(**columns):
    rows = zip(*(np.asarray(values).tolist() for values in columns.values()), strict=True)
    return json.dumps([dict(zip(columns, row, strict=True)) for row in rows])


def read(folder, suffix, content):
    path = folder / f'boxes{suffix}'
    if isinstance(content, dict):
        np.savez(path, **content)
    elif isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content)
    return read_boxes(path)


def check(found, ids=IDS, notes=()):
    np.testing.assert_array_equal(found.frames, FRAMES)
    np.testing.assert_allclose(found.bboxes, CORNERS)
    assert found.track_ids is None if ids is None else found.track_ids.tolist() == ids
    assert found.notes == list(notes)


@pytest.mark.parametrize('name', ['id', ' track_id', 'Track_ID', 'trackId', 'person id', 'PersonID', 'track-ids'])
@pytest.mark.parametrize('suffix', FORMS)
def test_ids_under_other_names(tmp_path, suffix, name):
    """Ids are read under all their names, so that people keep theirs; frames and boxes may have other names, too."""
    contents = {
        '.csv': table(['Frame ', ' X1', 'y1', 'X2', 'y_2', name], FRAMES, CORNERS, IDS),
        '.txt': table(['Frame ', ' X1', 'y1', 'X2', 'y_2', name], FRAMES, CORNERS, IDS),
        '.json': objects(Frame=FRAMES, Bbox_XYXY=CORNERS, **{name: IDS}),
        '.npz': {'frames': FRAMES, 'bboxes-xyxy': CORNERS, name: IDS},
    }
    found = read(tmp_path, suffix, contents[suffix])
    check(found)
    assert found.is_said and found.first_frame is None


@pytest.mark.parametrize(
    ('names', 'values', 'notes'),
    [
        (['xmin', 'ymin', 'xmax', 'ymax'], CORNERS, []),
        (['left', 'top', 'right', 'bottom'], CORNERS, []),
        (['left', 'top', 'width', 'height'], SIZES, []),
        (['bb_left', 'bb_top', 'bb_width', 'bb_height'], SIZES, []),
        (['x', 'y', 'w', 'h'], SIZES, [X_Y]),
        (['cx', 'cy', 'w', 'h'], MIDDLES, []),
        (['x_center', 'y_center', 'width', 'height'], MIDDLES, []),
        (['x1', 'y1', 'w', 'h'], SIZES, []),
    ],
)
def test_what_four_columns_mean(tmp_path, names, values, notes):
    check(read(tmp_path, '.csv', table(['frame', *names, 'id'], FRAMES, values, IDS)), notes=notes)
    columns = dict(zip(names, values.T, strict=True))
    check(read(tmp_path, '.json', objects(frame=FRAMES, **columns, id=IDS)), notes=notes)


def test_what_a_bbox_means(tmp_path):
    check(read(tmp_path, '.json', objects(frame=FRAMES, bbox_xywh=SIZES, id=IDS)))
    check(read(tmp_path, '.npz', dict(frame=FRAMES, xywh=SIZES, id=IDS)))
    assert not read(tmp_path, '.json', objects(frame=FRAMES, bbox=CORNERS)).is_said
    images = [f'clip_{frame:06}.jpg' for frame in FRAMES]
    people = dict(category_id=[1] * 5, bbox=SIZES, score=[0.5] * 5)
    for image_id in (FRAMES, np.float64(FRAMES), images):  # COCO's results, and AlphaPose's
        found = read(tmp_path, '.json', objects(image_id=image_id, **people))
        check(found, None)
        assert found.is_said


@pytest.mark.parametrize('more', [[0.9], [1, 1, 0.8], [0.9, -1, -1, -1]])
def test_motchallenge(tmp_path, more):
    rest = np.tile(more, (5, 1))
    text = table([], np.array(FRAMES) + 1, IDS, SIZES, rest).strip()
    found = read(tmp_path, '.txt', text)
    np.testing.assert_array_equal(found.frames, np.array(FRAMES) + 1)
    np.testing.assert_allclose(found.bboxes, CORNERS)
    assert found.first_frame == 1 and found.track_ids.tolist() == IDS
    assert found.notes[0].startswith("boxes.txt has no header and is read as MOTChallenge's: frame, id, left, top, wi")
    assert read(tmp_path, '.csv', text.replace(',4,', ',-1,').replace(',7,', ',-1,')).track_ids is None


@pytest.mark.parametrize(('separator', 'decimal'), [(',', '.'), (';', '.'), (';', ','), ('\t', ',')])
@pytest.mark.parametrize('encoding', ['utf-8', 'utf-8-sig', 'utf-16'])
def test_tables_of_spreadsheets(tmp_path, separator, decimal, encoding):
    """Byte order mark, spaces, semicolons, decimal commas, empty lines and an empty column."""
    names = ['frame', 'x1', 'y1 ', 'x2', 'y2', 'track_id']
    text = table(names, FRAMES, CORNERS, IDS, separator=separator, decimal=decimal)
    text = text.replace(separator, f' {separator} ') + '\n' + separator * 5 + '\n\n'
    check(read(tmp_path, '.csv', text.replace('\n', '\r\n').encode(encoding)))
    check(read(tmp_path, '.csv', text.replace('4 \n', ' \n').replace('track_id', '').encode(encoding)), None)


def test_ids_that_number_boxes(tmp_path):
    """COCO's annotations count boxes by ``id``; a column without a number is ignored."""
    found = read(tmp_path, '.json', objects(image_id=FRAMES, bbox=SIZES, id=[101, 102, 103, 104, 105]))
    check(found, None, ["'id' differs in every box, so it does not number people: people are tracked instead."])
    names = ['frame', 'x1', 'y1', 'x2', 'y2', 'name', 'id']
    text = table(names, FRAMES, CORNERS, IDS, [-1] * 5)
    check(read(tmp_path, '.csv', text), None, ["Not read of boxes.csv: 'name'."])
    text = text.replace('name', 'Gr\xf6\xdfe').encode('cp1252')
    check(read(tmp_path, '.csv', text), None, ["Not read of boxes.csv: 'Gr\ufffd\ufffde'."])


HEADER = 'frame,x1,y1,x2,y2,id\n'


@pytest.mark.parametrize(
    ('suffix', 'content', 'message'),
    [
        ('.csv', HEADER + '0,1,2,3,4,1\n1,1,2,3,4,', "entry 1 has no 'id', and others have one: give all one"),
        ('.csv', HEADER + '0,1,2,3,4,Anna', "'id' is 'Anna', no number, in entry 0"),
        ('.csv', HEADER + '0,"1,5",2,3,4,1', "'x1' is '1,5', no number, in entry 0"),
        ('.csv', HEADER + '0,1,5,2,3,4,1', 'entry 0 has 7 cells, and there are 6 columns'),
        ('.csv', 'number,x1,y1,x2,y2\n0,1,2,3,4', "there is no frame, but 'number', 'x1', 'y1', 'x2', 'y2'"),
        ('.csv', 'frame,x1,y1,x2\n0,1,2,3', 'no bbox, nor all of x1, y1, x2 and y2, nor of left, top, width and h'),
        ('.csv', 'frame,x,y\n0,1,2', "nor of left, top, width and height: 'frame', 'x', 'y'"),
        ('.csv', '0,1,2,3,4,5\n1,1,2,3,4,5', 'the first line holds 6 numbers, where names of columns are expected'),
        ('.csv', 'frame,Frame\n0,1', "there are both 'frame' and 'Frame'; keep one"),
        (
            '.json',
            '{"images": [], "annotations": []}',
            "no list of objects, but an object with 'images', 'annotations'",
        ),
    ],
)
def test_missing_columns_are_named(tmp_path, suffix, content, message):
    with pytest.raises(InputError, match=message):
        read(tmp_path, suffix, content)


@pytest.mark.parametrize(
    ('names', 'values', 'note'),
    [
        (['score'], [[0.9, 0.01, 0.8, 0.29, 0.3]], "Boxes whose 'score' is below 0.3, left out: 2."),
        (['Confidence'], [[1, 0, 1, 0, 1]], "Boxes whose 'Confidence' is below 0.3, left out: 2."),
        (['class'], [['person', 'car', 'Person', 'dog', '']], "by 'class', left out: car (1), dog (1)."),
        (['category_id'], [[1, 3, 1, 3, 1]], "by 'category_id', left out: 3 (2)."),
        (['category_id'], [[1, 0, 1, 0, 1]], "by 'category_id', left out: 0 (2)."),
        (['class'], [[0, 2, 0, 1, 0]], "by 'class', left out: 2 (1), 1 (1)."),
        (['label', 'score'], [[1, 17, 1, 1, 1], [0.9, 0.9, 0.9, 0.1, 0.4]], "Boxes whose 'score' is below 0.3"),
    ],
)
def test_other_classes_and_low_scores_are_left_out(tmp_path, names, values, note):
    columns = dict(frame=FRAMES, bbox_xyxy=CORNERS, **dict(zip(names, values, strict=True)))
    found = read(tmp_path, '.json', objects(**{key: np.array(each, object) for key, each in columns.items()}))
    np.testing.assert_allclose(found.bboxes, CORNERS[::2])
    assert found.frames.tolist() == FRAMES[::2] and note in found.notes[-1]


@pytest.mark.parametrize(
    ('values', 'notes'),
    [
        (dict(score=[-1.0] * 5), []),
        (dict(score=[95.0, 20, 3, 90, 91]), ["'score' is 3 to 95, not 0 to 1: nothing is left out by it."]),
        (dict(score=[0.2] * 5), ["'score' is below 0.3 everywhere: nothing is left out by it."]),
        (dict(class_id=[0] * 5), []),
    ],
)
def test_uninformative_scores_and_classes(tmp_path, values, notes):
    check(read(tmp_path, '.json', objects(frame=FRAMES, bbox_xyxy=CORNERS, **values)), None, notes)


def test_nobody_is_a_person(tmp_path):
    with pytest.raises(InputError, match=r"no 'class' is 'person' or COCO's 1, but 2 \(5\); leave it out if these are"):
        read(tmp_path, '.json', objects(frame=FRAMES, bbox_xyxy=CORNERS, **{'class': [2] * 5}))


@pytest.mark.parametrize('before', ['sep=;\n', '# made by hand; 3 people\n', '"sep=;"\n# a\n', '# '])
def test_lines_before_a_header(tmp_path, before):
    check(
        read(
            tmp_path,
            '.csv',
            before + table(['frame', 'x1', 'y1', 'x2', 'y2', 'id'], FRAMES, CORNERS, IDS, separator=';'),
        )
    )


def test_corners_beside_image_id(tmp_path):
    moving = np.array([[50 * n, 20, 50 * n + 40, 90] for n in range(5)])
    found = read(tmp_path, '.json', objects(image_id=range(5), bbox=moving))
    np.testing.assert_array_equal(found.bboxes, moving)
    moves = 'moves as x1, y1, x2, y2 do: read as these.'
    assert found.notes == [f"'bbox' is x, y, width, height in COCO's format, but {moves}"]
