"""Where the floor is, from how people stand and walk on it."""

from collections.abc import Sequence

import numpy as np

from depth_refine.structures.skeleton import Skeleton
from depth_refine.utils.errors import InputError

from .body_landmarks import body_landmarks
from .bone_lengths import checked_poses

# Measured on recorded motion of 14 people, seen by random cameras and refined.
_ANKLE_HEIGHT = 0.08  # m over the floor, of a foot that rests on it: 0.07 to 0.09
_RESTING = 0.5  # m / s, of a foot that rests
_SHORTEST_REST = 0.1  # s
_REST_ERROR = 0.1  # m, of the height of one rest, since the distance from the camera is not exact
_UP_ERROR = np.radians(4)  # of the mean direction from the feet that carry to the trunk
_MOST_TILT = np.radians(60)  # of the camera from level
_MOST_SWAY = np.radians(30)  # of the body from its mean, in half of all frames
_ITERATIONS = 20


def estimate_floor(people: Sequence[np.ndarray], times: Sequence[np.ndarray], skeleton: Skeleton) -> dict:
    """The camera's place over a level floor on which people stand and walk.

    Who stands or walks has, on average over time, the trunk above the foot that carries: the slower one. Where feet
    rest is the floor, whose plane is fitted to these places by robust least squares, held near the perpendicular to
    that mean direction: a person on the spot or on a line does not tell the plane alone.

    On recorded motion before random cameras, refined, the floor comes out 3 degrees off on average and 7 at most, on
    the spot 3 to 7; the camera's height 0.2 m off, as its distance is.

    Args:
        people: of each (T, K, 3) metres in the camera frame (x right, y down, z forward), not root-relative, and
            smoothed: a foot whose position is noisy never rests.
        times: of each (T,) seconds, ascending.
        skeleton: of the joints, in any order and with any root.

    Returns:
        ``R`` (3, 3) and ``T`` (3, 1) of a camera as in :mod:`depth_refine.functional.camera`: the world has z up, the
        floor at z = 0, ankles of feet that rest 0.08 m above, the origin below the camera, and y straight ahead.

    Raises:
        ValueError: there are not as many times as people or frames.
        InputError: the motion does not tell: no foot rests, or people lie, turn over or are seen from far above. Or the
            skeleton has no hips, knees, ankles or shoulders, see :func:`body_landmarks`, or joints are not the
            skeleton's or not finite.
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
        raise InputError(
            f'the motion does not tell where the floor is: nobody rests a foot for {_SHORTEST_REST} s or more'
        )
    leaning = np.concatenate(leaning)
    up = _unit(leaning.mean(axis=0))
    sway, tilt = np.median(np.arccos((_unit(leaning) @ up).clip(-1, 1))), np.arccos(-up[1])
    if sway > _MOST_SWAY or tilt > _MOST_TILT:
        raise InputError(
            'the motion does not tell where the floor is: people do not stand or walk upright. Their trunks sway by '
            f'{np.degrees(sway):.0f} degrees about a direction {np.degrees(tilt):.0f} degrees from upwards in the '
            f'picture, expected at most {np.degrees(_MOST_SWAY):.0f} and {np.degrees(_MOST_TILT):.0f}'
        )
    up = _plane(np.array(rests), up)
    right = _unit(np.array([1.0, 0, 0]) - up[0] * up)
    height = _ANKLE_HEIGHT - np.median(np.array(rests) @ up)
    return dict(R=np.stack([right, np.cross(up, right), up]), T=np.array([[0.0], [0.0], [height]]))


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), np.finfo(float).tiny)


def _carrying_feet(ankles: np.ndarray, seconds: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """Of ankles (T, 2, 3) the slower one in each frame, (T, 3), and where one of them rests: places (3,)."""
    speeds = np.linalg.norm(np.gradient(ankles, seconds, axis=0), axis=-1)
    slower, rests = speeds.argmin(axis=1), speeds.min(axis=1) < _RESTING
    feet = ankles[np.arange(len(seconds)), slower]
    changes = np.flatnonzero(np.diff(slower) | np.diff(rests)) + 1
    runs = [run for run in np.split(np.arange(len(seconds)), changes) if rests[run[0]]]
    return feet, [np.median(feet[run], axis=0) for run in runs if np.ptp(seconds[run]) >= _SHORTEST_REST]


def _plane(places: np.ndarray, up: np.ndarray) -> np.ndarray:
    """The unit normal (3,) of the plane through places (N, 3), near ``up`` (3,), by reweighted least squares.

    Tilts (a, b) of ``up`` towards two perpendicular axes minimise the squared heights of the places over the plane, in
    units of their error, and the squares of the tilts, in units of theirs. Places further off than others count less
    (Geman and McClure's weights).
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
