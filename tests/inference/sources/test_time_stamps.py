import numpy as np
import pytest

from depth_refine.inference.sources.time_stamps import ascending

LATER = list(range(2000, 2560, 40))


@pytest.mark.parametrize(
    ('stamps', 'times', 'misplaced'),
    [
        ([0, 40, 40, 80, 120], [0, 40, 60, 80, 120], 1),
        ([0, 0, 80, 80, 160, 160], [0, 40, 80, 120, 160, 200], 3),
        ([None, None, 100, 140], [20, 60, 100, 140], 2),  # by the usual step
        ([0, None, 40, None, None, 100], [0, 20, 40, 60, 80, 100], 3),
        ([0, 40, 30, 20, 10, 120], [0, 40, 60, 80, 100, 120], 3),
        ([-80, -40, 0], [-80, -40, 0], 0),
    ],
)
def test_between_neighbours(stamps, times, misplaced):
    got, counted = [], []

    def run():
        counted.append((yield from ascending(zip([*stamps, *LATER], range(99), strict=False), 40)))

    got = list(run())
    np.testing.assert_allclose([time for time, _ in got], [*times, *LATER], atol=1e-9)
    assert [item for _, item in got] == list(range(len(times) + len(LATER))) and counted == [misplaced]


@pytest.mark.parametrize('stamps', [[None] * 30, [1000, 1040, 1080, *range(0, 1080, 40)]])
def test_no_stamps_or_a_clock_that_was_set_back(stamps):
    """A bounded number of items waits, and the rate stays."""
    taken = []

    def items():
        for number, stamp in enumerate(stamps):
            taken.append(number)
            yield stamp, number

    times = []
    for time, item in ascending(items(), 40):
        times.append(time)
        assert len(taken) - item <= 4
    np.testing.assert_allclose(np.diff(times), 40)
    assert times[0] == (stamps[0] or 0)
