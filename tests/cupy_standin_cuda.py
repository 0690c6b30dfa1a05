"""The part of the stand-in for CuPy that is no array: counters, devices, memory, events, and the mode of cuBLAS."""
import time
from types import SimpleNamespace

import numpy

GIB = 2 ** 30


class Counters:
    """What went between host and device, and how often the host waited.

    ``uploads`` and ``downloads``: copies to the device and back; ``uploaded``: bytes copied to it, one entry a copy;
    ``synchronizations``: times the host waited, downloads included.
    """

    def __init__(self):
        self.reset()

    def reset(self):
        self.synchronizations = self.downloads = 0
        self.uploaded = []

    uploads = property(lambda self: len(self.uploaded))
    transfers = property(lambda self: self.uploads + self.downloads)


counters = Counters()


def synchronize():
    counters.synchronizations += 1


class Device:
    """One of ``count`` devices; ``current`` is the one that a with statement has chosen."""

    count, current = 1, 0
    compute_capability = "90"

    def __init__(self, device=None):
        self.id = Device.current if device is None else int(device)

    mem_info = property(lambda self: memory_info())

    def __enter__(self):
        self.before, Device.current = Device.current, self.id
        return self

    def __exit__(self, *error):
        Device.current = self.before

    def use(self):
        Device.current = self.id
        return self

    def synchronize(self):
        synchronize()

    def __eq__(self, other):
        return isinstance(other, Device) and self.id == other.id

    def __hash__(self):
        return hash(self.id)


def memory_info():
    """(free, total) bytes of the current device."""
    return 3 * GIB, 4 * GIB


class OutOfMemoryError(MemoryError):
    """CuPy's, with its message."""

    def __init__(self, size, total, limit=0):
        super().__init__(f"Out of memory allocating {size:,} bytes (allocated so far: {total:,} bytes).")


class Event:
    """A point in the device's work; here everything is done at once, so its time is the host's."""

    def __init__(self, block=False, disable_timing=False, interprocess=False):
        self.at = None

    def record(self, stream=None):
        self.at = time.perf_counter()

    def synchronize(self):
        synchronize()


class Stream:
    """The default stream, for all."""

    def synchronize(self):
        synchronize()


Stream.null = Stream()


class MemoryPool:
    """A pool that holds nothing, for the arrays are the host's."""

    def used_bytes(self):
        return 0

    def total_bytes(self):
        return 0

    def free_all_blocks(self, stream=None):
        return None


class Cublas:
    """cuBLAS as far as its mode goes: one handle per device, each with its own mode. CuPy names no mode of TF32."""

    CUBLAS_DEFAULT_MATH = 0

    def __init__(self):
        self.modes = {}

    def setMathMode(self, handle, mode):  # noqa: N802  (CuPy's name)
        self.modes[handle] = mode

    def getMathMode(self, handle):  # noqa: N802
        return self.modes.get(handle, self.CUBLAS_DEFAULT_MATH)


class Core:
    """``cupy._core``: the type in which products of two matrices are computed, for each dtype."""

    _routines_linalg = SimpleNamespace(COMPUTE_TYPE_DEFAULT=1, COMPUTE_TYPE_BF16=6, COMPUTE_TYPE_TF32=7)

    def __init__(self):
        self.types = {}

    def set_compute_type(self, dtype, compute_type):
        self.types[numpy.dtype(dtype)] = compute_type

    def get_compute_type(self, dtype):
        return self.types.get(numpy.dtype(dtype), self._routines_linalg.COMPUTE_TYPE_DEFAULT)


cuda = SimpleNamespace(
    Device=Device, Event=Event, Stream=Stream, get_current_stream=lambda device_id=-1: Stream.null,
    get_elapsed_time=lambda start, end: 1e3 * (end.at - start.at),
    get_cublas_handle=lambda: 1000 + Device.current, cublas=Cublas(),
    memory=SimpleNamespace(OutOfMemoryError=OutOfMemoryError),
    runtime=SimpleNamespace(
        getDeviceCount=lambda: Device.count, deviceSynchronize=synchronize, memGetInfo=lambda: memory_info(),
        runtimeGetVersion=lambda: 12090, driverGetVersion=lambda: 13000,
        getDeviceProperties=lambda index: {"name": b"Stand-in 9000", "totalGlobalMem": 4 * GIB, "major": 9,
                                           "minor": 0, "multiProcessorCount": 1}))
