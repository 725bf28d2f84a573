"""Moments in which an estimator of poses takes left for right.

Estimators confuse the sides of a body seen from behind or bent over: from one frame to the next all joints of the left
are where those of the right were, and some frames later all are back. A body cannot do that.
"""

from collections.abc import Sequence

import numpy as np

_LAGS = (1, 2, 3)  # frames that are compared: a swap may take a frame or two
_SWITCH = 0.1  # cost of a change of sides, in costs of one frame whose sides are exchanged between still ones


def find_side_swaps(positions: np.ndarray, flip_indices: Sequence[int]) -> np.ndarray:
    """The frames whose sides are exchanged, against most of the track.

    Of all ways to exchange frames the one with the least motion is found (Viterbi's search over the last labels):
    distances of joints, summed, between frames that are 1 to 3 apart.

    Args:
        positions: (T, K, C) of one person, frame by frame: 3D or depth among the channels, in one unit; in pictures
            alone limbs cross as if they changed sides.
        flip_indices: (K,) the symmetric counterpart of each joint; a joint without one is its own.

    Returns:
        (T,) bool; never more than half of the frames: sides exchanged throughout stay as they are, since motion does not
        tell them. Where no joint has a counterpart, or all have the same place, nothing.
    """
    flip = np.asarray(flip_indices)
    paired = np.flatnonzero(flip != np.arange(len(flip)))
    own, other = positions[:, paired].astype(float), positions[:, flip[paired]].astype(float)
    count = len(positions)
    unit = np.median(np.linalg.norm(own - other, axis=-1).sum(axis=1)) if count else 0.0
    if not unit > 0:
        return np.zeros(count, bool)
    # bit k of a state is the label of the frame k before; costs of a pair of frames by whether their labels differ
    states = np.arange(2 ** len(_LAGS))
    costs, back = np.where(states, np.inf, 0.0), np.zeros((count, len(states)), int)
    for now in range(count):
        step = np.zeros((len(states), 2))  # from a state to a label
        for label in (0, 1):
            for lag in _LAGS[:now]:
                differ = (states >> (lag - 1) & 1) != label
                moved = [np.linalg.norm(own[now] - before[now - lag], axis=-1).sum() for before in (own, other)]
                step[:, label] += np.where(differ, moved[1], moved[0]) / (unit * len(_LAGS))
            step[:, label] += _SWITCH * ((states & 1) != label) * (now > 0)
        total = costs[:, None] + step
        following = (states[:, None] << 1 | np.arange(2)) & (len(states) - 1)
        costs = np.full(len(states), np.inf)
        for state in states:
            (sources, labels) = np.nonzero(following == state)
            best = np.argmin(total[sources, labels])
            costs[state], back[now, state] = total[sources[best], labels[best]], sources[best]
    state, labels = int(np.argmin(costs)), np.zeros(count, bool)
    for now in reversed(range(count)):
        labels[now] = state & 1
        state = back[now, state]
    return ~labels if labels.sum() > count / 2 else labels
