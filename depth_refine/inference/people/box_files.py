"""Bounding boxes read from csv, txt, json and npz files, and what their numbers mean.

Names of columns, keys and arrays may be in any case, with spaces, ``_`` or ``-``, and in the plural.
"""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from depth_refine.data_tools.conversion.detections import CLASSES, SCORES, are_people, are_sure
from depth_refine.data_tools.conversion.field_names import FRAMES, IDS, IMAGE, frame_of, is_nobodys, plain_name
from depth_refine.datasets.npz_stream import load_arrays
from depth_refine.utils.errors import InputError

FORMS = {
    '.csv': 'a header and the columns frame, x1, y1, x2, y2 or frame, left, top, width, height and, if known, track_id',
    '.json': 'a list of objects with frame, bbox_xyxy [x1, y1, x2, y2] or bbox_xywh and, if known, track_id',
    '.txt': "MOTChallenge's table, or one as in a csv file",
    '.npz': 'arrays frame (N,), bbox (N, 4), called bbox_xyxy or bbox_xywh, and, if known, track_id (N,)',
}
_CORNERS = 'bboxxyxy', 'boxxyxy', 'bboxesxyxy', 'boxesxyxy', 'xyxy'
_SIZES = 'bboxxywh', 'boxxywh', 'bboxesxywh', 'boxesxywh', 'xywh', 'bboxltwh', 'ltwh'
_BOXES = 'bbox', 'box', 'bboxe', 'boxe'  # may be either
# Pairs of a horizontal and a vertical column: upper left corner, centre, lower right corner, size
_BEGINS = ('x1', 'y1'), ('xmin', 'ymin'), ('left', 'top'), ('bbleft', 'bbtop'), ('bboxleft', 'bboxtop'), ('x', 'y')
_MIDDLES = ('cx', 'cy'), ('xcenter', 'ycenter'), ('centerx', 'centery')
_ENDS = ('x2', 'y2'), ('xmax', 'ymax'), ('right', 'bottom')
_LENGTHS = ('width', 'height'), ('w', 'h'), ('bbwidth', 'bbheight'), ('bboxwidth', 'bboxheight')
# Sizes of people vary less than their positions. If one varies by less than this share of the other, which varies by
# more than this share of a size, the numbers show what they are.
_STEADY, _MOVED = 0.5, 0.25
# MOTChallenge's tables have no header, and frames count from 1
_MOT = ('frame', 'id', 'left', 'top', 'width', 'height', 'confidence')
_MOT_MORE = {7: (), 9: ('class', 'visibility'), 10: ('world x', 'world y', 'world z')}


class BoxTable(NamedTuple):
    """N bounding boxes of a file."""

    frames: np.ndarray  # (N,) numbers as in the file
    bboxes: np.ndarray  # (N, 4) x1 y1 x2 y2 px; if ``is_said`` is False perhaps x y width height
    track_ids: np.ndarray | None  # (N,) numbers
    is_said: bool  # whether the file says what the four numbers are; if not, it calls them ``bbox``
    first_frame: int | None  # number of a video's first frame, if the format defines it
    notes: list[str]


class _Columns:
    """Columns of a table by name; knows which of them were read."""

    def __init__(self, names: Sequence[str], columns: Iterable[Sequence]) -> None:
        self.written: dict[str, str] = {}
        self._columns: dict[str, Sequence] = {}
        self._read: set[str] = set()
        for name, column in zip(names, columns, strict=True):
            if (plain := plain_name(name)) in self._columns:
                raise InputError(f'there are both {self.written[plain]!r} and {name!r}; keep one')
            self.written[plain], self._columns[plain] = name, column

    def __contains__(self, name: str) -> bool:
        return name in self._columns

    def first(self, names: Iterable[str]) -> str | None:
        """The first of some names that the table has."""
        return next((name for name in names if name in self), None)

    def pair(self, pairs: Iterable[tuple[str, str]]) -> tuple[str, str] | None:
        """The first of some pairs of names that the table has."""
        return next((pair for pair in pairs if pair[0] in self and pair[1] in self), None)

    def take(self, name: str) -> Sequence:
        """A column, which counts as read from now on."""
        self._read.add(name)
        return self._columns[name]

    def numbers(self, name: str) -> np.ndarray:
        """A column of numbers, NaN where a cell is empty."""
        values = self.take(name)
        try:
            return np.array([np.nan if value in (None, '') else value for value in values], float)
        except (TypeError, ValueError):
            for entry, value in enumerate(values):
                try:
                    np.array(np.nan if value in (None, '') else value, float)
                except (TypeError, ValueError) as error:
                    what = f'{self.written[name]!r} is {value!r}, no number, in entry {entry}'
                    raise InputError(what) from error
            raise

    def unread(self) -> list[str]:
        """The names of the columns that were not read."""
        return [repr(self.written[name]) for name in self._columns if name not in self._read and name]


def read_boxes(path: Path) -> BoxTable:
    """The bounding boxes of a file in one of the ``FORMS``.

    Raises:
        InputError: columns are missing or hold no numbers; the message does not name the file.
        Exception: almost any, if the file is damaged.
    """
    columns, first_frame, notes = _READERS[path.suffix.lower()](path)
    frame = columns.first(FRAMES)
    if frame is None:
        raise InputError(f'there is no frame, but {", ".join(map(repr, columns.written.values())) or "nothing"}')
    frames = _of_images(columns.take(frame)) if frame == IMAGE else columns.numbers(frame)
    bboxes, is_said = _boxes(columns, frame == IMAGE, notes)
    track_ids = _track_ids(columns, frames, notes)
    kept = _kept(columns, len(frames), notes)
    frames, bboxes = frames[kept], bboxes[kept] if len(bboxes) == len(kept) else bboxes
    track_ids = track_ids if track_ids is None else track_ids[kept]
    if unread := columns.unread():
        notes.append(f'Not read of {path.name}: {", ".join(unread)}.')
    return BoxTable(frames, bboxes, track_ids, is_said, first_frame, notes)


def _of_images(images: Sequence) -> np.ndarray:
    """The frame numbers in the names of images of one video."""
    found = [frame_of(image) for image in images]
    if None in found:
        raise InputError(f'there is no frame number at the end of the image {images[found.index(None)]!r}')
    if len(videos := sorted({before for before, _ in found})) > 1:
        raise InputError(f'there are images of {len(videos)} videos: {videos[0]}..., {videos[1]}...')
    return np.array([number for _, number in found], float)


def _boxes(columns: _Columns, is_coco: bool, notes: list[str]) -> tuple[np.ndarray, bool]:
    """Boxes (N, 4), and whether the file says what their numbers are."""
    if name := columns.first(_CORNERS):
        return _four(columns.take(name)), True
    if name := columns.first(_SIZES):
        return _from_sizes(_four(columns.take(name))), True
    if name := columns.first(_BOXES):
        four = _four(columns.take(name))
        if not is_coco:
            return four, False
        if four.ndim == 2 and four.shape[1] == 4 and len(four) and move_as_corners(four):
            written = columns.written[name]
            notes.append(
                f"{written!r} is x, y, width, height in COCO's format, but moves as x1, y1, x2, y2 do: read as these."
            )
            return four, True
        return _from_sizes(four), True
    begin, end, length = columns.pair(_BEGINS), columns.pair(_ENDS), columns.pair(_LENGTHS)
    middle = columns.pair(_MIDDLES)
    if begin and end:
        return np.stack([columns.numbers(name) for name in (*begin, *end)], axis=-1), True
    if not length or not (begin or middle):
        there = ', '.join(map(repr, columns.written.values()))
        raise InputError(f'there is no bbox, nor all of x1, y1, x2 and y2, nor of left, top, width and height: {there}')
    sizes = np.stack([columns.numbers(name) for name in (*(begin or middle), *length)], axis=-1)
    if not begin:
        sizes[:, :2] -= sizes[:, 2:] / 2
    elif begin == ('x', 'y'):
        notes.append('x and y of boxes are read as the upper left corner; if they are the centre, call them cx and cy.')
    return _from_sizes(sizes), True


def move_as_corners(bboxes: np.ndarray) -> bool:
    """Whether the last two numbers of boxes (N, 4) vary with the first two: corners do, sizes do not."""
    as_corners, as_sizes, other = _variation(bboxes)
    return bool(as_corners < _STEADY * as_sizes and as_sizes > _MOVED * np.median(other))


def move_as_sizes(bboxes: np.ndarray) -> bool:
    """Whether the last two numbers of boxes (N, 4) stay while the first two vary: sizes do, corners do not."""
    as_corners, as_sizes, _ = _variation(bboxes)
    return bool(as_sizes < _STEADY * as_corners and as_corners > _MOVED * np.median(bboxes[:, 2:], axis=0).min())


def _variation(bboxes: np.ndarray) -> tuple[float, float, np.ndarray]:
    """How much sizes vary if the numbers are two corners, and if they are corner and size; sizes (N, 2) if corners."""
    begin, other = bboxes[:, :2].astype(float), bboxes[:, 2:].astype(float)
    as_corners, as_sizes = (np.sqrt(values.var(axis=0).sum()) for values in (other - begin, other))
    return as_corners, as_sizes, other - begin


def _four(values: Sequence) -> np.ndarray:
    return np.array(list(values), float)


def _from_sizes(bboxes: np.ndarray) -> np.ndarray:
    """Boxes of x, y, width and height as corners x1, y1, x2, y2."""
    if bboxes.ndim != 2 or bboxes.shape[1] != 4:
        return bboxes
    return np.concatenate([bboxes[:, :2], bboxes[:, :2] + bboxes[:, 2:]], axis=1)


def _track_ids(columns: _Columns, frames: np.ndarray, notes: list[str]) -> np.ndarray | None:
    """The track ids (N,); None if there are none, or all are -1."""
    name = columns.first(IDS)
    if name is None:
        return None
    ids = columns.numbers(name)
    written = columns.written[name]
    if np.isnan(ids).all() or (ids == -1).all():
        return None
    if np.isnan(ids).any():
        raise InputError(f'entry {int(np.argmax(np.isnan(ids)))} has no {written!r}, and others have one: give all one')
    if is_nobodys(ids.tolist(), frames.tolist()):
        notes.append(f'{written!r} differs in every box, so it does not number people: people are tracked instead.')
        return None
    return ids


def _kept(columns: _Columns, count: int, notes: list[str]) -> np.ndarray:
    """Which boxes (N,) are of people, with a score that is high enough."""
    kept = np.ones(count, bool)
    if (name := columns.first(CLASSES)) and np.shape(classes := columns.take(name)) == kept.shape:
        kept &= are_people(columns.written[name], np.asarray(classes, object).tolist(), notes, 'Boxes')
    if (name := columns.first(SCORES)) and np.shape(scores := columns.numbers(name)) == kept.shape:
        kept[kept] = are_sure(columns.written[name], scores[kept], notes, 'Boxes')
    return kept


def _read_csv(path: Path) -> tuple[_Columns, int | None, list[str]]:
    """The columns of a table with a header, or of MOTChallenge's without."""
    content = path.read_bytes()
    encoding = 'utf-16' if content.startswith((b'\xff\xfe', b'\xfe\xff')) else 'utf-8-sig'
    text = content.decode(encoding, errors='replace')  # numbers are ASCII in other encodings, too
    lines = text.splitlines()
    if lines and lines[0].strip('"').startswith('sep='):  # of Excel
        lines = lines[1:]
    comments = [line.lstrip('# ') for line in lines if line.startswith('#')]
    lines = [line for line in lines if not line.startswith('#')]
    if comments and lines and not any(character.isalpha() for character in lines[0]):
        lines[:0] = [line for line in comments if 'frame' in line.casefold()][-1:]  # np.savetxt makes headers comments
    text = '\n'.join(lines)
    delimiter = max(',;\t', key=text.partition('\n')[0].count)
    rows = [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(text, newline=''), delimiter=delimiter)]
    rows = [row for row in rows if any(row)]
    if delimiter != ',':  # then commas are decimal ones
        rows = [[cell.replace(',', '.') for cell in row] for row in rows]
    if not rows:
        return _Columns(['frame', 'x1', 'y1', 'x2', 'y2'], [[]] * 5), None, []
    names, first_frame, notes = rows[0], 1, []
    if not all(map(_is_number, names)):
        rows, first_frame = rows[1:], None
    elif len(names) in _MOT_MORE:
        names = [*_MOT, *_MOT_MORE[len(names)]]
        notes.append(f"{path.name} has no header and is read as MOTChallenge's: {', '.join(names)}; frames from 1.")
    else:
        raise InputError(f'the first line holds {len(names)} numbers, where names of columns are expected')
    for entry, row in enumerate(rows):
        if len(row) > len(names):
            raise InputError(f'entry {entry} has {len(row)} cells, and there are {len(names)} columns')
    rows = [[*row, *[''] * (len(names) - len(row))] for row in rows]
    return _Columns(names, zip(*rows, strict=True) if rows else [[]] * len(names)), first_frame, notes


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _read_json(path: Path) -> tuple[_Columns, None, list[str]]:
    rows = json.loads(path.read_text(encoding='utf-8-sig'))
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        there = f'an object with {", ".join(map(repr, rows))}' if isinstance(rows, dict) else 'something else'
        raise InputError(f'there is no list of objects, but {there}')
    names = dict.fromkeys(name for row in rows for name in row) or ['frame', 'bbox']
    return _Columns(list(names), [[row.get(name) for row in rows] for name in names]), None, []


def _read_npz(path: Path) -> tuple[_Columns, None, list[str]]:
    arrays = load_arrays(path)
    return _Columns(list(arrays), [np.atleast_1d(array) for array in arrays.values()]), None, []


_READERS = {'.csv': _read_csv, '.txt': _read_csv, '.json': _read_json, '.npz': _read_npz}
