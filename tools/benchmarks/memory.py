"""Memory and time of a piece of work in a process of its own."""

import contextlib
import multiprocessing
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import torch
from mmengine.registry import init_default_scope

_STATUS = Path('/proc/self/status')
REFERENCES = Path('/proc/self/clear_refs')


class Usage(NamedTuple):
    """Time and memory of a piece of work."""

    seconds: float  # without its preparation and imports
    growth: int  # largest increase of memory, bytes: the GPU's if one was used
    peak: int  # largest memory of the process, bytes, imports and preparation included


def measure_alone(prepare: Callable[..., Callable[[], object]], *args, device: str = 'cpu') -> Usage:
    """Call ``prepare(*args)``, a function of a module, in a new process, and measure the work that it returns."""
    with ProcessPoolExecutor(1, multiprocessing.get_context('spawn')) as pool:
        return pool.submit(_measure, prepare, args, device).result()


def _measure(prepare: Callable, args: tuple, device: str) -> Usage:
    init_default_scope('mmpose')
    with contextlib.redirect_stdout(sys.stderr):  # standard output is for the table
        work = prepare(*args)
        peak = _resident('VmHWM')
        # resets the peak; getrusage's would include the parent process
        REFERENCES.write_text('5', encoding='utf-8')
        before, start = _resident('VmRSS'), time.perf_counter()
        if device == 'cuda':
            torch.cuda.reset_peak_memory_stats()
            before = torch.cuda.memory_allocated()
        work()
        seconds = time.perf_counter() - start
    after = torch.cuda.max_memory_allocated() if device == 'cuda' else _resident('VmHWM')
    return Usage(seconds, max(after - before, 0), max(peak, _resident('VmHWM')))


def _resident(name: str) -> int:
    """A memory size of this process, bytes, by its name in /proc."""
    (line,) = [line for line in _STATUS.read_text(encoding='utf-8').splitlines() if line.startswith(name)]
    return int(line.split()[1]) * 1024
