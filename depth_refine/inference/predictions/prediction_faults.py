"""Faults of predictions, found by comparison with another estimator's poses in a few frames.

They are looked for in this order, since each can look like those after it: another frame rate; exchanged sides,
mirrored or rotated images, and another image size; another order of joints; another video; shifted frames. Faults that
show without a comparison are found in :mod:`predicted_people`.
"""

import numpy as np
from scipy.optimize import linear_sum_assignment

from depth_refine.data_tools.conversion.joint_orders import MADE_OF, NUM_JOINTS, ORDERS, to_h36m
from depth_refine.data_tools.conversion.video_predictions import Predictions
from depth_refine.structures.skeleton import H36M

from ..people.motion_tracker import box_iou
from .image_faults import IMAGE_FAULTS, ImageFault, exchange_sides
from .pose_distances import (
    BETTER,
    ENOUGH,
    FLIP,
    LARGEST,
    LIMBS,
    NEAR,
    THROUGHOUT,
    are_near,
    boxes_around,
    can_be_compared,
    is_right,
    longer_side,
    pose_distances,
    remaining_share,
)

# Thresholds of distances: pose_distances says what they are, and what is usual.
_RATES = {2.0: 'half', 0.5: 'twice'}  # frames of the video per frame of the predictions
_BETTER_IN_TIME = 0.7  # the same as BETTER at the right rate or lag: people move little in a few frames
_CONFUSED = 1.0  # seconds that exchanged sides must last; BlazePose exchanges them for up to 0.5 s
_FITTED = 0.08  # distance, at most, after the best scale or order of joints: of many candidates one always fits roughly
_SAME_BOX = 0.3  # intersection over union of the boxes of a person and a prediction, at least
_FAR = 0.2  # distance above which it is surely another pose; of other poses in the same box, 12 % are that far
_LEAST_LAG, _LAGS = 2, 60  # frames; in a single one people move less than BlazePose is off
_HALF = 0.45, 0.55  # of the video; predictions that cover this share have another rate rather than a shift


class Comparison:
    """Predictions, and people as another estimator sees them.

    Attributes:
        frames: (D,) frames of the predictions, from 0, ascending.
        joints: (D, K, 2) predicted px, NaN where they were not found.
        seen: for each person whom the other estimator sees, the frame and the joints (17, 2) px, NaN where not seen.
    """

    def __init__(self, predictions: Predictions) -> None:
        kept = predictions.found.any(axis=1)
        self.frames = predictions.frames[kept] - predictions.first_frame
        self.joints = np.where(predictions.found[..., None], predictions.keypoints, np.nan)[kept]
        self.seen: list[tuple[int, np.ndarray]] = []
        self._order, self._first = predictions.joint_order, predictions.first_frame
        self._poses = to_h36m(self.joints, self._order)

    def add(self, frame: int, person: np.ndarray) -> None:
        """Add a person (17, 2) px who is seen in a frame, unless fewer than six limb joints are."""
        if can_be_compared(person):
            self.seen.append((frame, person))

    def notes(self, size: tuple[int, int], times: np.ndarray) -> list[str]:
        """Sentences on what is probably wrong with the predictions.

        Args:
            size: width and height of its frames, px.
            times: (N,) seconds of its frames.
        """
        if note := self._other_rate():
            return [note]
        (before,) = self._distances(self._poses)
        fault, poses = self._best_fault(size)
        (now,) = self._distances(poses)
        is_long = np.ptp(times[[frame for frame, _ in self.seen]]) >= _CONFUSED
        if is_right(now, before) and (is_long or fault.undo is not exchange_sides):
            note = f'{fault.name}: {self._pixels(now, before)}. {fault.advice}.'
            return [note, *self._shift(poses, len(times))]
        return self._other_order() or self._other_video() or self._shift(self._poses, len(times))

    def _of(self, values: np.ndarray, frame: int) -> np.ndarray:
        """The values (D, ...) of one frame."""
        first, last = np.searchsorted(self.frames, [frame, frame + 1])
        return values[first:last]

    def _distances(self, poses: np.ndarray, lags: int = 0, rate: float = 1.0) -> np.ndarray:
        """Distances (2 lags + 1, S) from each of S people seen to the nearest predicted pose; infinite without one.

        Rows compare with predictions ``lags`` frames before, up to ``lags`` after, the one in which a person was seen.
        ``rate`` is the number of frames of the video for one of the predictions.
        """
        nearest = np.full((2 * lags + 1, len(self.seen)), np.inf)
        for column, (frame, person) in zip(nearest.T, self.seen, strict=True):
            at = int(frame / rate)
            first, last = np.searchsorted(self.frames, [at - lags, at + lags + 1])
            np.minimum.at(column, self.frames[first:last] - at + lags, pose_distances(person, poses[first:last]))
        return nearest

    def _distances_of_either(self, poses: np.ndarray, lags: int = 0, rate: float = 1.0) -> np.ndarray:
        """The same as :meth:`_distances`, whichever side is the left one."""
        return np.minimum(self._distances(poses, lags, rate), self._distances(poses[:, FLIP], lags, rate))

    def _pixels(self, now: np.ndarray, before: np.ndarray) -> str:
        """A clause on the median distance of predicted from seen joints, px, before and after a change."""
        near = are_near(now, before)
        sides = np.array([longer_side(person) for _, person in self.seen])[near]
        count = len({frame for (frame, _), is_near in zip(self.seen, near, strict=True) if is_near})
        return (
            f'in {count} frames BlazePose sees the joints {np.median(before[near] * sides):.0f} px from there, and '
            f'{np.median(now[near] * sides):.0f} px once that is undone'
        )

    def _other_rate(self) -> str | None:
        """A note if predictions fit better at half or twice the video's frame rate."""
        (before,) = self._distances_of_either(self._poses)
        for rate, name in _RATES.items():
            (now,) = self._distances_of_either(self._poses, rate=rate)
            both = np.isfinite(now) & np.isfinite(before)
            if both.sum() >= ENOUGH and now[both].mean() < min(NEAR, _BETTER_IN_TIME * before[both].mean()):
                return (
                    f"The predictions are of {name} the video's frame rate: {self._pixels(now, before)}. Number each "
                    f'prediction by the frame of the video that it is of: {self._first + 10} is now of frame '
                    f'{self._first + 10 * rate:.0f}.'
                )
        return None

    def _best_fault(self, size: tuple[int, int]) -> tuple[ImageFault, np.ndarray]:
        """The fault without which predictions fit best, right or not, and the poses without it."""
        faults = [*IMAGE_FAULTS, *self._other_size(size)]
        undone = [fault.undo(self._poses, *size) for fault in faults]
        best = int(np.argmin([self._distances(poses)[0].clip(0, NEAR).mean() for poses in undone]))
        return faults[best], undone[best]

    def _other_size(self, size: tuple[int, int]) -> list[ImageFault]:
        """A fault for scaled predictions, by the best scales of x and y in frames of one person."""
        frames = [frame for frame, _ in self.seen]
        pairs = [
            (person[LIMBS] / longer_side(person), self._of(self._poses, frame)[0, LIMBS] / longer_side(person))
            for frame, person in self.seen
            if frames.count(frame) == len(self._of(self._poses, frame)) == 1
        ]
        if len(pairs) < ENOUGH:
            return []
        seen, predicted = np.concatenate(pairs, axis=1)
        found = ~np.isnan(seen + predicted).any(axis=1)
        scale = ((seen * predicted)[found].sum(axis=0) / (predicted**2)[found].sum(axis=0).clip(1e-9)).clip(1e-9)
        if np.median(np.linalg.norm((predicted * scale - seen)[found], axis=-1)) > _FITTED:
            return []

        def rescale(poses: np.ndarray, width: int, height: int) -> np.ndarray:
            return poses * scale

        width, height = np.array(size) / scale
        name = f'The predictions are of frames of about {width:.0f} x {height:.0f} px'
        return [ImageFault(name, rescale, f'The video has {size[0]} x {size[1]} px; scale them to that')]

    def _other_order(self) -> list[str]:
        """A note if limb joints are consistently where another order of joints has them."""
        (before,), costs = self._distances_of_either(self._poses), []
        if np.median(before) < NEAR:
            return []
        for frame, person in self.seen:
            joints = self._of(self.joints, frame)
            overlap = box_iou(boxes_around(joints), boxes_around(person[None]))[:, 0]
            if overlap.max(initial=0) >= _SAME_BOX:
                apart = np.linalg.norm(person[LIMBS, None] - joints[overlap.argmax()], axis=-1) / longer_side(person)
                costs.append(np.nan_to_num(apart, nan=LARGEST).clip(0, LARGEST))
        if len(costs) < ENOUGH:
            return []
        cost = np.mean(costs, axis=0)  # (12, K)
        limbs, best = linear_sum_assignment(cost)
        said = _limbs_of(self._order)
        now, before = cost[limbs, best], cost[limbs, said]
        if now.mean() > min(_FITTED, BETTER * before.mean()) or before.mean() < NEAR:
            return []
        same_count = (order for order in ORDERS if NUM_JOINTS[order] == cost.shape[1])
        fits = [order for order in same_count if cost[limbs, _limbs_of(order)].mean() <= _FITTED]
        worst = int(np.argmax(before))
        return [
            f'The joints are not in the order {self._order}: in {len(costs)} frames BlazePose sees '
            f'{np.sum(best != said)} of 12 joints of arms and legs where the predictions have others, as the '
            f'{H36M.joint_names[LIMBS[worst]].replace("_", " ")} at number {best[worst]} and not {said[worst]}. '
            + (f'State {fits[0]}, which fits.' if fits else 'State the right order, or write them in a known one.')
        ]

    def _other_video(self) -> list[str]:
        """A note if nobody in the video has a predicted pose, unless the predicted people are much smaller."""
        (apart,), frames = self._distances_of_either(self._poses), np.array([frame for frame, _ in self.seen])
        compared = np.isfinite(apart)
        far = [apart[compared & (frames == frame)].min() > _FAR for frame in np.unique(frames[compared])]
        predicted, seen = (
            np.median([longer_side(person) for person in people]) for people in (self.joints, dict(self.seen).values())
        )
        if len(far) < ENOUGH or np.mean(far) < THROUGHOUT or predicted < seen / 2:
            return []
        return [
            f'In {sum(far)} of {len(far)} frames BlazePose sees nobody in a pose that is predicted: joints are '
            f'{100 * np.median(apart[compared]):.0f} % of the height of a person away, on average. Are the predictions '
            'of this video, in pixels of its upright frames, and in the joint order that is stated?'
        ]

    def _shift(self, poses: np.ndarray, count: int) -> list[str]:
        """A note if poses fit a video of ``count`` frames better some frames earlier or later."""
        if _HALF[0] < (self.frames[-1] + 1) / count < _HALF[1]:
            return []
        apart = self._distances_of_either(poses, _LAGS)
        remains = [remaining_share(now, apart[_LAGS]) for now in apart]
        best = int(np.argmin(remains)) - _LAGS
        if abs(best) < _LEAST_LAG or min(remains) > _BETTER_IN_TIME:
            return []
        first, count = self._first + best, abs(best)
        later, mend = ('later', f'subtract {count} from') if best > 0 else ('earlier', f'add {count} to')
        state = f'State {first} as the number of the first frame, or' if first in (0, 1) else 'If so,'
        return [
            f'The predictions are shifted by about {count} frames, and show {later} what is in the video: '
            f'{self._pixels(apart[best + _LAGS], apart[_LAGS])}. Are they of this video from its first frame on? '
            f'{state} {mend} the numbers of their frames.'
        ]


def _limbs_of(order: str) -> list[int]:
    """The numbers of Human3.6M's limb joints in another order."""
    names = [H36M.joint_names[joint] for joint in LIMBS]
    return [ORDERS[order].index(MADE_OF[order][name][0] if order in MADE_OF else name) for name in names]
