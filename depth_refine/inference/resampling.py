"""Resampling between a video's times and the frame rate of the refiner's training."""

import numpy as np
from scipy.interpolate import Akima1DInterpolator, make_interp_spline

_MEAN_TOLERANCE = 0.02  # of the frame rate, so that 29.97 counts as 30
_TOLERANCE = 0.1  # of a frame interval, since time stamps are often whole milliseconds


def has_rate(times: np.ndarray, rate: float) -> bool:
    """Whether frames at ``times`` (N,), seconds, have the constant frame rate ``rate``, 1 / s.

    Example:
        >>> import numpy as np
        >>> from depth_refine.inference.resampling import has_rate
        >>> times = np.arange(100) / 29.97
        >>> has_rate(times, 30), has_rate(times, 50)
        (True, False)
    """
    if len(times) > 1 and abs((len(times) - 1) / ((times[-1] - times[0]) * rate) - 1) > _MEAN_TOLERANCE:
        return False
    return bool(np.all(np.abs(np.diff(times) * rate - 1) < _TOLERANCE))


def uniform_times(times: np.ndarray, rate: float) -> np.ndarray:
    """Even times (M,), seconds, at a frame rate, 1 / s, from ``times[0]`` to ``times[-1]`` or a little beyond.

    Example:
        >>> import numpy as np
        >>> from depth_refine.inference.resampling import uniform_times
        >>> uniform_times(np.array([0.0, 0.3, 0.5]), rate=5).tolist()
        [0.0, 0.2, 0.4, 0.6]
    """
    return times[0] + np.arange(np.ceil((times[-1] - times[0]) * rate - 1e-6) + 1) / rate


def interpolate(values: np.ndarray, times: np.ndarray, at: np.ndarray, smooth: bool) -> np.ndarray:
    """Values interpolated in time; before the first and after the last time they stay constant.

    Args:
        values: (N, ...). A component that is NaN at some time is NaN at all times of the result.
        times: (N,) seconds, ascending.
        at: (M,) seconds.
        smooth: interpolate by Akima's cubic, which does not overshoot between uneven times, instead of linearly.

    Returns:
        (M, ...) float32.

    Example:
        >>> import numpy as np
        >>> from depth_refine.inference.resampling import interpolate
        >>> values, times = np.array([[0.0], [1.0]]), np.array([0.0, 0.1])
        >>> interpolate(values, times, np.array([0.025, 0.2]), smooth=False).tolist()
        [[0.25], [1.0]]
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
