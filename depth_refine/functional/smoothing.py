"""Motion without what is faster than people move."""

import numpy as np
from scipy.interpolate import make_smoothing_spline

_FEWEST = 5  # times that scipy's smoothing spline needs


def smooth_motion(values: np.ndarray, times: np.ndarray, cutoff: float) -> np.ndarray:
    """Smooth curves in time by a low pass without delay.

    The cubic smoothing spline: it minimises the squared distances from the values plus a multiple of its squared second
    derivative. On even times its amplitude response is that of a Butterworth filter of second order that is run
    forwards and backwards, 1 / (1 + (f / cutoff)^4), as biomechanics use it (Woltring, "A Fortran package for
    generalized, cross-validatory spline smoothing and differentiation", Advances in Engineering Software 8, 1986).
    Unlike that filter it takes times as they are, and at the ends it goes on straight, without a transient. Where times
    lie further apart than in the middle of all, it smooths a little less.

    Args:
        values: (T, ...) finite.
        times: (T,) seconds, ascending, in any steps.
        cutoff: Hz, where half the amplitude is left. 6 suits everyday motion; from half the frame rate on, little is
            smoothed.

    Returns:
        (T, ...) float64; fewer than 5 frames as they are.

    Raises:
        ValueError: there is not one time for each frame, times do not ascend, or ``cutoff`` is not above 0.
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
