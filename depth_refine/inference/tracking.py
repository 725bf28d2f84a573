"""One pass over a video: the boxes of its people, who is who, and what the first stage measures of them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from depth_refine.utils.errors import InputError

from .motion_tracker import MAX_GAP, MotionTracker, box_iou
from .person_boxes import PersonBoxes
from .stages import FirstStage
from .video_source import Frame, VideoSource

_NOISE = 0.2  # seconds
_SMALLEST = 2.0  # px; a box of less shows nothing
_NESTED = 0.9  # of a box within another
_EXCHANGES = 3  # frames; fewer happen when people pass each other


class PersonFinder:
    """Boxes that lie in the image, numbered by their source or by tracking."""

    def __init__(self, person_boxes: PersonBoxes) -> None:
        self._person_boxes = person_boxes
        self._tracker = MotionTracker()
        self._cut = self._dropped = 0

    def __call__(self, frame: Frame) -> list[tuple[int, np.ndarray, np.ndarray]]:
        """The people of the next frame, none where it has no image; boxes are cut at its edges or, outside, dropped.

        Returns:
            Of each person the number, the box (4,) x1 y1 x2 y2 px, and the larger box (4,) to crop for the first stage.
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
        """Sentences on boxes so far that were cut or dropped."""
        kinds = {'that reached beyond the image and were cut at its edges': self._cut}
        kinds['outside the image, dropped'] = self._dropped
        return [f'Boxes {kind}: {count}.' for kind, count in kinds.items() if count]


def split_into_tracks(
    frames: np.ndarray, ids: np.ndarray, times: np.ndarray, drop_noise: bool
) -> tuple[list[tuple[int, np.ndarray]], list[str]]:
    """Sort detections by person.

    A person whom frames miss for longer than ``MAX_GAP`` comes back as a new track, whatever the ids say.

    Args:
        frames: (D,) frame number of every detection, ascending.
        ids: (D,) person of every detection.
        times: (N,) seconds of every frame.
        drop_noise: drop tracks with detections in less than 0.2 s of frames, which are a detector's errors rather than
            people; in a video shorter than 0.4 s, those with detections in less than half of it.

    Returns:
        Number of each track and (S,) which of the detections are its own, in the order in which tracks begin; and notes
        on what was split or dropped.
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
    """Notes on people who are never outside another's box: an estimator may take limbs for a person.

    Args:
        people: number and rows of each, as of :func:`split_into_tracks`.
        frames: (D,) of all rows.
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
    """Notice ids that number the boxes of each frame, not people: two change places from one frame to the next.

    Args:
        frames: (D,) frame number of every detection, ascending.
        ids: (D,) person of every detection.
        bboxes: (D, 4) x1 y1 x2 y2, px.

    Returns:
        A sentence, if they do so more than once or twice.
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
        f'Track ids change places in {count} frames, first {example}, counted from 0: do they number what is found in '
        'each frame, and not people? Without ids people are followed.'
    ]


@dataclass
class Observations:
    """What the first stage saw: N frames, D people in all of them together."""

    size: tuple[int, int]  # width and height of the frames, px
    times: np.ndarray  # (N,) seconds
    frames: np.ndarray  # (D,) frame number, ascending
    ids: np.ndarray  # (D,) number of the person
    bboxes: np.ndarray  # (D, 4) px
    measurements: np.ndarray  # (D, K, 5), see stages
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
    """Read a video once, frame by frame, through boxes, tracker and first stage; only numbers are kept.

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
