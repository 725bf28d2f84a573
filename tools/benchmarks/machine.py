"""What the machine can do at most: the ceilings beside which all else is measured."""

import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from depth_refine.models.matrix_product import linear

PRECISIONS = dict(fp32=torch.float32, bf16=torch.bfloat16)
_LARGEST_PRODUCT, _LONGEST_PRODUCT = 8192, 0.8  # rows; seconds


@dataclass(frozen=True)
class Machine:
    """The processor that computes, and its measured ceilings."""

    device: str  # cpu or cuda
    processor: str
    cores: int
    threads: int
    torch: str
    matrix: dict[str, float]  # FLOP/s of a large matrix product, by precision: fp32, bf16
    memory: float  # B/s, read and written

    def __str__(self) -> str:
        rates = ' and '.join(f'{rate / 1e9:,.0f} GFLOP/s in {name}' for name, rate in self.matrix.items())
        where = f'{self.processor}, {self.cores} cores, {self.threads} threads, PyTorch {self.torch}'
        return f'{where}; a large matrix product: {rates}; memory read and written: {self.memory / 1e9:,.1f} GB/s'


def measure_machine(device: str, largest_product: int = _LARGEST_PRODUCT, megabytes: int = 512) -> Machine:
    """Measure the ceilings, each as the best of several.

    Args:
        device: ``'cpu'`` or ``'cuda'``.
        largest_product: most rows of the matrices; on slow machines they have fewer.
        megabytes: size of the array that is read, and of the one that is written.
    """
    source = torch.ones(megabytes * 2**18, device=device)
    target = torch.empty_like(source)
    return Machine(
        device=device,
        processor=torch.cuda.get_device_name() if device == 'cuda' else _processor(),
        cores=os.cpu_count() or 1,
        threads=torch.get_num_threads(),
        torch=torch.__version__,
        matrix={name: _matrix_rate(device, dtype, largest_product) for name, dtype in PRECISIONS.items()},
        memory=2 * source.nbytes / min(seconds_of(lambda: target.copy_(source), device) for _ in range(5)),
    )


def seconds_of(work: Callable[[], object], device: str) -> float:
    """Seconds until the work is done, not only queued."""
    synchronise(device)
    start = time.perf_counter()
    work()
    synchronise(device)
    return time.perf_counter() - start


def synchronise(device: str) -> None:
    """Wait for the queue of an accelerator."""
    if device == 'cuda':
        torch.cuda.synchronize()


def _matrix_rate(device: str, dtype: torch.dtype, largest: int) -> float:
    """FLOP/s of the best of ten products of square matrices, the largest that do not take long.

    Half of them are PyTorch's, half the refiner's, which on some processors are another library's.
    """
    size, seconds = 64, 0.0
    while seconds < _LONGEST_PRODUCT / 8 and size < largest:  # twice the rows are eight times the work
        size *= 2
        a = torch.randn(size, size, device=device).to(dtype)  # GPUs clock higher on equal numbers
        (a @ a).sum()
        seconds = seconds_of(lambda a=a: a @ a, device)
    products = (lambda: a @ a, lambda: linear(a, a))
    return 2 * size**3 / min(seconds_of(product, device) for product in products for _ in range(5))


def _processor() -> str:
    """Its name, which only Linux tells in full."""
    path = Path('/proc/cpuinfo')
    lines = path.read_text().splitlines() if path.exists() else []
    names = [line.split(':', 1)[1].strip() for line in lines if line.startswith('model name')]
    return names[0] if names else platform.processor() or platform.machine()
