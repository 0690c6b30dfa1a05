"""Freed memory is kept for the next array, where the C library can be told so."""
import platform
import subprocess
import sys

import pytest

# 100 arrays of 100 KiB at once: 2,500 pages of 4 KiB are visited anew when they go back to the system in between.
PROGRAM = """
import resource
import numpy as np
from tinygan.kernels import threads
from tinygan.kernels.memory import keep_freed_memory
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    arrays = [np.full(25 * 1024, 1.0, np.float32) for _ in range(100)]
    del arrays
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
before = [faults() for _ in range(3)][-1]
keeps = keep_freed_memory() if {direct} else threads.limit_blas() is None
print(keeps, before, [faults() for _ in range(3)][-1])
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has the switch")
@pytest.mark.parametrize("direct", [True, False], ids=["told", "at the first use of the pool"])
def test_memory_is_mapped_once(direct):
    done = subprocess.run([sys.executable, "-c", PROGRAM.format(direct=direct)], capture_output=True, text=True,
                          check=True)
    keeps, before, after = done.stdout.split()
    assert keeps == "True"
    assert int(before) > 1000 > 100 > int(after)


def test_nothing_happens_where_there_is_no_switch(monkeypatch):
    import ctypes

    from tinygan.kernels.memory import keep_freed_memory
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    assert keep_freed_memory() is False
