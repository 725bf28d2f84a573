"""The floor, estimated from the feet of people who stand and walk on it."""

from collections.abc import Sequence

import numpy as np

from depth_refine.structures.skeleton import Skeleton
from depth_refine.utils.errors import InputError

from .body_landmarks import body_landmarks
from .bone_lengths import checked_poses

# Measured on recorded motion of 14 people, seen by random cameras and refined.
_ANKLE_HEIGHT = 0.08  # m, of the ankle of a resting foot above the floor: 0.07 to 0.09
_RESTING = 0.5  # m / s; a slower foot rests
_SHORTEST_REST = 0.1  # s
_REST_ERROR = 0.1  # m, in the height of one resting place, since distances from the camera are not exact
_UP_ERROR = np.radians(4)  # of the mean direction from the supporting foot to the trunk
_MOST_TILT = np.radians(60)  # of the camera from the horizontal
_MOST_SWAY = np.radians(30)  # of the body from its mean direction, in half of all frames
_ITERATIONS = 20


def estimate_floor(people: Sequence[np.ndarray], times: Sequence[np.ndarray], skeleton: Skeleton) -> dict:
    """The pose of the camera in a level world whose floor people stand and walk on.

    On average over time, the trunk of a person who stands or walks is above the supporting foot, the slower one. That
    gives a first direction upwards. The floor is a plane through the places where feet rest, fitted by robust least
    squares. Its normal is held near that first direction, since the feet of a person who stays on the spot or on a line
    do not determine a plane.

    On recorded motion seen by random cameras and refined, the floor is 3 degrees off on average and 7 at most; for
    people on the spot 3 to 7. The camera's height is 0.2 m off, as people's distances are.

    Args:
        people: for each person (T, K, 3) metres in the camera frame (x right, y down, z forward), not root-relative,
            and smoothed: a foot whose position is noisy never rests.
        times: for each person (T,) seconds, ascending.
        skeleton: of the joints, in any order and with any root.

    Returns:
        ``R`` (3, 3) and ``T`` (3, 1) of a camera as in :mod:`depth_refine.functional.camera`. The world has z up, the
        floor at z = 0, ankles of resting feet 0.08 m above it, and the origin below the camera. World x is the camera's
        x made level, and y, level too, is straight ahead of a camera that is not rolled.

    Raises:
        ValueError: there are not as many times as people or frames.
        InputError: no foot rests; people lie, turn over or are seen from far above; the skeleton has no hips, knees,
            ankles or shoulders, see :func:`body_landmarks`; or joints are not the skeleton's or not finite.
    """
    landmarks = body_landmarks(skeleton)
    leaning, rests = [], []
    for joints, seconds in zip(people, times, strict=True):
        joints, seconds = checked_poses(joints, skeleton), np.asarray(seconds, np.float64)
        if seconds.shape != joints.shape[:1]:
            raise ValueError(f'expected a time for each of {len(joints)} frames, got {seconds.shape}')
        if len(seconds) > 1:
            feet, places = _carrying_feet(joints[:, landmarks['ankle']], seconds)
            leaning.append(joints[:, [*landmarks['hip'], *landmarks['shoulder']]].mean(axis=1) - feet)
            rests += places
    if not rests:
        raise InputError(f'nobody rests a foot for {_SHORTEST_REST} s or more')
    leaning = np.concatenate(leaning)
    up = _unit(leaning.mean(axis=0))
    sway, tilt = np.median(np.arccos((_unit(leaning) @ up).clip(-1, 1))), np.arccos(-up[1])
    if sway > _MOST_SWAY or tilt > _MOST_TILT:
        raise InputError(
            f'people do not stand or walk upright. Their trunks sway by {np.degrees(sway):.0f} degrees about a '
            f'direction {np.degrees(tilt):.0f} degrees from upwards in the image, expected at most '
            f'{np.degrees(_MOST_SWAY):.0f} and {np.degrees(_MOST_TILT):.0f}'
        )
    up = _plane(np.array(rests), up)
    right = _unit(np.array([1.0, 0, 0]) - up[0] * up)
    height = _ANKLE_HEIGHT - np.median(np.array(rests) @ up)
    return dict(R=np.stack([right, np.cross(up, right), up]), T=np.array([[0.0], [0.0], [height]]))


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), np.finfo(float).tiny)


def _carrying_feet(ankles: np.ndarray, seconds: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """The slower one of ankles (T, 2, 3) in each frame, (T, 3), and the places (3,) where one of them rests."""
    speeds = np.linalg.norm(np.gradient(ankles, seconds, axis=0), axis=-1)
    slower, rests = speeds.argmin(axis=1), speeds.min(axis=1) < _RESTING
    feet = ankles[np.arange(len(seconds)), slower]
    changes = np.flatnonzero(np.diff(slower) | np.diff(rests)) + 1
    runs = [run for run in np.split(np.arange(len(seconds)), changes) if rests[run[0]]]
    return feet, [np.median(feet[run], axis=0) for run in runs if np.ptp(seconds[run]) >= _SHORTEST_REST]


def _plane(places: np.ndarray, up: np.ndarray) -> np.ndarray:
    """The unit normal (3,) of the plane through places (N, 3), near ``up`` (3,), by reweighted least squares.

    ``up`` is tilted towards two perpendicular axes. The tilts minimise the squared heights of the places over the plane
    plus their own squares, each in units of its standard error. Outliers count less (Geman and McClure's weights).
    """
    axes = np.linalg.svd(up[None])[2][1:]  # (2, 3), perpendicular to up
    weights = np.ones(len(places))
    for _ in range(_ITERATIONS):
        centred = places - weights @ places / weights.sum()
        across, heights = centred @ axes.T, centred @ up
        normal = (across.T * weights) @ across / _REST_ERROR**2 + np.eye(2) / _UP_ERROR**2
        tilts = np.linalg.solve(normal, -(across.T * weights) @ heights / _REST_ERROR**2)
        weights = 1 / (1 + ((heights + across @ tilts) / (2 * _REST_ERROR)) ** 2) ** 2
    return _unit(up + tilts @ axes)
