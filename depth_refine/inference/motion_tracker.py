"""Who is who from frame to frame: boxes go to the people whose motion leads there."""

import numpy as np
from scipy.optimize import linear_sum_assignment

MAX_GAP = 1.0  # seconds
_OVERLAP = 0.3  # intersection over union with the last box that is enough, whatever the motion
_DEVIATIONS = 3.0  # standard ones, up to which a box may be a person's
# Standard deviations. Lengths are in sides, the longer ones of people's boxes, which are 1.7 m of who stands.
_PLACE = 0.05  # of a box's centre from where the person is
_SPEED = 2.0  # 1 / s, of somebody who was seen once
_TURN = 1.0  # 1 / s, by which a speed has changed after a second
_SIDE = 0.2, 0.5  # of the logarithm of the side, at once, and after a second
_ANOTHER = 16.0  # how many log-likelihoods, times -2, a match may cost before the box is rather somebody else's
_CUT = 2.0  # what it costs if a box is cut at feet or head
_REACH = 0.2, 6.0, 1.0  # how far one alone may get: at once, in each second (10 m/s), and at most


class MotionTracker:
    """Assigns boxes to people, one frame at a time.

    Each person's middle, top and bottom move at constant velocities, with some change of it, as a Kalman filter knows;
    noise is in proportion to the person's size, and to time, so that neither resolution nor frame rate matter. All
    boxes of a frame are assigned together (the Hungarian method), as is most likely: to people whose predicted place
    and size they have, up to three standard deviations off, or whose last box they overlap. Boxes may be cut at feet or
    head: top or bottom and the width are enough then. So a runner's boxes need not overlap, and who crosses somebody
    goes on. A frame's only box that is still nobody's is that of the only person who can have got there, such as one
    who turns round. Whoever was not in the frame before, nor seen for longer than ``MAX_GAP``, is new on coming back.
    """

    def __init__(self) -> None:
        self._people: dict[int, _Person] = {}
        self._time_before = -np.inf
        self._next_id = 0

    def update(self, time: float, bboxes: np.ndarray) -> np.ndarray:
        """Assign the boxes (N, 4) x1 y1 x2 y2 px of the next frame, at ``time`` seconds.

        Returns:
            (N,) numbers of people, from 0 in the order in which they appear.
        """
        bboxes = np.asarray(bboxes, float)
        oldest = min(time - MAX_GAP, self._time_before)
        self._people = {number: person for number, person in self._people.items() if person.time >= oldest}
        self._time_before = time
        numbers = list(self._people)
        gains = [person.gains(time, bboxes) for person in self._people.values()]
        gains = np.reshape(gains, (len(numbers), len(bboxes)))
        ids = np.full(len(bboxes), -1)
        for row, column in zip(*linear_sum_assignment(gains, maximize=True), strict=True):
            if gains[row, column] > 0:
                ids[column] = numbers[row]
        if len(bboxes) == 1 and ids[0] < 0:
            near = [number for number, person in self._people.items() if person.reaches(time, bboxes[0])]
            ids[0] = near[0] if len(near) == 1 else -1
        for column, bbox in enumerate(bboxes):
            if ids[column] < 0:
                ids[column], self._next_id = self._next_id, self._next_id + 1
                self._people[ids[column]] = _Person(time, bbox)
            else:
                self._people[ids[column]].see(time, bbox)
        return ids


class _Person:
    """Somebody's last box, and what is known of place and velocity."""

    def __init__(self, time: float, bbox: np.ndarray) -> None:
        self.time, self._bbox = time, bbox
        self._state = np.stack([_places(bbox), np.zeros(3)])  # px and px / s, of middle, top and bottom
        self._covariance = np.diag([_PLACE**2, _SPEED**2])  # of place and velocity, in sides and seconds

    def _predict(self, time: float) -> tuple[np.ndarray, np.ndarray]:
        """State and covariance at a later time."""
        step = time - self.time
        move = np.array([[1, step], [0, 1]])
        turn = _TURN**2 * np.array([[step**3 / 3, step**2 / 2], [step**2 / 2, step]])
        return move @ self._state, move @ self._covariance @ move.T + turn

    def gains(self, time: float, bboxes: np.ndarray) -> np.ndarray:
        """How much more likely (N,) each box is to be this person's than not to be; 0 if it cannot be."""
        state, covariance = self._predict(time)
        side = _side(self._bbox)
        variance = covariance[0, 0] + _PLACE**2
        growth = _SIDE[0] ** 2 + _SIDE[1] ** 2 * (time - self.time)
        middle, top, bottom = (_places(bboxes) - state[0]).T
        width, widths = (boxes[..., 2] - boxes[..., 0] for boxes in (self._bbox, bboxes))
        whole, cut = (
            (middle**2 + aside**2) / (side**2 * variance) + np.log(ratio) ** 2 / growth
            for aside, ratio in (((top + bottom) / 2, _side(bboxes) / side), (_nearer(top, bottom), widths / width))
        )
        off = np.minimum(whole, cut + _CUT)
        is_possible = (off < _DEVIATIONS**2) | (box_iou(self._bbox[None], bboxes)[0] >= _OVERLAP)
        cost = off.clip(max=_DEVIATIONS**2) + 2 * np.log(variance / _PLACE**2)
        return np.where(is_possible, np.maximum(_ANOTHER - cost, 1e-3), 0)

    def reaches(self, time: float, bbox: np.ndarray) -> bool:
        """Whether this person can have got from the last box to another one, at any speed of people."""
        at_once, in_a_second, most = _REACH
        reach = min(at_once + in_a_second * (time - self.time), most) * max(_side(self._bbox), _side(bbox))
        middle, top, bottom = _places(bbox) - _places(self._bbox)
        return bool(np.hypot(middle, _nearer(top, bottom)) <= reach)

    def see(self, time: float, bbox: np.ndarray) -> None:
        """Take a box as this person's."""
        state, covariance = self._predict(time)
        gain = covariance[:, :1] / (covariance[0, 0] + _PLACE**2)
        self._state = state + gain * (_places(bbox) - state[0])
        self._covariance = covariance - gain @ covariance[:1]
        self.time, self._bbox = time, bbox


def box_iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Intersection over union of boxes (N, 4) and (M, 4), x1 y1 x2 y2: (N, M)."""
    low, high = np.maximum(a[:, None, :2], b[:, :2]), np.minimum(a[:, None, 2:], b[:, 2:])
    overlap = np.prod(np.maximum(high - low, 0), axis=-1)
    area_a, area_b = (np.prod(boxes[:, 2:] - boxes[:, :2], axis=-1) for boxes in (a, b))
    return overlap / (area_a[:, None] + area_b - overlap)


def _places(bboxes: np.ndarray) -> np.ndarray:
    """Middle in x, top and bottom of boxes (..., 4): (..., 3)."""
    return np.stack([(bboxes[..., 0] + bboxes[..., 2]) / 2, bboxes[..., 1], bboxes[..., 3]], axis=-1)


def _nearer(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    """How far a person is off whose top and bottom are; one of them may be cut."""
    return np.minimum(np.abs(top), np.abs(bottom))


def _side(bboxes: np.ndarray) -> np.ndarray:
    return (bboxes[..., 2:] - bboxes[..., :2]).max(axis=-1)
