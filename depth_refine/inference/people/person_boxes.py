"""Sources of people's bounding boxes: their interface, the whole frame, and files."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from depth_refine.utils.errors import InputError
from depth_refine.utils.options import require_number
from depth_refine.utils.units import PIXELS, require_unit

from ..sources.image_folder import frames_of_images
from ..sources.video_source import Frame
from .box_files import FORMS, BoxTable, move_as_corners, move_as_sizes, read_boxes
from .frame_size import COVERED, check_places

_LARGEST_NUMBER = 2**53  # beyond it, floating-point numbers skip integers
_BEYOND = 1.05  # times the frame's sides; boxes do not reach further
_SLIM = 6.0  # people's boxes are at most so many times as high as wide


class Boxes(NamedTuple):
    """The boxes of one frame's N people."""

    bboxes: np.ndarray  # (N, 4) px, x1 y1 x2 y2, tight around the person
    track_ids: np.ndarray | None = None  # (N,) whole numbers from 0; None if the source does not tell people apart
    margin: float = 1.2  # side of the first stage's crop in sides of the box; the default is Human3.6M's


# A source of boxes, such as a detector; the frames it gets have an image.
PersonBoxes = Callable[[Frame], Boxes]


def whole_frame(frame: Frame) -> Boxes:
    """The box of one person who fills the frame."""
    height, width = frame.image.shape[:2]
    return Boxes(np.array([[0, 0, width, height]], np.float32), np.zeros(1, int), margin=1.0)


class BoxFile:
    """Boxes from a file, tight around each person, in pixels of the upright frame.

    Args:
        path: a file that ends as one of the ``FORMS`` in :mod:`box_files`, see docs/your_video.md.
        first_frame: the file's number of the video's first frame; by default 0, in MOTChallenge's files 1.

    Raises:
        InputError: the file is missing, is not of that form, has a box without area, or a person twice in a frame.
    """

    def __init__(self, path: str | Path, first_frame: int | None = None) -> None:
        self.path = path = Path(path)
        if first_frame is not None:
            require_number('number of the first frame (--first-frame)', first_frame, 0, whole=True)
        form = FORMS.get(path.suffix.lower())
        if form is None:
            raise InputError(f'{path}: expected boxes in a file that ends in {", ".join(FORMS)}')
        if not path.is_file():
            raise InputError(f'no file of boxes {path}')
        try:
            table = read_boxes(path)
        except InputError as error:
            raise InputError(f'{path} is not a file of boxes ({error}); expected {form}') from error
        except Exception as error:  # csv, json, zipfile and numpy raise many kinds on damaged files
            raise InputError(f'{path} is not a file of boxes ({error!r}); expected {form}') from error
        if not len(table.frames):
            raise InputError(f'{path} has no boxes; expected {form}')
        self._first_frame = (table.first_frame or 0) if first_frame is None else first_frame
        frames, bboxes, track_ids = self._checked(table)
        order = np.argsort(frames, kind='stable')
        self.frames = frames[order].astype(int) - self._first_frame  # (N,) of each box, ascending, from 0
        self._bboxes = bboxes[order]
        self._track_ids = None if track_ids is None else track_ids[order].astype(int)
        self._is_said = table.is_said or move_as_corners(bboxes)
        self._is_matched = False
        self._size: tuple[int, int] | None = None  # of the frames, px
        self._notes, self._notes_on_size = table.notes, []
        if table.is_said and move_as_sizes(bboxes):
            self._notes.append(
                f'The last two numbers of boxes of {path.name} stay while the first two move, as width and height do '
                'and corners do not. If they are width and height, call them bbox_xywh, or left, top, width and '
                'height: poses are wrong otherwise.'
            )
        if self._first_frame == 0 and self.frames[0] == 1:
            self._notes.append(
                f'The first box of {path.name} is of frame 1, which is read as the second frame. If the file counts '
                'from 1, say that 1 is the number of the first frame (--first-frame).'
            )

    def __call__(self, frame: Frame) -> Boxes:
        """The boxes of a frame.

        Raises:
            InputError: the boxes are hardly those of frames of its size, or may be x, y, width and height.
        """
        first, end = np.searchsorted(self.frames, [frame.index, frame.index + 1])
        if first < end and frame.image is not None and self._size != frame.image.shape[1::-1]:
            self._size = frame.image.shape[1::-1]
            self._notes_on_size = self._check_size()
        rows = slice(first, end)
        return Boxes(self._bboxes[rows], None if self._track_ids is None else self._track_ids[rows])

    def match(self, numbers: list[int] | None) -> None:
        """Map frame numbers that are those in the names of a folder's images, see :func:`frames_of_images`."""
        if self._is_matched:  # by a stream of the same folder
            return
        index = frames_of_images(self.frames + self._first_frame, self._first_frame, numbers)
        if index is not None and not np.array_equal(index, self.frames):
            self._notes.append(
                f'Frames of {self.path.name} are those whose numbers are in the names of the images, {numbers[0]} to '
                f'{numbers[-1]}.'
            )
            self.frames, self._is_matched = index, True

    def notes(self, count: int) -> list[str]:
        """Notes on what was not read, and on what may be wrong with the boxes if the video has ``count`` frames."""
        notes, name = [*self._notes, *self._notes_on_size], self.path.name
        if late := int(np.sum(self.frames >= count)):
            notes.append(
                f'Boxes of {name} for frames after the last one: {late}. Frames are counted from '
                f'{self._first_frame}: if the first is another number, state it (--first-frame).'
            )
        elif self.frames[-1] - self.frames[0] + 1 < COVERED * count:
            notes.append(
                f'Boxes of {name} are of frames {self.frames[0]} to {self.frames[-1]}, counted from 0, and the video '
                f'has {count}: they are of this video at this frame rate only if nobody is seen in the others.'
            )
        return notes

    def _checked(self, table: BoxTable) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """Frames (N,), boxes (N, 4) and track ids (N,) or None, after checks."""
        path, frames, first = self.path, table.frames, self._first_frame
        with np.errstate(over='ignore'):  # numbers that are too large become infinite, and are refused
            bboxes = table.bboxes.astype(np.float32)
        ids = np.arange(len(frames)) if table.track_ids is None else table.track_ids
        if frames.ndim != 1 or bboxes.shape != (len(frames), 4) or ids.shape != frames.shape:
            shapes = f'{frames.shape}, {bboxes.shape} and {ids.shape}'
            raise InputError(f'{path}: expected N frames and N boxes of 4 numbers, and N or no track_id, got {shapes}')
        whole = np.stack([frames, ids])
        has_area = (bboxes[:, :2] < bboxes[:, 2:]).all(axis=1)
        sound = np.isfinite(bboxes).all(axis=1) & has_area
        sound &= ((whole >= [[first], [0]]) & (whole <= _LARGEST_NUMBER) & (whole == np.floor(whole))).all(axis=0)
        if not sound.all():
            row = int(np.argmin(sound))
            if_sizes = '. Of x, y, width and height call it bbox_xywh, or columns left, top, width and height'
            raise InputError(
                f'{path}: expected whole numbers from 0 as frame and track_id, '
                + (f'frames from {first}, ' if first else '')
                + f'and x1 < x2 and y1 < y2; got frame {frames[row]:g} and box {bboxes[row].tolist()} in entry {row}'
                + (f', track_id {ids[row]:g}' if table.track_ids is not None else '')
                + (if_sizes if np.isfinite(bboxes[row]).all() and not has_area[row] else '')
            )
        require_unit(f'{path}: a box', bboxes, PIXELS)
        if table.track_ids is None:
            whole = np.column_stack([frames, bboxes]).T
        pairs, times = np.unique(whole, axis=1, return_counts=True)
        if (times > 1).any():
            frame, person = pairs[:2, np.argmax(times)]
            if table.track_ids is None:
                raise InputError(f'{path} has the same box {times.max()} times in frame {frame:g}: expected each once')
            raise InputError(f'{path}: the person with track_id {person:g} has {times.max()} boxes in frame {frame:g}')
        return frames, bboxes, table.track_ids

    def _check_size(self) -> list[str]:
        """Notes on boxes that are hardly those of frames of this size; raises an InputError if they cannot be."""
        if not self._is_said and not _are_corners(self._bboxes, self._size):
            raise InputError(
                f'{self.path}: bbox may be x1, y1, x2, y2 or x, y, width, height, such as '
                f'{self._bboxes[0].tolist()}: both fit into {self._size[0]} x {self._size[1]} px. Call it bbox_xyxy or '
                'bbox_xywh.'
            )
        centers = (self._bboxes[:, :2] + self._bboxes[:, 2:]) / 2
        return check_places(str(self.path), 'middles of boxes', centers, self._bboxes.reshape(-1, 2), self._size)


def _are_corners(bboxes: np.ndarray, size: tuple[int, int]) -> bool:
    """Whether boxes (N, 4) must be corners: as x, y, width, height they would leave the frame, or people would lie."""
    reach = np.median(bboxes[:, :2] + bboxes[:, 2:], axis=0)
    lengths, widths = np.median(bboxes[:, 2:], axis=0), np.median(bboxes[:, 2:] - bboxes[:, :2], axis=0)
    lie = lengths[0] > lengths[1] and widths[0] < widths[1] < _SLIM * widths[0]
    return bool((reach > _BEYOND * np.array(size)).any() or lie)
