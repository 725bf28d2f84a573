"""A person's motion at even times, for BVH and TRC, which have one frame rate and no gaps."""

import numpy as np
from scipy.interpolate import Akima1DInterpolator

from depth_refine.structures.video_poses import PoseTrack
from depth_refine.utils.errors import InputError

_STEPS = 8  # intervals from which a rate is estimated, since time stamps of live cameras jitter
_ALIKE = 1.5  # ratio up to which two intervals have the same rate; a lost frame doubles one
_TOLERANCE = 0.1  # of an interval, since time stamps are often whole milliseconds


def even_rate(times: np.ndarray) -> float:
    """The frame rate, 1 / s, at which no frame of a video is lost: that of its fastest tenth.

    Intervals with lost frames do not count. If time stamps jitter, the rate is that of the mean interval.

    Args:
        times: (N,) seconds of every frame, ascending.

    Returns:
        The rate; 50 for a single frame.

    Raises:
        InputError: the times are not finite, or do not ascend.

    Example:
        >>> import numpy as np
        >>> from depth_refine.export.even_times import even_rate
        >>> times = np.delete(np.arange(100) / 30, 50)  # one frame is lost
        >>> round(even_rate(times), 3)
        30.0
    """
    times = np.asarray(times, np.float64)
    if times.ndim != 1 or not np.isfinite(times).all() or not np.all(np.diff(times) > 0):
        raise InputError(f'expected the ascending times of all frames of the video, seconds, got {times}')
    if len(times) < 2:
        return 50.0
    steps, count = np.diff(times), min(_STEPS, len(times) - 1)
    fast = np.quantile((times[count:] - times[:-count]) / count, 0.1)
    alike = steps[(steps > fast / _ALIKE) & (steps < fast * _ALIKE)]
    return float(1 / (alike.mean() if len(alike) else fast))


def even_times_note(times: np.ndarray) -> str | None:
    """A note if frames at ``times`` (N,), seconds, are uneven, so that BVH and TRC files have other frames."""
    rate = even_rate(times)
    if np.all(np.abs(np.diff(times) * rate - 1) < _TOLERANCE):
        return None
    return (
        f'Frames are unevenly spaced in time: BVH and TRC files, which have one rate, are interpolated to {rate:.6g} '
        'frames a second, and their frames are not those of the video.'
    )


def at_even_times(track: PoseTrack, times: np.ndarray, values: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """A person's values at even times, from the person's first frame to the last, interpolated by Akima's cubic.

    Args:
        track: the person.
        times: (N,) seconds of every frame of the video, ascending.
        values: (T, K, 3) in the person's frames, finite.

    Returns:
        The frame rate of :func:`even_rate`; even times (M,), seconds of the video; and the values (M, K, 3) at these
        times. Values of even frames stay as they are.

    Raises:
        InputError: see :func:`even_rate`; or times are fewer than frames.
    """
    rate = even_rate(times)
    if track.frames[-1] >= len(times):
        raise InputError(
            f'person {track.track_id}: expected ascending times of all frames, the last of which is '
            f'{track.frames[-1]}, got {len(times)} times'
        )
    seen = np.asarray(times, np.float64)[track.frames]
    even = seen[0] + np.arange(round((seen[-1] - seen[0]) * rate) + 1) / rate
    if len(seen) == 1:
        return rate, even, values
    at, result = even.clip(seen[0], seen[-1]), np.empty((len(even), *values.shape[1:]))
    for joint in range(values.shape[1]):  # one by one, since curves need four times the memory of their points
        result[:, joint] = Akima1DInterpolator(seen, values[:, joint], axis=0)(at)
    return rate, even, result
