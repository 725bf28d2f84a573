"""Moments in which an estimator of poses takes left for right.

Estimators confuse the sides of bodies that are bent or seen from behind: from one frame to the next all joints of the
left are where those of the right were, and some frames later they are back. No body moves like that.
"""

from collections.abc import Sequence

import numpy as np

_LAGS = (1, 2)  # frames from one to the other of those compared: in the midst of a swap may be a frame of neither side
_SWITCH = 0.1  # what a change of sides costs; see _distances for the unit


def find_side_swaps(positions: np.ndarray, flip_indices: Sequence[int]) -> np.ndarray:
    """The frames in which the sides are exchanged, against most of a track.

    Of all choices of frames it is the one after whose exchange the joints move least, summed over frames one and two
    apart, found by Viterbi's search. People turn too fast for it at less than about 12 frames a second.

    Args:
        positions: (T, K, C) of one person in T frames without gaps, in one unit for all C: 3D, from the root or not. In
            the image alone, C = 2, legs that cross look like legs that change sides.
        flip_indices: K symmetric counterparts; a joint without one is its own.

    Returns:
        (T,) bool, never more than half of the frames: which of the two is right for a whole track, motion does not
        tell. False throughout where no joint has a counterpart in another place.
    """
    distances = _distances(positions, np.asarray(flip_indices))
    count, states = len(positions), np.arange(2 ** len(_LAGS))  # bit i of a state: the label i + 1 frames before
    costs, sources = np.where(states == 0, 0.0, np.inf), np.zeros((count, len(states)), int)
    for frame in range(count):
        differ = states[:, None] >> np.arange(len(_LAGS)) & 1 ^ np.arange(2)[:, None, None]  # (labels, states, lags)
        steps = distances[frame, np.arange(len(_LAGS)), differ].sum(axis=-1) + _SWITCH * differ[..., 0] * (frame > 0)
        total = costs + steps  # (labels, states)
        # two states, which differ in their oldest label, lead to the same one
        pairs = np.stack([total[states & 1, states >> 1], total[states & 1, states >> 1 | len(states) // 2]])
        sources[frame] = states >> 1 | pairs.argmin(axis=0) * (len(states) // 2)
        costs = pairs.min(axis=0)
    labels, state = np.zeros(count, bool), int(np.argmin(costs))
    for frame in reversed(range(count)):
        labels[frame] = state & 1
        state = sources[frame, state]
    return ~labels if 2 * labels.sum() > count else labels


def _distances(positions: np.ndarray, flip: np.ndarray) -> np.ndarray:
    """How far joints move, (T, lags, 2), to a frame as it is and to it with its sides exchanged; 0 before the first.

    The unit is what a body at rest would cost by a change of sides, in the median of the frames.
    """
    paired = np.flatnonzero(flip != np.arange(len(flip)))
    own, exchanged = positions[:, paired].astype(float), positions[:, flip[paired]].astype(float)
    distances = np.zeros((len(positions), len(_LAGS), 2))
    width = np.linalg.norm(own - exchanged, axis=-1).sum(axis=1)
    unit = np.median(width) if len(width) else 0.0
    if unit > 0:
        for index, lag in enumerate(_LAGS):
            for label, now in enumerate((own, exchanged)):
                moved = np.linalg.norm(now[lag:] - own[:-lag], axis=-1).sum(axis=1)
                distances[lag:, index, label] = moved / (unit * len(_LAGS))
    return distances
