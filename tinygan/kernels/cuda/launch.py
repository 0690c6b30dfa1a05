"""Our own CUDA kernels: compiled by CuPy from the files in sources/ at first use, and launched on its current stream.

A source is CUDA C++17 for one number type, `real`, and one integer for positions, `index_t`; both are macros of the
compilation, so that a kernel is plain ``extern "C"``. Kernels obey four rules, so that the tests can run the same
source on a CPU: loops run in strides of the whole grid or block and are right for any number of blocks and threads;
threads of a block talk through shared memory and __syncthreads alone; arrays are C-contiguous; a number is a
``long long`` or a ``double``, several come as one struct of ``int``. Nothing here waits for the device.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path

import numpy as np

from tinygan.backend import _cupy

SOURCES = Path(__file__).with_name("sources")
THREADS = 256  # of a block: a multiple of the warp of 32; 8 such blocks fill a multiprocessor of 2,048 threads
MOST_BLOCKS = 1 << 16  # beyond that, every thread takes several elements
NARROW = 1 << 30  # elements up to which positions are 32-bit integers, which divide several times faster than 64-bit
C_NAMES = {"float32": "float", "float64": "double", "int32": "int", "int64": "long long", "uint8": "unsigned char"}


def kernel(file, name, dtype=np.float32, size=0):
    """The kernel ``name`` of sources/``file``.cu for arrays of ``dtype`` with at most ``size`` elements.

    Compiled at the first call for each file, dtype and width of positions; CuPy keeps what it compiled on disk too, and
    compiles anew for another device. Raises RuntimeError with the compiler's message when it cannot be compiled, and
    TypeError for a dtype that no kernel has.
    """
    return _function(file, name, np.dtype(dtype), size > NARROW)


def launch(function, threads, *args):
    """Run ``function`` with one thread for each of ``threads`` elements, or fewer that take several each."""
    if threads:
        function((min(-(-threads // THREADS), MOST_BLOCKS),), (THREADS,), tuple(map(_argument, args)))


def launch_rows(function, rows, length, *args):
    """Run ``function`` with one block for each of ``rows`` rows, of as many threads as ``length`` elements can use."""
    if rows:
        threads = max(32, min(THREADS, -(-length // 32) * 32))
        function((min(rows, MOST_BLOCKS),), (threads,), tuple(map(_argument, args)))


def struct(*numbers):
    """The integers ``numbers`` (or tuples of them) as one argument: a struct of ``int`` that kernels take by value."""
    flat = [n for part in numbers for n in (part if isinstance(part, tuple) else (part,))]
    return np.array([tuple(flat)], [(f"n{i}", np.int32) for i in range(len(flat))])


def source(file):
    """The text of sources/``file``.cu with what it includes written out: CuPy's cache does not look into headers."""
    def included(match):
        return (SOURCES / match.group(1)).read_text(encoding="utf-8")
    return re.sub(r'^#include "(.+)"$', included, (SOURCES / f"{file}.cu").read_text(encoding="utf-8"), flags=re.M)


def options(dtype, wide):
    """The compiler's options for arrays of ``dtype``, with 64-bit positions when ``wide``."""
    if dtype.name not in C_NAMES:
        raise TypeError(f"cuda kernels: expected a dtype among {', '.join(C_NAMES)}, got {dtype}")
    return "--std=c++17", f"-DREAL={C_NAMES[dtype.name]}", f"-DINDEX={'long long' if wide else 'int'}"


@functools.lru_cache(maxsize=None)
def _function(file, name, dtype, wide):
    return _module(file, dtype, wide).get_function(name)


@functools.lru_cache(maxsize=None)
def _module(file, dtype, wide):
    cupy = _cupy()
    module = cupy.RawModule(code=source(file), options=options(dtype, wide))
    try:
        module.compile()
    except cupy.cuda.compiler.CompileException as error:
        raise RuntimeError(f"cuda kernels: expected {file}.cu to compile for {dtype}, got {error}; check that CuPy "
                           "fits the installed CUDA (cupy.show_config() prints both)") from error
    return module


def _argument(value):
    """Numbers as Python's int and float, which CuPy passes as ``long long`` and ``double``."""
    value = value.item() if isinstance(value, np.generic) else value
    return int(value) if isinstance(value, bool) else value
