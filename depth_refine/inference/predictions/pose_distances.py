"""Distances between the poses of two estimators, and whether a change of one's poses brings them nearer.

A distance is the mean over limb joints, in units of the longer side of the box around the person: 0.1 is 17 cm of a
person of 1.7 m. What distances mean, measured:

- BlazePose *full* is 0.013 from the true joints of a real person who is seen by four cameras (95 %: below 0.03),
  whichever side is the left one. With the sides exchanged it is 0.28 from them.
- Other poses in a box of the same place and size, whichever side is the left one, are 0.14 away (90 %: 0.07 to 0.23),
  in motion capture.
- People move by 0.005 in a frame, 0.01 in two, 0.05 in ten and 0.16 in sixty, in motion capture at 50 frames a second.

These are medians. The thresholds here and in :mod:`prediction_faults` are set by hand, between them.
"""

import numpy as np

from depth_refine.structures.skeleton import H36M

LIMBS = [joint for joint, name in enumerate(H36M.joint_names) if name.startswith(('left', 'right'))]  # in all orders
FLIP = list(H36M.flip_indices)
LARGEST = 0.5  # distance that a joint counts with at most, so that one lost wrist does not decide
# Below it, it may be the same person: ten times what BlazePose is off, as other estimators may be worse. A third of
# the other poses in the same box are as near, so that most people must agree on a fault.
NEAR = 0.12
ENOUGH = 5  # people to compare; fewer may be mistakes of BlazePose
THROUGHOUT = 0.9  # share of people that must agree; BlazePose, too, exchanges sides at times
_COMMON = 6  # limb joints of 12 that two poses must share to be compared
_DIFFERENCE = 0.04  # between the distances before and after a change; smaller ones are as large as errors
BETTER = 0.6  # times the distance before, at most, after a change that is right


def boxes_around(people: np.ndarray) -> np.ndarray:
    """Boxes (n, 4) x1 y1 x2 y2 px around joints (n, K, 2), some of which may be NaN."""
    return np.concatenate([np.nanmin(people, axis=1), np.nanmax(people, axis=1)], axis=1)


def longer_side(person: np.ndarray) -> float:
    """The longer side, px, of the box around a person's joints (K, 2)."""
    return float(np.max(np.nanmax(person, axis=0) - np.nanmin(person, axis=0)))


def can_be_compared(person: np.ndarray) -> bool:
    """Whether six limb joints of a person (17, 2) or more were found."""
    return bool(np.isfinite(person[LIMBS, 0]).sum() >= _COMMON)


def pose_distances(person: np.ndarray, poses: np.ndarray) -> np.ndarray:
    """Distances (n,) of a person (17, 2) from poses (n, 17, 2); infinite if they share fewer than six limb joints."""
    apart = np.linalg.norm(poses[:, LIMBS] - person[LIMBS], axis=-1) / longer_side(person)
    common = np.isfinite(apart).sum(axis=1)
    return np.where(common < _COMMON, np.inf, np.nansum(apart.clip(0, LARGEST), axis=1) / common.clip(1))


def are_near(now: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Which of S people are near a prediction, by their distances after or before a change."""
    return np.isfinite(now) & np.isfinite(before) & (np.minimum(now, before) < NEAR)


def is_right(now: np.ndarray, before: np.ndarray) -> bool:
    """Whether a change is right for nearly all people whose distance it changes clearly, and these are the majority."""
    near = are_near(now, before)
    now, before = now[near], before[near]
    telling = np.abs(now - before) > _DIFFERENCE
    enough = telling.sum() >= max(ENOUGH, near.sum() / 2)
    return bool(enough and np.mean(now[telling] < BETTER * before[telling]) >= THROUGHOUT)


def remaining_share(now: np.ndarray, before: np.ndarray) -> float:
    """Median ratio of distances if most people are near and nearly all of them come nearer by a change; otherwise 1."""
    near = are_near(now, before)
    enough = near.sum() >= max(ENOUGH, np.isfinite(before).sum() / 2)
    comes_nearer = enough and np.mean(now[near] < before[near]) >= THROUGHOUT
    return float(np.median(now[near] / before[near])) if comes_nearer else 1.0
