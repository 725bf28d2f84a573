"""A person's motion at even times, for the formats that have one rate and no gaps: BVH and TRC."""

import numpy as np
from scipy.interpolate import Akima1DInterpolator

from depth_refine.structures.video_poses import PoseTrack
from depth_refine.utils.errors import InputError

_STEPS = 8  # over which a rate is taken: time stamps of live cameras tremble
_ALIKE = 1.5  # two intervals are of one rate up to this ratio; a lost frame makes one of 2
_TOLERANCE = 0.1  # of an interval; time stamps are often whole milliseconds


def even_rate(times: np.ndarray) -> float:
    """Frames a second at which nothing of a video is lost: the rate of its fastest tenth.

    Intervals in which frames were lost do not count, and of intervals that tremble it is the mean.

    Args:
        times: (N,) seconds of every frame, ascending.

    Returns:
        The rate; 50 of a single frame.

    Raises:
        InputError: the times are not ascending seconds of frames.
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
    """A sentence if frames at ``times`` (N,) seconds are uneven, so that files of one rate have other frames."""
    rate = even_rate(times)
    if np.all(np.abs(np.diff(times) * rate - 1) < _TOLERANCE):
        return None
    return (
        f'Frames are unevenly spaced in time: BVH and TRC files, which have one rate, are interpolated to {rate:.6g} '
        'frames a second, and their frames are not those of the video.'
    )


def at_even_times(track: PoseTrack, times: np.ndarray, values: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Interpolate what a person has in each frame, by Akima's cubic, from the person's first frame to the last.

    Args:
        track: the person.
        times: (N,) seconds of every frame of the video, ascending.
        values: (T, K, 3) in the person's frames, finite.

    Returns:
        The rate, :func:`even_rate`; even times (M,), seconds of the video; and the values (M, K, 3) then. Those of
        frames of even times stay as they are.

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
    for joint in range(values.shape[1]):  # one by one, since curves take four times the memory of their points
        result[:, joint] = Akima1DInterpolator(seen, values[:, joint], axis=0)(at)
    return rate, even, result
