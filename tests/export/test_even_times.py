import numpy as np
import pytest

from depth_refine.export.even_times import at_even_times, even_rate, even_times_note

RNG = np.random.default_rng(0)
STEADY = np.arange(200) / 30


@pytest.mark.parametrize(
    ('times', 'rate', 'is_even'),
    [
        (STEADY, 30, True),
        (5 + np.arange(200) / 29.97, 29.97, True),
        (STEADY.round(3), 30, True),  # whole milliseconds, as in mkv and webm
        (np.delete(STEADY, [50, 90, 91, 130]), 30, False),  # lost frames
        (np.concatenate([np.arange(30) / 50, 0.6 + np.arange(60) / 10]), 50, False),
        (np.concatenate([np.arange(300) / 30, 10 + np.arange(240) / 240]), 240, False),  # slow motion at the end
        (np.cumsum(RNG.uniform(0.035, 0.045, 400)), 25, False),
        (np.ravel(STEADY[::2, None] + [0, 0.001]), 30, False),  # frames that come in pairs
        ([7.5], 50, True),
    ],
)
def test_the_rate_at_which_no_frame_is_lost(times, rate, is_even):
    assert even_rate(times) == pytest.approx(rate, rel=0.01)
    note = even_times_note(times)
    assert (note is None) == is_even and (is_even or 'interpolated to' in note)


def test_values_of_even_frames_stay_as_they_are(make_track):
    track = make_track(frames=60)  # 3 to 62
    rate, even, values = at_even_times(track, 1.4 + np.arange(70) / 30, track.keypoints_3d)
    assert rate == pytest.approx(30)
    np.testing.assert_allclose(even, 1.4 + np.arange(3, 63) / 30, atol=1e-12)
    np.testing.assert_allclose(values, track.keypoints_3d, atol=1e-12)
