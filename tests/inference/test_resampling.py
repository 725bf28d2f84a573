import numpy as np
import pytest

from depth_refine.inference.resampling import fill_gaps, has_rate, resample, uniform_times


def wave(times):
    """(T, 2, 3): one cycle a second and slower."""
    return np.sin(2 * np.pi * times[:, None, None] * np.array([[1.0, 0.5, 0.2], [0.9, 0.3, 0.1]]) + 0.4)


def test_rate():
    times = np.arange(50) / 50
    assert has_rate(times, 50) and not has_rate(times, 25) and not has_rate(times, 60)
    assert has_rate(np.round(np.arange(60) / 29.97, 3), 30), 'times in whole milliseconds'
    assert not has_rate(np.delete(times, 20), 50)
    assert has_rate(times[:1], 50)


@pytest.mark.parametrize('end', [0.0, 0.02, 0.031, 1.0, 1.999])
def test_uniform_times_cover(end):
    at = uniform_times(np.array([0.5, 0.5 + end]), 50)
    np.testing.assert_allclose(np.diff(at), 0.02)
    assert at[0] == 0.5 and at[-1] >= 0.5 + end - 1e-9 and at[-1] < 0.5 + end + 0.02


@pytest.mark.parametrize('seed', range(3))
def test_there_and_back(seed):
    times = np.cumsum(np.random.default_rng(seed).uniform(0.01, 0.06, 60))
    at = uniform_times(times, 50)
    there = resample(wave(times), times, at)
    inside = at <= times[-1]
    assert there.dtype == np.float32 and there.shape == (len(at), 2, 3)
    assert np.abs(there - wave(at))[inside].max() < 0.02
    assert np.abs(resample(there, at, times) - wave(times)).max() < 0.025


def test_smooth_where_linear_is_not():
    times, at = np.arange(0, 2, 1 / 15), np.arange(0.2, 1.7, 0.02)
    linear = np.stack([np.interp(at, times, column) for column in wave(times).reshape(len(times), -1).T], axis=-1)
    error = np.abs(resample(wave(times), times, at) - wave(at)).max()
    assert error < np.abs(linear.reshape(-1, 2, 3) - wave(at)).max() / 3


def test_no_overshoot_beside_a_long_step():
    times = np.array([0, 0.02, 0.04, 0.06, 0.9, 0.92, 0.94, 0.96])
    values = np.array([0, 0, 0, 0, 1, 1, 1, 1.0])[:, None]
    found = resample(values, times, np.linspace(0, 0.96, 200))
    assert found.min() > -0.01 and found.max() < 1.01


def test_few_frames():
    value = np.array([[1.0, 2.0]])
    np.testing.assert_array_equal(resample(value, np.array([3.0]), np.array([3.0, 4.0])), [[1, 2], [1, 2]])
    two = resample(np.array([[1.0], [3.0]]), np.array([0, 0.04]), np.array([0, 0.02, 0.04, 0.06]))
    np.testing.assert_allclose(two, [[1], [2], [3], [3]])


def test_gaps_are_linear_in_time():
    times = np.array([0, 0.02, 0.05, 0.1, 0.2])
    values = np.random.default_rng(0).normal(size=(3, 4, 5)).astype(np.float32)
    filled = fill_gaps(values, times[[0, 1, 4]], times)
    np.testing.assert_allclose(filled[[0, 1, 4]], values, atol=1e-6)
    for row in (2, 3):
        share = (times[row] - 0.02) / 0.18
        np.testing.assert_allclose(filled[row], values[1] * (1 - share) + values[2] * share, atol=1e-6)
    np.testing.assert_array_equal(fill_gaps(values[:1], times[:1], times[:1]), values[:1])
