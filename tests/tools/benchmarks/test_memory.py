import pytest
from benchmarks.first_stage import decode_and_back, plain_soft_argmax_3d
from benchmarks.memory import measure_alone


@pytest.mark.slow
def test_usage():
    usage = measure_alone(decode_and_back, plain_soft_argmax_3d, (2, 8, 32, 64, 64), 'cpu')
    size = 4 * 2 * 8 * 32 * 64 * 64
    assert size < usage.growth < 8 * size < usage.peak < 4e9 and usage.seconds > 0
