"""Kernels: arrays in, arrays out, no Tensor; `cpu` (NumPy) and `cuda` (CuPy) offer the same names."""

import functools

import numpy as np

from tinygan.backend import array_module


def kernels_for(x):
    """Return the kernel module for the array x: `tinygan.kernels.cpu` for NumPy, `tinygan.kernels.cuda` for CuPy."""
    return _module("cpu" if type(x) is np.ndarray or array_module(x) is np else "cuda")


@functools.lru_cache(maxsize=None)
def _module(name):
    if name == "cpu":
        from tinygan.kernels import cpu
        return cpu
    from tinygan.kernels import cuda
    return cuda
