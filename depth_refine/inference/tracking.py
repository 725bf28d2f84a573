"""Who is who from frame to frame, by the overlap of boxes."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

MAX_GAP = 1.0  # seconds
_MIN_IOU = 0.3
_NOISE = 0.2  # seconds


class IouTracker:
    """Assigns boxes to people, one frame at a time.

    Boxes are matched to each person's last box so that the intersections over union add up to the most (the Hungarian
    method). Whoever was not in the frame before, nor seen for longer than ``MAX_GAP``, is new on coming back.
    """

    def __init__(self) -> None:
        self._last: dict[int, tuple[float, np.ndarray]] = {}
        self._time_before = -np.inf
        self._next_id = 0

    def update(self, time: float, bboxes: np.ndarray) -> np.ndarray:
        """Assign the boxes of the next frame.

        Args:
            time: of the frame, seconds.
            bboxes: (N, 4) x1 y1 x2 y2, px.

        Returns:
            (N,) numbers of people, from 0 in the order in which they appear.
        """
        oldest = min(time - MAX_GAP, self._time_before)
        self._last = {person: seen for person, seen in self._last.items() if seen[0] >= oldest}
        self._time_before = time
        people = list(self._last)
        ids = np.full(len(bboxes), -1)
        if people and len(bboxes):
            iou = box_iou(bboxes, np.stack([self._last[person][1] for person in people]))
            # pairs below the threshold count nothing, so that they never cost a good pair its match
            for row, column in zip(
                *linear_sum_assignment(np.where(iou < _MIN_IOU, 0, iou), maximize=True), strict=True
            ):
                if iou[row, column] >= _MIN_IOU:
                    ids[row] = people[column]
        for row in np.flatnonzero(ids < 0):
            ids[row] = self._next_id
            self._next_id += 1
        self._last.update({int(person): (time, bbox) for person, bbox in zip(ids, bboxes, strict=True)})
        return ids


def box_iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Intersection over union of boxes (N, 4) and (M, 4), x1 y1 x2 y2: (N, M)."""
    corners = np.maximum(a[:, None, :2], b[:, :2]), np.minimum(a[:, None, 2:], b[:, 2:])
    overlap = np.prod(np.maximum(corners[1] - corners[0], 0), axis=-1)
    areas = [np.prod(boxes[:, 2:] - boxes[:, :2], axis=-1) for boxes in (a, b)]
    return overlap / (areas[0][:, None] + areas[1] - overlap)


@dataclass
class Sightings:
    """One person: ``rows`` (S,) of the detections, in ascending order of their frame numbers ``frames`` (S,)."""

    track_id: int
    rows: np.ndarray
    frames: np.ndarray


def split_into_tracks(
    frames: np.ndarray, ids: np.ndarray, times: np.ndarray, drop_noise: bool
) -> tuple[list[Sightings], list[str]]:
    """Sort detections by person.

    A person whom frames miss for longer than ``MAX_GAP`` comes back as a new track, whatever the ids say.

    Args:
        frames: (D,) frame number of every detection.
        ids: (D,) person of every detection.
        times: (N,) seconds of every frame.
        drop_noise: drop tracks with detections in less than 0.2 s of frames, which are a detector's errors rather than
            people; in a video shorter than 0.4 s, those with detections in less than half of it.

    Returns:
        The tracks in the order in which they begin, and notes on what was split or dropped.
    """
    needed = 1
    if drop_noise and len(times) > 1:
        needed = min(_NOISE / np.median(np.diff(times)), len(times) / 2)
    tracks, split, dropped = [], 0, 0
    unused = int(ids.max(initial=-1)) + 1
    for person in np.unique(ids):
        rows = np.flatnonzero(ids == person)
        rows = rows[np.argsort(frames[rows])]
        away = np.flatnonzero((np.diff(times[frames[rows]]) > MAX_GAP) & (np.diff(frames[rows]) > 1)) + 1
        split += len(away)
        for number, part in enumerate(np.split(rows, away)):
            if len(part) < needed:
                dropped += 1
                continue
            track_id = int(person) if number == 0 else unused
            unused += number > 0
            tracks.append(Sightings(track_id, part, frames[part]))
    notes = []
    if split:
        notes.append(f'Returns after more than {MAX_GAP:g} s, each a new track: {split}.')
    if dropped:
        notes.append(f'Tracks of fewer than {int(np.ceil(needed))} frames, dropped as noise: {dropped}.')
    return sorted(tracks, key=lambda track: (track.frames[0], track.track_id)), notes
