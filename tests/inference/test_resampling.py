import numpy as np
import pytest

from depth_refine.inference.resampling import has_rate, interpolate, uniform_times


def wave(times):
    """Sines (T, 2, 3) of one cycle a second and slower ones."""
    return np.sin(2 * np.pi * times[:, None, None] * np.array([[1.0, 0.5, 0.2], [0.9, 0.3, 0.1]]) + 0.4)


def test_rate():
    times = np.arange(50) / 50
    assert has_rate(times, 50) and has_rate(times[:1], 50) and not has_rate(times, 25) and not has_rate(times, 60)
    assert has_rate(np.round(np.arange(60) / 29.97, 3), 30), 'times in whole milliseconds'
    assert not has_rate(np.delete(times, 20), 50)


@pytest.mark.parametrize('end', [0.0, 0.02, 0.031, 1.999])
def test_uniform_times_cover(end):
    at = uniform_times(np.array([0.5, 0.5 + end]), 50)
    np.testing.assert_allclose(np.diff(at), 0.02)
    assert at[0] == 0.5 and 0.5 + end - 1e-9 <= at[-1] < 0.5 + end + 0.02


def test_there_and_back():
    times = np.cumsum(np.random.default_rng(0).uniform(0.01, 0.06, 60))
    at = uniform_times(times, 50)
    there = interpolate(wave(times), times, at, smooth=True)
    assert there.dtype == np.float32 and there.shape == (len(at), 2, 3)
    assert np.abs(there - wave(at))[at <= times[-1]].max() < 0.02
    assert np.abs(interpolate(there, at, times, smooth=True) - wave(times)).max() < 0.025


def test_no_overshoot_beside_a_long_step():
    times = np.array([0, 0.02, 0.04, 0.06, 0.9, 0.92, 0.94, 0.96])
    found = interpolate(np.repeat([[0.0], [1]], 4, axis=0), times, np.linspace(0, 0.96, 200), smooth=True)
    assert found.min() > -0.01 and found.max() < 1.01


@pytest.mark.parametrize('smooth', [True, False])
def test_few_frames(smooth):
    found = interpolate(np.array([[1.0, 2.0]]), np.array([3.0]), np.array([3.0, 4.0]), smooth)
    np.testing.assert_array_equal(found, [[1, 2], [1, 2]])
    two = interpolate(np.array([[1.0], [3.0]]), np.array([0, 0.04]), np.array([0, 0.01, 0.04, 0.06]), smooth)
    np.testing.assert_allclose(two, [[1], [1.5], [3], [3]])
