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
        return importlib.import_module("cupy")
    except ImportError as error:
        raise RuntimeError(f"device 'cuda': expected CuPy to be installed, got {error}; "
                           "install it with pip install 'tinygan[cuda12]' or 'tinygan[cuda13]'") from error


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

    Raises RuntimeError when a GPU is asked for by name and none is there.
    """
    if name == "auto":
        return Device("cuda") if cuda_available() else CPU
    chosen = device(name)
    if chosen.type == "cuda":
        count = _cupy().cuda.runtime.getDeviceCount() if cuda_available() else 0
        if chosen.index >= count:
            raise RuntimeError(f"device {str(chosen)!r}: expected a GPU with index {chosen.index}, CuPy finds {count}; "
                               "use --device cpu or --device auto")
    return chosen


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
        return cupy.asarray(x)


def synchronize(x) -> None:
    """Wait until the device of array ``x`` has finished what it was asked to do; the CPU always has."""
    if not isinstance(x, np.ndarray):
        array_module(x).cuda.get_current_stream().synchronize()


def scatter_add(target, index, values):
    """``target[index] += values`` in place, where repeated positions in ``index`` add up (the adjoint of ``[index]``).

    Raises nothing of its own; ``index`` is a tuple of slices, integers and integer or boolean arrays.
    """
    array_module(target).add.at(target, index, values)


__all__ = ["CPU", "Device", "array_module", "cuda_available", "device", "device_of", "is_array", "resolve_device",
           "scatter_add", "synchronize", "to_device", "to_numpy"]
