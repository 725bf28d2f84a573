from pathlib import Path

import numpy as np
import pytest
from benchmarks import processes
from benchmarks.processes import measure_alone
from benchmarks.soft_argmax import make_step, plain_soft_argmax_3d

from depth_refine.utils.errors import InputError


def test_memory_of_the_work_alone():
    """Neither what this process once had, nor the heatmap of 16 MiB itself, is counted."""
    np.ones(2**26)  # 512 MiB, freed again
    usage = measure_alone(make_step, plain_soft_argmax_3d, (1, 1, 64, 256, 256), 'cpu')
    assert 2 * 2**24 <= usage.growth <= 8 * 2**24
    assert usage.growth < usage.peak and usage.seconds > 0 and usage.result is None


def test_result_and_arguments(same_process):
    usage = measure_alone(lambda *args: lambda: args, 1, 'b')
    assert usage.result == (1, 'b')


def test_systems_without_proc(monkeypatch):
    monkeypatch.setattr(processes, '_REFERENCES', Path('/proc/absent'))
    with pytest.raises(InputError, match='measured through /proc/absent, which this system does not have: run this on'):
        measure_alone(make_step)
