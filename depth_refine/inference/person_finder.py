"""Frame after frame: where the people are, and who is who."""

from dataclasses import dataclass

import numpy as np

from .person_boxes import PersonBoxes, clip_boxes
from .tracking import IouTracker
from .video_source import Frame


@dataclass
class FoundPerson:
    """A person in one frame: number, box (4,) x1 y1 x2 y2 px, and the larger box (4,) to crop for the first stage."""

    track_id: int
    bbox: np.ndarray
    crop: np.ndarray


class PersonFinder:
    """Boxes that lie in the image, numbered by their source or by tracking.

    Args:
        person_boxes: where the boxes come from.
    """

    def __init__(self, person_boxes: PersonBoxes) -> None:
        self._person_boxes = person_boxes
        self._tracker = IouTracker()
        self._cut = self._dropped = 0

    def __call__(self, frame: Frame) -> list[FoundPerson]:
        """The people of the next frame, none where it has no image."""
        if frame.image is None:
            return []
        boxes, cut, dropped = clip_boxes(self._person_boxes(frame), frame.image.shape[1::-1])
        self._cut += cut
        self._dropped += dropped
        ids = self._tracker.update(frame.time, boxes.bboxes) if boxes.track_ids is None else boxes.track_ids
        middle, half = (boxes.bboxes[:, :2] + boxes.bboxes[:, 2:]) / 2, (boxes.bboxes[:, 2:] - boxes.bboxes[:, :2]) / 2
        crops = np.concatenate([middle - half * boxes.margin, middle + half * boxes.margin], axis=1)
        return [FoundPerson(int(person), *both) for person, *both in zip(ids, boxes.bboxes, crops, strict=True)]

    def notes(self) -> list[str]:
        """Sentences on boxes so far that were cut or dropped."""
        notes = []
        if self._cut:
            notes.append(f'Boxes that reached beyond the image and were cut at its edges: {self._cut}.')
        if self._dropped:
            notes.append(f'Boxes outside the image, dropped: {self._dropped}.')
        return notes
