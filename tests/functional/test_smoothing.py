"""Smoothing against scipy's Butterworth filter and the curves that it must keep."""

import numpy as np
import pytest
from scipy.signal import butter, filtfilt

from depth_refine.functional.smoothing import smooth_motion


@pytest.mark.parametrize(('rate', 'cutoff', 'tolerance'), [(200, 6, 1e-3), (120, 3, 5e-4), (50, 4, 5e-3)])
def test_away_from_the_ends_it_is_the_butterworth_filter_run_both_ways(rate, cutoff, tolerance):
    steps = np.random.default_rng(0).normal(size=(4 * rate, 3, 2)) / np.sqrt(rate)
    walk, times = np.cumsum(steps, axis=0), 7 + np.arange(4 * rate) / rate
    expected = filtfilt(*butter(2, cutoff, fs=rate), walk, axis=0)
    smoothed = smooth_motion(walk.astype(np.float32), times, cutoff)
    np.testing.assert_allclose(smoothed[rate:-rate], expected[rate:-rate], atol=tolerance)
    assert np.abs(walk - expected)[rate:-rate].max() > 0.2, 'the filter should do something'


def test_uneven_times_gaps_and_ends():
    """A line stays, at its ends too; a sine at the cut-off frequency is halved, at whatever times it is sampled."""
    rng = np.random.default_rng(1)
    times = np.cumsum(rng.uniform(0.005, 0.007, 2000))
    times[1200:] += 1.5
    line = np.stack([3 - 2 * times, times], axis=-1)
    np.testing.assert_allclose(smooth_motion(line, times, 5.0), line, atol=1e-8)
    sine = np.sin(2 * np.pi * 5 * times)
    inside = np.r_[100:1100, 1300:1900]
    np.testing.assert_allclose(smooth_motion(sine, times, 5.0)[inside], sine[inside] / 2, atol=0.03)


def test_four_frames_stay_and_five_do_not():
    values, times = np.array([0.0, 1, 0, 1, 0]), np.arange(5) / 50
    np.testing.assert_array_equal(smooth_motion(values[:4], times[:4], 5), values[:4])
    assert np.ptp(smooth_motion(values, times, 5)) < 0.5


@pytest.mark.parametrize(
    ('times', 'cutoff', 'message'),
    [
        (np.arange(6), 5, 'expected a time for each of 7 frames, ascending'),
        ([0, 1, 2, 2, 3, 4, 5], 5, 'expected a time for each of 7 frames, ascending'),
        (np.arange(7), 0, 'expected a cut-off frequency above 0 Hz, got 0'),
        (np.arange(7), np.nan, 'expected a cut-off frequency above 0 Hz, got nan'),
    ],
)
def test_wrong_arguments_are_refused(times, cutoff, message):
    with pytest.raises(ValueError, match=message):
        smooth_motion(np.zeros((7, 2)), times, cutoff)
