"""Freed memory is kept for the next array, where the C library can be told so."""
import platform
import subprocess
import sys

import pytest

# 64 arrays of 4 MiB, one after the other: 65,536 pages of 4 KiB are visited anew when each goes back to the system.
PROGRAM = """
import resource
import numpy as np
from tinygan.kernels import threads
from tinygan.kernels.memory import keep_freed_memory
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(64):
        np.empty(1 << 20, np.float32).fill(1.0)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
keeps = keep_freed_memory() if {direct} else threads.limit_blas() is None
faults()
print(keeps, faults())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has the switch")
@pytest.mark.parametrize("direct", [True, False], ids=["told", "at the first use of the pool"])
def test_memory_is_mapped_once(direct):
    done = subprocess.run([sys.executable, "-c", PROGRAM.format(direct=direct)], capture_output=True, text=True,
                          check=True)
    keeps, faults = done.stdout.split()
    assert keeps == "True"
    assert int(faults) < 1024  # one array has that many pages


def test_nothing_happens_where_there_is_no_switch(monkeypatch):
    import ctypes

    from tinygan.kernels.memory import keep_freed_memory
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    assert keep_freed_memory() is False
