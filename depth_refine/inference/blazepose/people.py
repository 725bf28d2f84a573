"""The people whom BlazePose sees in a frame, tracked from the frame before."""

import numpy as np

from ..people.motion_tracker import box_iou
from ..people.person_boxes import Boxes
from ..sources.video_source import Frame
from .detector import PersonDetector
from .landmarks import FLIP_INDICES, LandmarkNetwork, Landmarks
from .regions import Region, region_of_box, squares

_PRESENCE = 0.5
_SAME_IOU = 0.3
_SAME_DISTANCE = 0.1  # mean distance of landmarks up to which two are one person, in sides of the region
_NEAR, _SIMILAR = 0.15, 1.5  # distance of two regions' centres, in sides, and ratio of their sides
_INTERVAL = 0.5  # seconds between searches


class PeopleOfFrames:
    """The landmarks of a video's people, tracked from frame to frame or detected.

    The people of the current frame are kept, so that :meth:`find` and :meth:`at` measure nobody twice. A frame is
    identified by its image object.

    Args:
        detector: finds people.
        network: predicts their landmarks.
    """

    def __init__(self, detector: PersonDetector, network: LandmarkNetwork) -> None:
        self._detector, self._network = detector, network
        self._image: np.ndarray | None = None
        self._people: list[Landmarks] = []  # in this image
        self._before: list[Landmarks] = []  # in the image before
        self._time = self._next_search = -np.inf  # seconds

    def find(self, frame: Frame) -> Boxes:
        """The boxes of a frame's people: those of the frame before, and newly detected ones.

        The detector finds people of more than a fifth of the region it is given. It gets the whole frame every half
        second, and at once if a person is lost. Every half second it also gets squares of the frame's shorter side,
        and, as long as nobody is found, squares of half that side.

        Returns:
            Boxes tight around the landmarks, which begin at the eyes and ears, cut at the image's edges.
        """
        self._turn_to(frame.image)
        if frame.time <= self._time:  # another video
            self._before, self._next_search = [], -np.inf
        self._time = frame.time
        for person in self._before:
            self._add(person.region)
        is_due, is_lost = not frame.time < self._next_search, len(self._people) < max(1, len(self._before))
        height, width = frame.image.shape[:2]
        if is_due or is_lost:
            self._search([region_of_box([0, 0, width, height])])
        if is_due:
            self._next_search = frame.time + _INTERVAL
            self._search(squares((width, height), min(width, height)))
            if not self._people:
                self._search(squares((width, height), min(width, height) / 2))
        return Boxes(_boxes(self._people, frame.image))

    def at(self, image: np.ndarray, bbox: np.ndarray) -> Landmarks:
        """The landmarks in a box (4,) x1 y1 x2 y2 px of an image (h, w, 3) uint8 BGR, even if their presence is low."""
        if image is not self._image:
            self._turn_to(image)
        if (known := self._nearest(self._people, bbox)) is not None:
            return known
        last = self._nearest(self._before, bbox)
        person = None if last is None else self._network(image, last.region)
        if person is None or person.presence < _PRESENCE:
            person = self._look_in(image, bbox)
        self._people.append(person)
        return person

    def _nearest(self, people: list[Landmarks], bbox: np.ndarray) -> Landmarks | None:
        """The person whose box overlaps a box (4,) px most, if the intersection over union is at least 0.3."""
        iou = box_iou(_boxes(people, self._image), np.asarray(bbox)[None])[:, 0]
        return people[int(iou.argmax())] if iou.max(initial=0) >= _SAME_IOU else None

    def _turn_to(self, image: np.ndarray) -> None:
        self._image, self._people, self._before = image, [], self._people

    def _search(self, regions: list[Region]) -> None:
        """Add the people whom the detector finds in regions, unless they are there already."""
        for region in regions:
            for found in self._detector(self._image, region):
                if not any(_is_near(found, person.region) for person in self._people):
                    self._add(self._network(self._image, found).region)  # more exact than the detector's region

    def _add(self, region: Region) -> None:
        """Add the person in a region, if there is one and it is not there yet."""
        person = self._network(self._image, region)
        if person.presence >= _PRESENCE and not any(_is_same(person, other) for other in self._people):
            self._people.append(person)

    def _look_in(self, image: np.ndarray, bbox: np.ndarray) -> Landmarks:
        """The best detection in the square around a box, otherwise the network's prediction for all of it."""
        whole = region_of_box(bbox)
        found = [region for region in self._detector(image, whole) if _is_inside(region.center, bbox)]
        person = self._network(image, found[0] if found else whole)
        return person if found else self._network(image, person.region)


def _boxes(people: list[Landmarks], image: np.ndarray) -> np.ndarray:
    """Boxes (N, 4) x1 y1 x2 y2 px around people's landmarks, cut at the image's edges."""
    corners = [[person.pixels.min(axis=0), person.pixels.max(axis=0)] for person in people]
    return np.reshape(corners, (-1, 2, 2)).clip(0, image.shape[1::-1]).reshape(-1, 4).astype(np.float32)


def _is_inside(point: np.ndarray, bbox: np.ndarray) -> bool:
    return bool((bbox[:2] <= point).all() and (point <= bbox[2:]).all())


def _is_near(one: Region, other: Region) -> bool:
    """Whether two regions may be of one person: their centres are near, and their sizes similar."""
    near = np.linalg.norm(one.center - other.center) < _NEAR * min(one.side, other.side)
    return bool(near) and max(one.side, other.side) < _SIMILAR * min(one.side, other.side)


def _is_same(one: Landmarks, other: Landmarks) -> bool:
    """Whether two people's landmarks are in the same places, perhaps with left and right exchanged."""
    distances = [
        np.linalg.norm(one.pixels - other.pixels[order], axis=1).mean() for order in (slice(None), FLIP_INDICES)
    ]
    return min(distances) < _SAME_DISTANCE * min(one.region.side, other.region.side)
