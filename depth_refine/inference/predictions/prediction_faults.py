"""Faults of predictions, found by comparison with another estimator's poses in a few frames.

They are left and right exchanged, shifted frames, another frame rate, mirrored or rotated images, another image size,
another order of joints, and another video. Faults that show without a comparison are found in :mod:`predicted_people`.
"""

from collections.abc import Callable

import numpy as np
from scipy.optimize import linear_sum_assignment

from depth_refine.data_tools.conversion.joint_orders import MADE_OF, NUM_JOINTS, ORDERS, to_h36m
from depth_refine.data_tools.conversion.video_predictions import Predictions
from depth_refine.structures.skeleton import H36M

from ..people.motion_tracker import box_iou

_LIMBS = [joint for joint, name in enumerate(H36M.joint_names) if name.startswith(('left', 'right'))]  # in all orders
_FLIP = list(H36M.flip_indices)
_COMMON = 6  # limb joints that two poses must share to be compared
_LEAST_LAG, _LAGS = 2, 60  # frames
_RATES = {2.0: 'half', 0.5: 'twice'}  # frames of the video per frame of the predictions
_HALF = 0.45, 0.55  # of the video; predictions that cover this share have another rate rather than a shift
_ENOUGH, _THROUGHOUT = 5, 0.9  # people to compare, and the share of them that must agree
_CONFUSED = 1.0  # seconds; BlazePose exchanges left and right for up to 0.5 s
# Distances between two people are means over limb joints, in units of the longer side of the box around the person.
_MOST = 0.5  # at which the distance of a joint is clipped
_NEAR, _FAR = 0.12, 0.2  # below the first it is the same person, above the second another one
_DIFFERENCE = 0.04  # between the distances before and after a change; smaller ones decide nothing
_BETTER = 0.6  # times the distance before, at most, after a change that is right
_BETTER_SHIFTED = 0.7  # the same at another lag, where the estimators' own difference is a larger share
_CLOSE, _SAME_BOX = 0.08, 0.3  # distance, where there are many candidates; intersection over union

Undo = Callable[[np.ndarray, int, int], np.ndarray]
_SIDES = 'Left and right are exchanged in the predictions'
_UPRIGHT = 'Expected pixels of upright frames, as players show them'
# Each fault, a function that undoes it to (n, 17, 2) px in frames of a width and height, and advice.
_FAULTS: dict[str, tuple[Undo, str]] = {
    _SIDES: (
        lambda p, w, h: p[:, _FLIP],
        "Expected the person's own left; exchange the sides, or state another joint order",
    ),
    'x of the predictions runs from the right edge': (
        lambda p, w, h: p * [-1, 1] + [w, 0],
        'Expected x from the left edge; mirror it',
    ),
    'The predictions are of a mirrored video': (
        lambda p, w, h: (p * [-1, 1] + [w, 0])[:, _FLIP],
        'Give the video that they were predicted on, or mirror x and exchange the sides',
    ),
    'y of the predictions runs from the lower edge': (
        lambda p, w, h: p * [1, -1] + [0, h],
        'Expected y from the upper edge; mirror it',
    ),
    'The predictions are upside down': (lambda p, w, h: [w, h] - p, f'{_UPRIGHT}; rotate them by 180 degrees'),
    'x and y of the predictions are exchanged': (lambda p, w, h: p[..., ::-1], 'Expected x, then y'),
    'The predictions are rotated by 90 degrees, anticlockwise': (
        lambda p, w, h: p[..., ::-1] * [-1, 1] + [w, 0],
        f'{_UPRIGHT}; rotate them clockwise',
    ),
    'The predictions are rotated by 90 degrees, clockwise': (
        lambda p, w, h: p[..., ::-1] * [1, -1] + [0, h],
        f'{_UPRIGHT}; rotate them anticlockwise',
    ),
}


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
        if np.isfinite(person[_LIMBS, 0]).sum() >= _COMMON:
            self.seen.append((frame, person))

    def notes(self, size: tuple[int, int], times: np.ndarray) -> list[str]:
        """Sentences on what is probably wrong with the predictions.

        Args:
            size: width and height of its frames, px.
            times: (N,) seconds of its frames.
        """
        if note := self._other_rate():
            return [note]
        (before,), fits = self._distances(self._poses), {}
        for name, (undo, advice) in (_FAULTS | self._other_size(size)).items():
            poses = undo(self._poses, *size)
            fits[name] = self._distances(poses)[0], poses, advice
        name = min(fits, key=lambda name: fits[name][0].clip(0, _NEAR).mean())
        now, poses, advice = fits[name]
        is_long = np.ptp(times[[frame for frame, _ in self.seen]]) >= _CONFUSED
        if _is_better(now, before) and (is_long or name != _SIDES):
            return [f'{name}: {self._apart(now, before)}. {advice}.', *self._shift(poses, len(times))]
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
            apart = _distances(person, poses[first:last])
            np.minimum.at(column, self.frames[first:last] - at + lags, apart)
        return nearest

    def _apart(self, now: np.ndarray, before: np.ndarray) -> str:
        """A clause on the median distance of predicted from seen joints, px, before and after a change."""
        near = _are_near(now, before)
        sides = np.array([_side(person) for _, person in self.seen])[near]
        count = len({frame for (frame, _), is_near in zip(self.seen, near, strict=True) if is_near})
        return (
            f'in {count} frames BlazePose sees the joints {np.median(before[near] * sides):.0f} px from there, and '
            f'{np.median(now[near] * sides):.0f} px once that is undone'
        )

    def _other_size(self, size: tuple[int, int]) -> dict[str, tuple[Undo, str]]:
        """A fault for scaled predictions, by the best scales of x and y in frames of one person."""
        frames = [frame for frame, _ in self.seen]
        pairs = [
            (person[_LIMBS] / _side(person), self._of(self._poses, frame)[0, _LIMBS] / _side(person))
            for frame, person in self.seen
            if frames.count(frame) == len(self._of(self._poses, frame)) == 1
        ]
        if len(pairs) < _ENOUGH:
            return {}
        seen, predicted = np.concatenate(pairs, axis=1)
        found = ~np.isnan(seen + predicted).any(axis=1)
        scale = ((seen * predicted)[found].sum(axis=0) / (predicted**2)[found].sum(axis=0).clip(1e-9)).clip(1e-9)
        if np.median(np.linalg.norm((predicted * scale - seen)[found], axis=-1)) > _CLOSE:
            return {}
        width, height = np.array(size) / scale
        name = f'The predictions are of frames of about {width:.0f} x {height:.0f} px'
        return {name: (lambda p, w, h: p * scale, f'The video has {size[0]} x {size[1]} px; scale them to that')}

    def _distances_of_either(self, poses: np.ndarray, lags: int = 0, rate: float = 1.0) -> np.ndarray:
        """The same as :meth:`_distances`, whichever side is the left one."""
        return np.minimum(self._distances(poses, lags, rate), self._distances(poses[:, _FLIP], lags, rate))

    def _other_rate(self) -> str | None:
        """A note if predictions fit better at half or twice the video's frame rate."""
        (before,) = self._distances_of_either(self._poses)
        for rate, name in _RATES.items():
            (now,) = self._distances_of_either(self._poses, rate=rate)
            both = np.isfinite(now) & np.isfinite(before)
            if both.sum() >= _ENOUGH and now[both].mean() < min(_NEAR, _BETTER_SHIFTED * before[both].mean()):
                return (
                    f"The predictions are of {name} the video's frame rate: {self._apart(now, before)}. Number each "
                    f'prediction by the frame of the video that it is of: {self._first + 10} is now of frame '
                    f'{self._first + 10 * rate:.0f}.'
                )
        return None

    def _shift(self, poses: np.ndarray, count: int) -> list[str]:
        """A note if poses fit a video of ``count`` frames better some frames earlier or later."""
        if _HALF[0] < (self.frames[-1] + 1) / count < _HALF[1]:
            return []
        apart = self._distances_of_either(poses, _LAGS)
        remains = [_remains(now, apart[_LAGS]) for now in apart]
        best = int(np.argmin(remains)) - _LAGS
        if abs(best) < _LEAST_LAG or min(remains) > _BETTER_SHIFTED:
            return []
        first, count = self._first + best, abs(best)
        later, mend = ('later', f'subtract {count} from') if best > 0 else ('earlier', f'add {count} to')
        state = f'State {first} as the number of the first frame, or' if first in (0, 1) else 'If so,'
        return [
            f'The predictions are shifted by about {count} frames, and show {later} what is in the video: '
            f'{self._apart(apart[best + _LAGS], apart[_LAGS])}. Are they of this video from its first frame on? '
            f'{state} {mend} the numbers of their frames.'
        ]

    def _other_order(self) -> list[str]:
        """A note if limb joints are consistently where another order of joints has them."""
        (before,), costs = self._distances_of_either(self._poses), []
        if np.median(before) < _NEAR:
            return []
        for frame, person in self.seen:
            joints = self._of(self.joints, frame)
            overlap = box_iou(boxes_around(joints), boxes_around(person[None]))[:, 0]
            if overlap.max(initial=0) >= _SAME_BOX:
                apart = np.linalg.norm(person[_LIMBS, None] - joints[overlap.argmax()], axis=-1) / _side(person)
                costs.append(np.nan_to_num(apart, nan=_MOST).clip(0, _MOST))
        if len(costs) < _ENOUGH:
            return []
        cost = np.mean(costs, axis=0)  # (12, K)
        limbs, best = linear_sum_assignment(cost)
        said = _limbs_of(self._order)
        now, before = cost[limbs, best], cost[limbs, said]
        if now.mean() > min(_CLOSE, _BETTER * before.mean()) or before.mean() < _NEAR:
            return []
        same_count = (order for order in ORDERS if NUM_JOINTS[order] == cost.shape[1])
        fits = [order for order in same_count if cost[limbs, _limbs_of(order)].mean() <= _CLOSE]
        worst = int(np.argmax(before))
        return [
            f'The joints are not in the order {self._order}: in {len(costs)} frames BlazePose sees '
            f'{np.sum(best != said)} of 12 joints of arms and legs where the predictions have others, as the '
            f'{H36M.joint_names[_LIMBS[worst]].replace("_", " ")} at number {best[worst]} and not {said[worst]}. '
            + (f'State {fits[0]}, which fits.' if fits else 'State the right order, or write them in a known one.')
        ]

    def _other_video(self) -> list[str]:
        """A note if nobody in the video has a predicted pose, unless the predicted people are much smaller."""
        (apart,), frames = self._distances_of_either(self._poses), np.array([frame for frame, _ in self.seen])
        compared = np.isfinite(apart)
        far = [apart[compared & (frames == frame)].min() > _FAR for frame in np.unique(frames[compared])]
        sides = [np.median([_side(person) for person in people]) for people in (self.joints, dict(self.seen).values())]
        if len(far) < _ENOUGH or np.mean(far) < _THROUGHOUT or sides[0] < sides[1] / 2:
            return []
        return [
            f'In {sum(far)} of {len(far)} frames BlazePose sees nobody in a pose that is predicted: joints are '
            f'{100 * np.median(apart[compared]):.0f} % of the height of a person away, on average. Are the predictions '
            'of this video, in pixels of its upright frames, and in the joint order that is stated?'
        ]


def boxes_around(people: np.ndarray) -> np.ndarray:
    """Boxes (n, 4) x1 y1 x2 y2 px around joints (n, K, 2), some of which may be NaN."""
    return np.concatenate([np.nanmin(people, axis=1), np.nanmax(people, axis=1)], axis=1)


def _side(person: np.ndarray) -> float:
    """The longer side, px, of the box around a person's joints."""
    return float(np.max(np.nanmax(person, axis=0) - np.nanmin(person, axis=0)))


def _limbs_of(order: str) -> list[int]:
    """The numbers of Human3.6M's limb joints in another order."""
    names = [H36M.joint_names[joint] for joint in _LIMBS]
    return [ORDERS[order].index(MADE_OF[order][name][0] if order in MADE_OF else name) for name in names]


def _distances(person: np.ndarray, poses: np.ndarray) -> np.ndarray:
    """Distances (n,) of a person (17, 2) from poses (n, 17, 2); infinite if they share fewer than six limb joints."""
    apart = np.linalg.norm(poses[:, _LIMBS] - person[_LIMBS], axis=-1) / _side(person)
    common = np.isfinite(apart).sum(axis=1)
    return np.where(common < _COMMON, np.inf, np.nansum(apart.clip(0, _MOST), axis=1) / common.clip(1))


def _are_near(now: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Which of S people are near a prediction, before or after a change."""
    return np.isfinite(now) & np.isfinite(before) & (np.minimum(now, before) < _NEAR)


def _is_better(now: np.ndarray, before: np.ndarray) -> bool:
    """Whether a change is right for nearly all people whose distance it changes clearly, and these are the majority."""
    near = _are_near(now, before)
    now, before = now[near], before[near]
    telling = np.abs(now - before) > _DIFFERENCE
    enough = telling.sum() >= max(_ENOUGH, near.sum() / 2)
    return bool(enough and np.mean(now[telling] < _BETTER * before[telling]) >= _THROUGHOUT)


def _remains(now: np.ndarray, before: np.ndarray) -> float:
    """Median ratio of distances if most people are near and nearly all of them come nearer by a change; otherwise 1."""
    near = _are_near(now, before)
    enough = near.sum() >= max(_ENOUGH, np.isfinite(before).sum() / 2)
    is_better = enough and np.mean(now[near] < before[near]) >= _THROUGHOUT
    return float(np.median(now[near] / before[near])) if is_better else 1.0
