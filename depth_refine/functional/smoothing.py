"""A low-pass filter for motion."""

import numpy as np
from scipy.interpolate import make_smoothing_spline

_FEWEST = 5  # times that scipy's smoothing spline needs


def smooth_motion(values: np.ndarray, times: np.ndarray, cutoff: float) -> np.ndarray:
    """Curves smoothed in time by a low-pass filter without delay.

    The filter is the cubic smoothing spline. It minimises the squared distances from the values plus a multiple of its
    squared second derivative. On even times its amplitude response is 1 / (1 + (f / cutoff)^4), that of the
    second-order Butterworth filter, run forwards and backwards, of biomechanics (Woltring, "A Fortran package for
    generalized, cross-validatory spline smoothing and differentiation", Advances in Engineering Software 8, 1986).
    Unlike that filter it takes uneven times, and has no transients at the ends. Where times are further apart than in
    the median, it smooths a little less.

    Args:
        values: (T, ...) finite.
        times: (T,) seconds, ascending, in any steps.
        cutoff: Hz, the frequency whose amplitude is halved. 6 suits everyday motion; from half the frame rate on, there
            is little smoothing.

    Returns:
        (T, ...) float64; fewer than 5 frames are returned unchanged.

    Raises:
        ValueError: there is not one time for each frame, times do not ascend, or ``cutoff`` is not above 0.

    Example:
        >>> import numpy as np
        >>> from depth_refine.functional.smoothing import smooth_motion
        >>> times = np.arange(200) / 50
        >>> slow, fast = np.sin(2 * np.pi * times), np.sin(2 * np.pi * 20 * times)  # 1 Hz and 20 Hz
        >>> error = smooth_motion(slow + 0.1 * fast, times, cutoff=6.0) - slow
        >>> bool(np.abs(error[20:-20]).max() < 0.01)
        True
    """
    values, times = np.asarray(values, np.float64), np.asarray(times, np.float64)
    if times.shape != values.shape[:1] or not np.all(np.diff(times) > 0):
        raise ValueError(f'expected a time for each of {len(values)} frames, ascending, got {times}')
    if not 0 < cutoff < np.inf:
        raise ValueError(f'expected a cut-off frequency above 0 Hz, got {cutoff}')
    if len(values) < _FEWEST:
        return values.copy()
    rate = 1 / np.median(np.diff(times))
    return make_smoothing_spline(times, values, lam=rate / (2 * np.pi * cutoff) ** 4)(times)
