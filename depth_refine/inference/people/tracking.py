"""One pass over a video: the boxes of its people, their track ids, and the first stage's measurements."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from depth_refine.utils.errors import InputError

from ..sources.video_source import Frame, VideoSource
from .first_stage import FirstStage
from .motion_tracker import MAX_GAP, MotionTracker, box_iou
from .person_boxes import PersonBoxes

_NOISE = 0.2  # seconds
_SMALLEST = 2.0  # px; smaller boxes are useless
_NESTED = 0.9  # share of a box that lies within another
_EXCHANGES = 3  # frames; fewer happen when people pass each other


class PersonFinder:
    """The boxes of each frame's people, cut at the image's edges, with track ids of their source or of a tracker."""

    def __init__(self, person_boxes: PersonBoxes) -> None:
        self._person_boxes = person_boxes
        self._tracker = MotionTracker()
        self._cut = self._dropped = 0

    def __call__(self, frame: Frame) -> list[tuple[int, np.ndarray, np.ndarray]]:
        """The people of the next frame, none if it has no image; boxes outside the image are dropped.

        Returns:
            For each person the number, the box (4,) x1 y1 x2 y2 px, and the larger box (4,) to crop for the first
            stage.
        """
        if frame.image is None:
            return []
        given, track_ids, margin = self._person_boxes(frame)
        size = frame.image.shape[1::-1]
        bboxes = given.clip(0, np.array([*size, *size], given.dtype))
        kept = (bboxes[:, 2:] - bboxes[:, :2] >= _SMALLEST).all(axis=1)
        cut = np.abs(bboxes - given).max(axis=1, initial=0) > 1  # detectors round
        self._cut += int(np.sum(cut & kept))
        self._dropped += int(np.sum(~kept))
        bboxes = bboxes[kept]
        ids = self._tracker.update(frame.time, bboxes) if track_ids is None else track_ids[kept]
        middle, half = (bboxes[:, :2] + bboxes[:, 2:]) / 2, (bboxes[:, 2:] - bboxes[:, :2]) / 2
        crops = np.concatenate([middle - half * margin, middle + half * margin], axis=1)
        return list(zip(ids.tolist(), bboxes, crops, strict=True))

    def notes(self) -> list[str]:
        """Sentences on boxes that were cut or dropped so far."""
        kinds = {'that reached beyond the image and were cut at its edges': self._cut}
        kinds['outside the image, dropped'] = self._dropped
        return [f'Boxes {kind}: {count}.' for kind, count in kinds.items() if count]


def split_into_tracks(
    frames: np.ndarray, ids: np.ndarray, times: np.ndarray, drop_noise: bool
) -> tuple[list[tuple[int, np.ndarray]], list[str]]:
    """The tracks of a video: detections grouped by person, and split where one is away for too long.

    A person who is away for longer than ``MAX_GAP`` comes back as a new track, even under the same id.

    Args:
        frames: (D,) frame number of every detection, ascending.
        ids: (D,) person of every detection.
        times: (N,) seconds of every frame.
        drop_noise: drop tracks with fewer detections than fill 0.2 s, which are a detector's errors rather than people;
            in a video shorter than 0.4 s, those with detections in less than half of the frames.

    Returns:
        For each track its number and the rows (S,) of its detections, in the order in which tracks begin; and notes on
        what was split or dropped.
    """
    needed = 1
    if drop_noise and len(times) > 1:
        needed = min(_NOISE / np.median(np.diff(times)), len(times) / 2)
    tracks, split, dropped = [], 0, 0
    for person in np.unique(ids):
        rows = np.flatnonzero(ids == person)
        away = np.flatnonzero((np.diff(times[frames[rows]]) > MAX_GAP) & (np.diff(frames[rows]) > 1)) + 1
        for number, part in enumerate(np.split(rows, away)):
            track_id = int(person) if number == 0 else int(ids.max()) + split + number
            if len(part) >= needed:
                tracks.append((track_id, part))
            else:
                dropped += 1
        split += len(away)
    notes = [f'Returns after more than {MAX_GAP:g} s, each a new track: {split}.'] if split else []
    if dropped:
        notes.append(f'Tracks of fewer than {int(np.ceil(needed))} frames, dropped as noise: {dropped}.')
    return sorted(tracks, key=lambda track: (frames[track[1][0]], track[0])), notes


def nested(people: list[tuple[int, np.ndarray]], frames: np.ndarray, bboxes: np.ndarray) -> list[str]:
    """Notes on people who are always within another's box: an estimator may see a person in someone's limbs.

    Args:
        people: number and rows of each track, see :func:`split_into_tracks`.
        frames: (D,) frame numbers of all rows.
        bboxes: (D, 4) x1 y1 x2 y2 px of all rows.
    """
    notes = []
    for number, rows in people:
        for other, of_other in people:
            _, ours, theirs = np.intersect1d(frames[rows], frames[of_other], return_indices=True)
            inner, outer = bboxes[rows[ours]], bboxes[of_other[theirs]]
            low, high = np.maximum(inner[:, :2], outer[:, :2]), np.minimum(inner[:, 2:], outer[:, 2:])
            shared = (high - low).clip(min=0).prod(axis=1) / (inner[:, 2:] - inner[:, :2]).prod(axis=1).clip(min=1)
            larger = (outer[:, 2:] - outer[:, :2]).prod(axis=1) > (inner[:, 2:] - inner[:, :2]).prod(axis=1)
            if other != number and len(ours) == len(rows) and np.all((shared > _NESTED) & larger):
                notes.append(
                    f'Person {number} is within the box of person {other} in all frames, and may be a part of the same '
                    'body: see poses.mp4. --boxes says who is there.'
                )
    return notes


def exchanges(frames: np.ndarray, ids: np.ndarray, bboxes: np.ndarray) -> list[str]:
    """A note if ids number the boxes of each frame rather than people, so that two often change places.

    Args:
        frames: (D,) frame number of every detection, ascending.
        ids: (D,) person of every detection.
        bboxes: (D, 4) x1 y1 x2 y2, px.

    Returns:
        A sentence, if ids change places in three frames or more.
    """
    count, example, before = 0, '', slice(0)
    for start, end in zip(
        *(np.searchsorted(frames, np.unique(frames), side) for side in ('left', 'right')), strict=True
    ):
        _, old, new = np.intersect1d(ids[before], ids[start:end], return_indices=True)
        overlap = box_iou(bboxes[before][old], bboxes[start:end][new])
        own = np.diag(overlap)
        swapped = overlap + overlap.T > own[:, None] + own + 1
        if swapped.any():
            count += 1
            one, other = (int(ids[start:end][new][index]) for index in np.argwhere(swapped)[0])
            example = example or f'{one} and {other} in frame {frames[start]}'
        before = slice(start, end)
    if count < _EXCHANGES:
        return []
    return [
        f'Track ids change places in {count} frames, first {example}, counted from 0: do they number the detections of '
        'each frame instead of people? Without ids people are tracked.'
    ]


@dataclass
class Observations:
    """The first stage's measurements of a video: N frames, D detections in all of them together."""

    size: tuple[int, int]  # width and height of the frames, px
    times: np.ndarray  # (N,) seconds
    frames: np.ndarray  # (D,) frame number of each detection, ascending
    ids: np.ndarray  # (D,) number of the person
    bboxes: np.ndarray  # (D, 4) x1 y1 x2 y2 px
    measurements: np.ndarray  # (D, K, 5), see FirstStage
    notes: list[str]  # sentences on boxes that were cut or dropped


def watch(video: VideoSource, look: Callable[[Frame], None] | None = None) -> tuple[tuple[int, int], np.ndarray]:
    """The size of a video's frames, width and height px, and their times (N,), seconds.

    Args:
        video: read to its end.
        look: called with every frame.

    Raises:
        InputError: no frame can be read; see also :class:`VideoSource`.
    """
    times, size = [], None
    for frame in video:
        if look is not None:
            look(frame)
        times.append(frame.time)
        size = size if frame.image is None else frame.image.shape[1::-1]
    if size is None:
        raise InputError(f'{video.name}: not one frame can be read')
    return size, np.array(times)


def observe(video: VideoSource, person_boxes: PersonBoxes, first_stage: FirstStage) -> Observations:
    """The observations of a video, read once, frame by frame, through boxes, tracker and first stage.

    Raises:
        InputError: no frame can be read; see also :class:`VideoSource`.
    """
    find, times, found, size = PersonFinder(person_boxes), [], [], None

    def people() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        nonlocal size
        for frame in tqdm(video, total=video.frame_count, desc=video.name, unit='frame'):
            times.append(frame.time)
            if frame.image is not None:
                size = frame.image.shape[1::-1]
            for person, bbox, crop in find(frame):
                found.append((frame.index, person, *bbox))
                yield frame.image, crop

    measurements = np.reshape(list(first_stage(people())), (-1, first_stage.skeleton.num_joints, 5)).astype(np.float32)
    if size is None:
        raise InputError(f'{video.name}: not one frame can be read')
    frames, ids, *bboxes = np.reshape(found, (-1, 6)).T
    bboxes = np.stack(bboxes, axis=1).astype(np.float32)
    frames, ids = frames.astype(int), ids.astype(int)
    notes = find.notes() + exchanges(frames, ids, bboxes)
    return Observations(size, np.array(times), frames, ids, bboxes, measurements, notes)
