"""Frames in which a pose estimator swaps left and right.

Estimators confuse the sides of bodies that are bent or seen from behind. From one frame to the next, all left joints
are where the right ones were, and some frames later they are back. No body moves like that.
"""

from collections.abc import Sequence

import numpy as np

_LAGS = (1, 2)  # frames between those compared; 2 bridges a frame in the midst of a swap that fits neither side
_SWITCH = 0.1  # cost of a swap, in the unit of _distances


def find_side_swaps(positions: np.ndarray, flip_indices: Sequence[int]) -> np.ndarray:
    """The frames in which left and right are swapped, relative to most of the track.

    Of all sets of frames, the Viterbi algorithm finds the one to swap so that the joints move least between frames one
    and two apart. Below about 12 frames a second people turn too fast for this.

    Args:
        positions: (T, K, C) of one person in T frames without gaps, in one unit for all C: 3D, from the root or not. In
            the image alone, C = 2, legs that cross look like legs that swap sides.
        flip_indices: K symmetric counterparts; a joint without one is its own.

    Returns:
        (T,) bool, never more than half of the frames: motion does not tell which side is the left one, only that it
        changes. False throughout where no joint has a counterpart in another place.

    Example:
        >>> import numpy as np
        >>> from depth_refine.functional.side_swaps import find_side_swaps
        >>> track = np.tile([[0.0, 0, 5], [0.2, 0, 5], [-0.2, 0, 5]], (9, 1, 1))  # pelvis, left hip, right hip
        >>> track[4:6] = track[4:6, [0, 2, 1]]
        >>> np.flatnonzero(find_side_swaps(track, flip_indices=[0, 2, 1])).tolist()
        [4, 5]
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
    """How far joints move to each frame, (T, lags, 2): as it is, and with its sides swapped; 0 before the first.

    The unit is the cost of a swap of a body at rest, in the median of the frames.
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
