"""Between a video's own times and the rate at which the refiner was trained."""

import numpy as np
from scipy.interpolate import Akima1DInterpolator, make_interp_spline

_MEAN_TOLERANCE = 0.02  # of the frame rate; 29.97 is 30
_TOLERANCE = 0.1  # of a frame interval; time stamps are often whole milliseconds


def has_rate(times: np.ndarray, rate: float) -> bool:
    """Whether frames at ``times`` (N,) seconds follow each other at ``rate`` a second."""
    if len(times) > 1 and abs((len(times) - 1) / ((times[-1] - times[0]) * rate) - 1) > _MEAN_TOLERANCE:
        return False
    return bool(np.all(np.abs(np.diff(times) * rate - 1) < _TOLERANCE))


def uniform_times(times: np.ndarray, rate: float) -> np.ndarray:
    """Times at ``rate`` a second that cover those from ``times[0]`` to ``times[-1]``; the last may lie beyond."""
    return times[0] + np.arange(np.ceil((times[-1] - times[0]) * rate - 1e-6) + 1) / rate


def interpolate(values: np.ndarray, times: np.ndarray, at: np.ndarray, smooth: bool) -> np.ndarray:
    """Interpolate values (N, ...) at ``times`` (N,) to the times ``at`` (M,), with the first and last value beyond.

    ``times`` ascend. What is not known at some time, NaN, is not known at any. ``smooth`` is by Akima's cubic, which
    does not overshoot where the steps in time differ, instead of linearly. Returns (M, ...) float32.
    """
    if len(times) == 1:
        return np.repeat(values, len(at), axis=0).astype(np.float32)
    known = np.isfinite(values).all(axis=0)
    if not known.all():
        result = np.full((len(at), *values.shape[1:]), np.nan, np.float32)
        if known.any():
            result[:, known] = interpolate(values[:, known], times, at, smooth)
        return result
    curve = Akima1DInterpolator(times, values, axis=0) if smooth else make_interp_spline(times, values, k=1)
    return curve(at.clip(times[0], times[-1])).astype(np.float32)
