"""A multi-person tracker: boxes of successive frames are matched to people by their motion."""

import numpy as np
from scipy.optimize import linear_sum_assignment

MAX_GAP = 1.0  # seconds
_OVERLAP = 0.3  # intersection over union with the last box that allows a match, whatever the motion
_DEVIATIONS = 3.0  # a box up to so many standard deviations from the prediction may match
# Standard deviations. The unit of length is the longer side of the person's box, 1.7 m for a standing person.
_PLACE = 0.05  # of a box's centre about the person's
_SPEED = 2.0  # 1 / s, of the velocity of a person who was seen once
_TURN = 1.0  # 1 / s, of the change of velocity in a second
_SIDE = 0.2, 0.5  # of the logarithm of the side: from frame to frame, and its change in a second
_ANOTHER = 16.0  # -2 times the log-likelihood at which a match gains next to nothing
_CUT = 2.0  # additional cost of a box that is cut at the feet or head
_REACH = 0.2, 6.0, 1.0  # how far a single person may get: at once, in each second (10 m/s), and at most


class MotionTracker:
    """Assigns boxes to people, one frame at a time.

    A Kalman filter predicts the middle, top and bottom of each person's box under a nearly constant velocity. Its noise
    is proportional to the person's size and to time, so that resolution and frame rate do not matter. The Hungarian
    algorithm assigns all boxes of a frame together by their likelihoods. A box may go to a person if its place and size
    are within three standard deviations of the prediction, or if it overlaps the person's last box. If a box is cut at
    the feet or head, its other end and its width are enough. So boxes of a runner need not overlap, and people may
    cross.

    If a frame has one box only and it matches nobody, it goes to the only person who can have got there, as after a
    sudden turn. A person who is not seen for longer than ``MAX_GAP``, and was not in the frame before, gets a new
    number.

    Example:
        >>> import numpy as np
        >>> from depth_refine.inference.people.motion_tracker import MotionTracker
        >>> tracker, left, right = MotionTracker(), [0, 0, 50, 150], [300, 0, 350, 150]
        >>> tracker.update(0.0, np.array([left, right])).tolist()
        [0, 1]
        >>> tracker.update(0.1, np.array([right, left])).tolist()
        [1, 0]
    """

    def __init__(self) -> None:
        self._people: dict[int, _Person] = {}
        self._time_before = -np.inf
        self._next_id = 0

    def update(self, time: float, bboxes: np.ndarray) -> np.ndarray:
        """The people of the next frame's boxes.

        Args:
            time: of the frame, seconds.
            bboxes: (N, 4) x1 y1 x2 y2 px.

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
    """A person's last box, and the filter's state."""

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
        """How much more likely each of N boxes is this person's than another's, (N,); 0 if it cannot be."""
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
        """Whether this person can have got from the last box to another one, at the highest speed of people."""
        at_once, in_a_second, most = _REACH
        reach = min(at_once + in_a_second * (time - self.time), most) * max(_side(self._bbox), _side(bbox))
        middle, top, bottom = _places(bbox) - _places(self._bbox)
        return bool(np.hypot(middle, _nearer(top, bottom)) <= reach)

    def see(self, time: float, bbox: np.ndarray) -> None:
        """Update the person with a box."""
        state, covariance = self._predict(time)
        gain = covariance[:, :1] / (covariance[0, 0] + _PLACE**2)
        self._state = state + gain * (_places(bbox) - state[0])
        self._covariance = covariance - gain @ covariance[:1]
        self.time, self._bbox = time, bbox


def box_iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Intersection over union (N, M) of boxes (N, 4) and (M, 4), x1 y1 x2 y2."""
    low, high = np.maximum(a[:, None, :2], b[:, :2]), np.minimum(a[:, None, 2:], b[:, 2:])
    overlap = np.prod(np.maximum(high - low, 0), axis=-1)
    area_a, area_b = (np.prod(boxes[:, 2:] - boxes[:, :2], axis=-1) for boxes in (a, b))
    return overlap / (area_a[:, None] + area_b - overlap)


def _places(bboxes: np.ndarray) -> np.ndarray:
    """Middle in x, top and bottom of boxes (..., 4): (..., 3)."""
    return np.stack([(bboxes[..., 0] + bboxes[..., 2]) / 2, bboxes[..., 1], bboxes[..., 3]], axis=-1)


def _nearer(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    """The vertical distance of a person, the smaller one of top and bottom: one of them may be cut."""
    return np.minimum(np.abs(top), np.abs(bottom))


def _side(bboxes: np.ndarray) -> np.ndarray:
    return (bboxes[..., 2:] - bboxes[..., :2]).max(axis=-1)
