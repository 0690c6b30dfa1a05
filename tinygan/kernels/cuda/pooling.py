"""Pooling on CuPy arrays: sums over windows with their adjoint, maxima and their positions, one launch each.

A thread computes one number and reads its window; windows that overlap meet in the cache, so that input and output go
through memory about once. Sums are in the order of the window, without atomics: the same bits every time.
"""

from __future__ import annotations

import numpy as np

from tinygan.backend import array_module
from tinygan.kernels.cuda.geometry import window
from tinygan.kernels.cuda.launch import kernel as compiled
from tinygan.kernels.cuda.launch import launch
from tinygan.kernels.layout import channels_first, channels_last
from tinygan.kernels.windows import check_window, output_size


def window_sum(x, kernel, stride, padding):
    """Sum pooling: y[n, c, i] = sum_k x[n, c, i stride + k - padding] over positions inside the input.

    ``x`` is (N, C, *S); returns (N, C, *out), channels-last in memory.
    """
    return _pooled("window_sum", x, x.dtype, kernel, stride, padding, (1,) * len(kernel))


def window_sum_transpose(g, size, kernel, stride, padding):
    """The adjoint of window_sum: x[n, c, i stride + k - padding] += g[n, c, i] for every i and offset k.

    ``g`` is (N, C, *out); returns (N, C, *size), channels-last in memory.
    """
    cotangent = channels_last(g)
    x = array_module(g).empty((len(g), *size, g.shape[1]), g.dtype)
    geometry = window(tuple(size), g.shape[2:], kernel, stride, padding, (1,) * len(kernel))
    launch(compiled("pooling", "window_sum_transpose", g.dtype, max(x.size, g.size)), x.size, x, cotangent, geometry,
           len(g), g.shape[1])
    return channels_first(x)


def max_pool(x, kernel, stride, padding, dilation):
    """The maximum of each window: y[n, c, i] = max_k x[n, c, i stride + k dilation - padding] over positions inside.

    ``x`` is (N, C, *S); returns (N, C, *out), channels-last in memory. NaN wins over every number. Raises ValueError
    when a window lies in the padding altogether.
    """
    return _pooled("max_pool", x, x.dtype, kernel, stride, padding, dilation)


def max_pool_indices(x, kernel, stride, padding, dilation):
    """Where the maximum of each window is: int64 (N, C, *out), flat indices into the spatial positions of ``x``.

    Positions in the padding never win; of equal maxima the first in row-major order wins; NaN wins over every number
    (of several the last, as in PyTorch). Raises ValueError when a window lies in the padding altogether.
    """
    return _pooled("max_pool_indices", x, np.int64, kernel, stride, padding, dilation)


def _pooled(name, x, dtype, kernel, stride, padding, dilation):
    """What kernel ``name`` makes of every window of x (N, C, *S): (N, C, *out) of ``dtype``."""
    image, size = channels_last(x), x.shape[2:]
    out = output_size(size, kernel, stride, padding, dilation)
    if name != "window_sum":
        for geometry in zip(size, out, kernel, stride, padding, dilation):
            check_window(*geometry)
    y = array_module(x).empty((len(x), *out, x.shape[1]), dtype)
    launch(compiled("pooling", name, x.dtype, max(x.size, y.size)), y.size, y, image,
           window(size, out, kernel, stride, padding, dilation), y.size // max(1, x.shape[1]), x.shape[1])
    return channels_first(y)
