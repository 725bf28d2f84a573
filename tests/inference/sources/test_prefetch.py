import threading

import pytest

from depth_refine.inference.sources.prefetch import prefetch


@pytest.fixture(autouse=True)
def no_threads_left():
    yield
    assert not [thread for thread in threading.enumerate() if thread.name == 'prefetch']


def test_works_a_bounded_number_ahead_and_closes_the_generator():
    made, closed = [], []

    def items():
        try:
            for number in range(100):
                made.append(number)
                yield number
        finally:
            closed.append(True)

    ahead = prefetch(items(), 4)
    assert [next(ahead) for _ in range(11)] == list(range(11))
    assert 11 <= len(made) <= 11 + 4 + 1, 'those taken, those that wait, one in hand'
    ahead.close()
    assert closed == [True]


def test_newest_drops_the_oldest_and_errors_come_last():
    all_made = threading.Event()

    def items():
        yield from range(10)
        all_made.set()
        raise OSError('unplugged')

    ahead = prefetch(items(), 1, newest=True)
    taken = [next(ahead)]
    assert all_made.wait(10), 'the thread does not pause for a slow consumer'
    with pytest.raises(OSError, match='unplugged'):
        taken.extend(ahead)
    assert taken in ([9], [taken[0], 9]), 'the first and the one that waits, before the error'
