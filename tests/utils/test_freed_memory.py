import subprocess
import sys

from depth_refine.utils import freed_memory

PAGE_FAULTS = """
import resource, runpy, sys
import numpy as np
if sys.argv[1] == 'keep':
    runpy.run_path(sys.argv[2])['keep_freed_memory']()
for i in range(20):
    if i == 10:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    np.ones(50_000_000 // 8)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def page_faults(mode):
    """Of ten arrays of 50 MB, one after the other, in a process of its own."""
    command = [sys.executable, '-c', PAGE_FAULTS, mode, freed_memory.__file__]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def test_the_next_array_has_the_memory_of_the_last_one():
    assert page_faults('keep') < page_faults('plain') / 10
