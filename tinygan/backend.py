"""Devices and array modules: the one place that knows whether an array lives on the CPU or on a GPU.

Everything above this file works on "arrays" and asks here which module they belong to. CuPy is imported by
:func:`_cupy` alone, the first time a GPU is asked for, so ``import tinygan`` needs NumPy and nothing else.
"""

from __future__ import annotations

import functools
import importlib

import numpy as np


@functools.lru_cache(maxsize=None)
def _cupy():
    """The CuPy module; raises RuntimeError with the command that installs it when it cannot be imported."""
    try:
        cupy = importlib.import_module("cupy")
    except ImportError as error:
        raise RuntimeError(f"device 'cuda': expected CuPy to be installed, got {error}; "
                           "install it with pip install 'tinygan[cuda12]' or 'tinygan[cuda13]'") from error
    # or the environment variable CUPY_TF32 would decide it, and no environment variable changes results
    cupy._core.set_compute_type(np.float32, cupy._core._routines_linalg.COMPUTE_TYPE_DEFAULT)
    return cupy


@functools.lru_cache(maxsize=None)
def cuda_available() -> bool:
    """Whether CuPy can be imported and sees at least one GPU."""
    try:
        return _cupy().cuda.runtime.getDeviceCount() > 0
    except Exception:  # CuPy raises its own error classes for a missing driver; all of them mean "no GPU"
        return False


class Device:
    """Where an array lives: ``device("cpu")``, ``device("cuda")`` or ``device("cuda:1")``.

    ``type`` is ``"cpu"`` or ``"cuda"``, ``index`` the number of the GPU (0 on the CPU), ``xp`` the array module.
    Compares equal to its own string form.
    """

    __slots__ = ("type", "index")

    def __init__(self, name: str = "cpu"):
        kind, _, index = str(name).partition(":")
        if kind not in ("cpu", "cuda") or (index and not index.isdigit()) or (kind == "cpu" and index):
            raise ValueError(f"device: expected 'cpu', 'cuda' or 'cuda:<index>', got {name!r}")
        self.type = kind
        self.index = int(index or 0)

    @property
    def xp(self):
        return np if self.type == "cpu" else _cupy()

    def __eq__(self, other):
        if isinstance(other, str):
            other = Device(other)
        return isinstance(other, Device) and (self.type, self.index) == (other.type, other.index)

    def __hash__(self):
        return hash((self.type, self.index))

    def __str__(self):
        return self.type if self.type == "cpu" else f"{self.type}:{self.index}"

    def __repr__(self):
        return f"device('{self}')"


CPU = Device("cpu")


def device(name) -> Device:
    """The Device called ``name``; a Device is returned as it is. Raises ValueError for an unknown name."""
    return name if isinstance(name, Device) else Device(name)


def resolve_device(name="auto") -> Device:
    """The device a program should use: ``"auto"`` is the GPU when CuPy finds one, else the CPU.

    A GPU becomes CuPy's current one, for kernels are launched there: a program that takes several moves between them
    with ``cupy.cuda.Device``. Raises RuntimeError when a GPU is asked for by name and none is there.
    """
    if name == "auto":
        name = "cuda" if cuda_available() else "cpu"
    chosen = device(name)
    if chosen.type == "cuda":
        count = _cupy().cuda.runtime.getDeviceCount() if cuda_available() else 0
        if chosen.index >= count:
            raise RuntimeError(f"device {str(chosen)!r}: expected a GPU with index {chosen.index}, CuPy finds {count}; "
                               "use --device cpu or --device auto")
        chosen.xp.cuda.Device(chosen.index).use()
    return chosen


PRECISIONS = ("highest", "tf32", "bf16")
_TF32_MATH = 3  # CUBLAS_TF32_TENSOR_OP_MATH of cuBLAS, which CuPy does not name
_REDUCED_CAPABILITY = 80  # compute capability 8.0: the first GPUs that have TensorFloat-32 and bfloat16
_precision = "highest"


def set_precision(name: str) -> None:
    """How exact products of float32 matrices are on GPUs: ``"highest"`` (float32, the default), "tf32" or "bf16".

    "tf32" rounds both factors to TensorFloat-32 (10 bits of mantissa instead of 23, the range of float32), "bf16" to
    bfloat16 (7 bits, the same range); both add up in float32, on tensor cores, and tensors stay float32. For stacks of
    matrices cuBLAS knows no bfloat16: they are multiplied in TensorFloat-32 then. It counts for products made in this
    thread from now on, on every GPU, and changes nothing on the CPU, in float64, and where a GPU is older than compute
    capability 8.0. Raises ValueError for another name.
    """
    global _precision
    if name not in PRECISIONS:
        raise ValueError(f"set_precision: expected 'highest', 'tf32' or 'bf16', got {name!r}")
    _precision = name
    if not cuda_available():
        return
    cupy = _cupy()
    devices = [cupy.cuda.Device(index) for index in range(cupy.cuda.runtime.getDeviceCount())]
    if not all(int(d.compute_capability) >= _REDUCED_CAPABILITY for d in devices):
        name = "highest"
    # CuPy multiplies two matrices in a type of its own setting, and stacks of matrices in the mode of the handle
    types = cupy._core._routines_linalg
    kinds = {"highest": types.COMPUTE_TYPE_DEFAULT, "tf32": types.COMPUTE_TYPE_TF32, "bf16": types.COMPUTE_TYPE_BF16}
    cupy._core.set_compute_type(np.float32, kinds[name])
    for one in devices:
        with one:
            cupy.cuda.cublas.setMathMode(cupy.cuda.get_cublas_handle(),
                                         cupy.cuda.cublas.CUBLAS_DEFAULT_MATH if name == "highest" else _TF32_MATH)


def get_precision() -> str:
    """The name that :func:`set_precision` was given last; "highest" if it never was."""
    return _precision


def array_module(x):
    """The module (NumPy or CuPy) that array ``x`` belongs to."""
    if isinstance(x, (np.ndarray, np.generic)):
        return np
    if _is_cuda(x):
        return _cupy()
    raise TypeError(f"array_module: expected a NumPy or CuPy array, got {type(x).__name__}")


def _is_cuda(x) -> bool:
    # an object can only be a CuPy array when CuPy was imported already, so this never imports it
    return _cupy.cache_info().currsize > 0 and isinstance(x, _cupy().ndarray)


def is_array(x) -> bool:
    """Whether ``x`` is a NumPy or CuPy array."""
    return isinstance(x, np.ndarray) or _is_cuda(x)


def device_of(x) -> Device:
    """The device that array ``x`` lives on."""
    if isinstance(x, (np.ndarray, np.generic)):
        return CPU
    array_module(x)
    return Device(f"cuda:{x.device.id}")


def to_numpy(x) -> np.ndarray:
    """The NumPy copy of an array on any device (the array itself when it is NumPy's already)."""
    return x if isinstance(x, np.ndarray) else np.asarray(x) if isinstance(x, np.generic) else _cupy().asnumpy(x)


def to_device(x, where):
    """The array ``x`` on device ``where`` (itself when it is there already)."""
    where = device(where)
    if device_of(x) == where:
        return x
    if where.type == "cpu":
        return to_numpy(x)
    cupy = where.xp
    with cupy.cuda.Device(where.index):
        # one copy, for which the host does not wait: CuPy puts it into pinned memory first, and the rest happens on the
        # device's own time
        return cupy.asarray(x)


def constant_on(x: np.ndarray, where):
    """The small array ``x`` on device ``where``, copied there only the first time that these values are asked for.

    For what follows from shapes alone (sampling matrices, shares of windows) and is the same in every iteration. Nobody
    may write into it.
    """
    where = device(where)
    return x if where.type == "cpu" else _copied_once(x.tobytes(), x.shape, x.dtype, where)


@functools.lru_cache(maxsize=256)
def _copied_once(values: bytes, shape, dtype, where):
    return to_device(np.frombuffer(values, dtype).reshape(shape), where)


def synchronize(x) -> None:
    """Wait until the device of array ``x`` has finished what it was asked to do; the CPU always has."""
    if not isinstance(x, np.ndarray):
        array_module(x).cuda.get_current_stream().synchronize()


def memory_left(where) -> tuple | None:
    """(free, total) bytes of a GPU, as its driver counts; None for the CPU, whose memory is no fixed amount."""
    where = device(where)
    if where.type == "cpu":
        return None
    with where.xp.cuda.Device(where.index):
        return where.xp.cuda.runtime.memGetInfo()


def release_memory(where) -> None:
    """Give what CuPy keeps for later arrays back to the GPU ``where``; nothing on the CPU."""
    where = device(where)
    if where.type == "cuda":
        with where.xp.cuda.Device(where.index):
            where.xp.get_default_memory_pool().free_all_blocks()


__all__ = ["CPU", "Device", "array_module", "constant_on", "cuda_available", "device", "device_of", "get_precision",
           "is_array", "memory_left", "release_memory", "resolve_device", "set_precision",
           "synchronize", "to_device", "to_numpy"]
