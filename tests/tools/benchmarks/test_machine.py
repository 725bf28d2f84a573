import os

import pytest
import torch
from benchmarks import machine
from benchmarks.machine import measure_machine, seconds_of


def fixed_time(monkeypatch, seconds):
    monkeypatch.setattr(machine, 'seconds_of', lambda work, device: work() is None or seconds)


@pytest.mark.parametrize(('seconds', 'rows'), [(1e-6, 256), (2.0, 128)])
def test_products_are_as_large_as_time_allows(monkeypatch, seconds, rows):
    fixed_time(monkeypatch, seconds)
    found = measure_machine('cpu', largest_product=256, megabytes=1)
    assert found.matrix == {name: pytest.approx(2 * rows**3 / seconds) for name in ('fp32', 'bf16')}
    assert found.memory == pytest.approx(2 * 2**20 / seconds), 'each byte is read and written'


def test_says_where_it_measured():
    found = measure_machine('cpu', largest_product=128, megabytes=1)
    assert found.device == 'cpu' and found.processor and found.torch == torch.__version__
    assert (found.cores, found.threads) == (os.cpu_count(), torch.get_num_threads())


def test_text(machine):
    assert str(machine) == (
        'Abacus, 2 cores, 1 threads, PyTorch 2.0; a large matrix product: 1 GFLOP/s in fp32 and 4 GFLOP/s in bf16; '
        'memory read and written: 10.0 GB/s'
    )


def test_seconds_of_runs_the_work_once():
    calls = []
    assert seconds_of(lambda: calls.append(1), 'cpu') >= 0
    assert calls == [1]
