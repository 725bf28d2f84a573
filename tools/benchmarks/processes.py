"""Time and memory of a piece of work in a process of its own."""

import contextlib
import multiprocessing
import resource
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import torch
from mmengine.registry import init_default_scope

from depth_refine.utils.errors import InputError

from .machine import seconds_of

_STATUS, _REFERENCES = Path('/proc/self/status'), Path('/proc/self/clear_refs')


class Usage(NamedTuple):
    """What a piece of work took.

    Attributes:
        result: what it returned.
        seconds: without its preparation and imports.
        growth: bytes that it had at most beyond what was there before: of the accelerator if one was used.
        peak: bytes of the largest process so far, this one or one that it started, imports and preparation included.
    """

    result: object
    seconds: float
    growth: int
    peak: int


def measure_alone(prepare: Callable[..., Callable[[], object]], *args, device: str = 'cpu') -> Usage:
    """Call ``prepare(*args)`` in a new process, and measure there what it returns.

    Args:
        prepare: a function of a module, which returns the work.
        args: of ``prepare``; they and the work's result are sent between processes.
        device: whose memory counts.

    Raises:
        InputError: memory is measured through ``/proc``, as Linux has it.
    """
    if not _REFERENCES.exists():
        raise InputError(
            f'memory is measured through {_REFERENCES}, which this system does not have: run this on Linux'
        )
    with ProcessPoolExecutor(1, multiprocessing.get_context('spawn')) as pool:
        return pool.submit(_measure, prepare, args, device).result()


def _measure(prepare: Callable, args: tuple, device: str) -> Usage:
    init_default_scope('mmpose')
    with contextlib.redirect_stdout(sys.stderr):  # standard output is for the tables
        work = prepare(*args)
        peak = _memory('VmHWM')
        _REFERENCES.write_text('5')  # the peak begins anew; getrusage's would hold that of the parent process
        before = _memory('VmRSS')
        if device == 'cuda':
            torch.cuda.reset_peak_memory_stats()
            before = torch.cuda.memory_allocated()
        results: list = []
        seconds = seconds_of(lambda: results.append(work()), device)
    after = torch.cuda.max_memory_allocated() if device == 'cuda' else _memory('VmHWM')
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    return Usage(results[0], seconds, max(after - before, 0), max(peak, _memory('VmHWM'), children))


def _memory(name: str) -> int:
    """Bytes of this process, by their name in /proc."""
    (line,) = [line for line in _STATUS.read_text().splitlines() if line.startswith(name)]
    return int(line.split()[1]) * 1024
