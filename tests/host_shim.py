"""CuPy's RawModule on the host: CUDA sources compiled by g++ or clang++ behind host_shim.h, and run thread by thread.

A kernel runs with `threads` threads a block, one unless a test wants to see threads meet, and with at most three
blocks: kernels loop in strides of the grid, so that any numbers are right. Compiled libraries stay in the temporary
folder.
"""
import contextlib
import ctypes
import hashlib
import os
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy

COMPILER = next(filter(None, map(shutil.which, ("g++", "clang++"))), None)
HEADER = Path(__file__).with_name("host_shim.h")
FLAGS = ["-std=c++17", "-O1", "-shared", "-fPIC", "-ffp-contract=off", "-fno-strict-aliasing", "-Wall",
         "-Wno-tautological-compare",  # x != x is how a kernel asks for NaN
         "-Wno-unknown-pragmas", "-Werror"]
MOST_BLOCKS = 3

threads = 1
_running = threading.Lock()


class CompileException(Exception):
    """What CuPy raises for a source that does not compile."""


@contextlib.contextmanager
def several(count):
    """Run kernels with ``count`` host threads a block inside."""
    global threads
    before, threads = threads, count
    try:
        yield
    finally:
        threads = before


class RawModule:
    """CUDA source behind the names of CuPy's class."""

    def __init__(self, *, code, options=()):
        self.code, self.options = code, options

    def compile(self):
        _library(self.code, self.options)

    def get_function(self, name):
        return RawKernel(_library(self.code, self.options), name)


class RawKernel:
    """One kernel: called with grid, block and arguments as CuPy's."""

    def __init__(self, library, name):
        self.name, self._library, self._function = name, library, getattr(library, name)

    def __call__(self, grid, block, args, *, shared_mem=0):
        if len(grid) != 1 or len(block) != 1 or not 1 <= block[0] <= 1024 or grid[0] < 1 or shared_mem:
            raise ValueError(f"{self.name}: expected one-dimensional grid and block, no dynamic shared memory, got "
                             f"{grid}, {block}, {shared_mem}")
        converted = [_converted(self.name, value) for value in args]
        with _running:
            self._library.shim_sizes(min(grid[0], MOST_BLOCKS), threads)
            for number in range(min(grid[0], MOST_BLOCKS)):
                self._run_block(number, converted)

    def _run_block(self, number, args):
        def run(thread):
            self._library.shim_place(number, thread)
            self._function(*args)
        others = [threading.Thread(target=run, args=(thread,)) for thread in range(1, threads)]
        for other in others:
            other.start()
        run(0)
        for other in others:
            other.join()


def without_compiler(cpu, standin):
    """The kernels of the CPU for the arrays of the stand-in: what machines without a C++ compiler test instead."""
    def wrapped(name):
        def kernel(*args):
            return standin._wrap(getattr(cpu, name)(*[standin._unwrap(value, name) for value in args]))
        return kernel
    return SimpleNamespace(**{name: wrapped(name) for name in cpu.__all__})


def _converted(name, value):
    """The argument as ctypes passes it; TypeError for what CuPy would pass in another size than our kernels expect."""
    if value is None:
        return ctypes.c_void_p(None)
    if hasattr(value, "_host"):
        if not value.flags.c_contiguous:
            raise ValueError(f"{name}: expected C-contiguous arrays, got strides {value.strides} for {value.shape}")
        return ctypes.c_void_p(value._host.ctypes.data)
    if isinstance(value, numpy.ndarray) and value.size == 1:
        return _blob(value.nbytes // 4).from_buffer_copy(value.tobytes())
    if type(value) is int:
        return ctypes.c_longlong(value)
    if type(value) is float:
        return ctypes.c_double(value)
    raise TypeError(f"{name}: expected arrays, int, float, struct or None, got {type(value)}")


def _blob(count):
    """The type of a struct of ``count`` ints."""
    return type("Blob", (ctypes.Structure,), {"_fields_": [("numbers", ctypes.c_int * count)]})


_loaded = {}  # libraries, and what the compiler had to say where there is none


def _library(code, options):
    text = "\n".join([HEADER.read_text(encoding="utf-8"), code, *FLAGS, *options, str(COMPILER)])
    key = hashlib.sha256(text.encode()).hexdigest()[:24]
    if key not in _loaded:
        file = Path(tempfile.gettempdir()) / f"tinygan-host-shim-{os.getuid()}" / f"{key}.so"
        said = None if file.exists() else _compile(code, options, file)
        _loaded[key] = said or ctypes.CDLL(str(file))
    if isinstance(_loaded[key], str):
        raise CompileException(_loaded[key])
    return _loaded[key]


def _compile(code, options, file):
    """Make the library ``file``, or return the compiler's message."""
    if COMPILER is None:
        return "expected g++ or clang++ to run CUDA sources on the host, found neither"
    file.parent.mkdir(exist_ok=True)
    macros = [option for option in options if option.startswith("-D")]
    made = file.with_suffix(f".{os.getpid()}.so")  # renamed when complete: another process may be at it too
    command = [COMPILER, *FLAGS, *macros, "-include", str(HEADER), "-x", "c++", "-", "-o", str(made)]
    result = subprocess.run(command, input=code, capture_output=True, text=True, timeout=300)
    if result.returncode:
        return result.stderr or "no message"
    os.replace(made, file)
    return None
