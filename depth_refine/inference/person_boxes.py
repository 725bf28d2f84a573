"""Where the people are: the interface of every source of boxes, the whole frame, and files."""

import csv
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from depth_refine.datasets.npz_stream import load_arrays
from depth_refine.utils.errors import InputError
from depth_refine.utils.units import PIXELS, require_unit

from .video_source import Frame

_LARGEST_NUMBER = 2**53  # beyond, floating-point numbers skip whole ones


class Boxes(NamedTuple):
    """People in one frame."""

    bboxes: np.ndarray  # (N, 4) px, x1 y1 x2 y2, tight around the person
    track_ids: np.ndarray | None = None  # (N,) whole numbers from 0 where the source knows who is who
    margin: float = 1.2  # how much larger the first stage's crop is; by default Human3.6M's


# Detectors are functions of this kind; a frame given to one has an image.
PersonBoxes = Callable[[Frame], Boxes]


def whole_frame(frame: Frame) -> Boxes:
    """One person, who fills the frame."""
    height, width = frame.image.shape[:2]
    return Boxes(np.array([[0, 0, width, height]], np.float32), np.zeros(1, int), margin=1.0)


class BoxFile:
    """Boxes from a file, tight around each person, in pixels of the upright frame; frames count from 0.

    Args:
        path: a file ending in '.csv', '.json' or '.npz', of the forms in ``_FORMS`` and docs/your_video.md.

    Raises:
        InputError: the file is missing, is not of that form, has a box without area, or a person twice in a frame.
    """

    def __init__(self, path: str | Path) -> None:
        path = Path(path)
        form = _FORMS.get(path.suffix.lower())
        if form is None:
            raise InputError(f'{path}: expected boxes in a file that ends in {", ".join(_FORMS)}')
        if not path.is_file():
            raise InputError(f'no file of boxes {path}')
        try:
            frames, bboxes, track_ids = (np.array(column, float, ndmin=1) for column in _read(path))
        except Exception as error:  # whatever csv, json, zipfile and numpy raise on other or damaged files
            raise InputError(f'{path} is not a file of boxes ({error!r}); expected {form}') from error
        if not len(frames):
            raise InputError(f'{path} has no boxes; expected {form}')
        with np.errstate(over='ignore'):  # what is too large becomes infinite, and is refused
            bboxes = bboxes.astype(np.float32)
        ids = track_ids if len(track_ids) else np.arange(len(frames))
        if frames.ndim != 1 or bboxes.shape != (len(frames), 4) or ids.shape != frames.shape:
            shapes = f'{frames.shape}, {bboxes.shape} and {track_ids.shape}'
            raise InputError(f'{path}: expected N frames and N boxes of 4 numbers, and N or no track_id, got {shapes}')
        whole = np.stack([frames, ids])
        sound = np.isfinite(bboxes).all(axis=1) & (bboxes[:, :2] < bboxes[:, 2:]).all(axis=1)
        sound &= ((whole >= 0) & (whole <= _LARGEST_NUMBER) & (whole == np.floor(whole))).all(axis=0)
        if not sound.all():
            row = int(np.argmin(sound))
            raise InputError(
                f'{path}: expected whole numbers from 0 as frame and track_id, and x1 < x2 and y1 < y2; '
                f'got frame {frames[row]:g} and box {bboxes[row].tolist()} in entry {row}'
            )
        require_unit(f'{path}: a box', bboxes, PIXELS)
        pairs, times = np.unique(whole, axis=1, return_counts=True)
        if (times > 1).any():
            frame, person = pairs[:, np.argmax(times)]
            raise InputError(f'{path}: the person with track_id {person:g} has {times.max()} boxes in frame {frame:g}')
        order = np.argsort(frames, kind='stable')
        self.path = path
        self.frames = frames[order].astype(int)  # (N,) of each box, ascending
        self._bboxes = bboxes[order]
        self._track_ids = track_ids[order].astype(int) if len(track_ids) else None

    def __call__(self, frame: Frame) -> Boxes:
        """The boxes of a frame."""
        rows = slice(*np.searchsorted(self.frames, [frame.index, frame.index + 1]))
        return Boxes(self._bboxes[rows], None if self._track_ids is None else self._track_ids[rows])


_FORMS = {
    '.csv': 'a header and the columns frame, x1, y1, x2, y2 and, if known, track_id',
    '.json': 'a list of objects with frame, bbox [x1, y1, x2, y2] and, if known, track_id',
    '.npz': 'arrays frame (N,), bbox (N, 4) and, if known, track_id (N,)',
}


def _read(path: Path) -> tuple[Iterable, Iterable, Iterable]:
    """Frames, boxes, and the numbers of people or nothing; raises whatever a damaged file makes the libraries raise."""
    if path.suffix.lower() == '.npz':
        arrays = load_arrays(path)
        return arrays['frame'], arrays['bbox'], arrays.get('track_id', [])
    if path.suffix.lower() == '.json':
        rows = json.loads(path.read_text())
    else:
        with path.open(newline='') as file:
            rows = list(csv.DictReader(file))
        for row in rows:
            row['bbox'] = [row[key] for key in ('x1', 'y1', 'x2', 'y2')]
    track_ids = [row['track_id'] for row in rows if 'track_id' in row]
    return [row['frame'] for row in rows], [row['bbox'] for row in rows], track_ids
