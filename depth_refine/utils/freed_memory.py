"""Reuse of freed memory by the process."""

import ctypes
import sys

# names and numbers of the parameters of mallopt(3) in glibc
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4
_LARGEST = 2**31 - 1


def keep_freed_memory() -> None:
    """Make this process, and those that it forks, keep freed memory for what they allocate next.

    glibc maps every large array anew and returns it to the system when it is freed. The system then has to clear and
    map its pages again, which takes a third to half of the time of a batch of training windows (docs/performance.md).
    Other systems and other C libraries are left as they are. Up to 2 GB of free memory stay with the process.
    """
    if sys.platform != 'linux':
        return
    mallopt = getattr(ctypes.CDLL(None), 'mallopt', None)  # musl has none
    if mallopt is not None:
        mallopt(_MMAP_MAX, 0)  # large arrays from the heap
        mallopt(_TRIM_THRESHOLD, _LARGEST)
        mallopt(_TOP_PAD, 2**26)  # bytes by which the heap grows
