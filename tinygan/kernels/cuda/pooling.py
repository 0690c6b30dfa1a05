"""Pooling on CuPy arrays: sums over windows with their adjoint, maxima and their positions, offset by offset."""

from __future__ import annotations

import numpy as np

from tinygan.backend import array_module
from tinygan.kernels.layout import channels_first, channels_last
from tinygan.kernels.windows import check_window, first_offsets, flat_offsets, output_size, reaches


def window_sum(x, kernel, stride, padding):
    """Sum pooling: y[n, c, i] = sum_k x[n, c, i stride + k - padding] over positions inside the input.

    ``x`` is (N, C, *S); returns (N, C, *out), channels-last in memory.
    """
    image, ones = channels_last(x), (1,) * len(kernel)
    out = output_size(x.shape[2:], kernel, stride, padding, ones)
    y = array_module(x).zeros((len(x), *out, x.shape[1]), x.dtype)
    for _, there, here in reaches(x.shape[2:], out, kernel, stride, padding, ones):
        y[there] += image[here]
    return channels_first(y)


def window_sum_transpose(g, size, kernel, stride, padding):
    """The adjoint of window_sum: x[n, c, i stride + k - padding] += g[n, c, i] for every i and offset k.

    ``g`` is (N, C, *out); returns (N, C, *size), channels-last in memory.
    """
    cotangent = channels_last(g)
    x = array_module(g).zeros((len(g), *size, g.shape[1]), g.dtype)
    for _, there, here in reaches(size, g.shape[2:], kernel, stride, padding, (1,) * len(kernel)):
        x[here] += cotangent[there]
    return channels_first(x)


def max_pool(x, kernel, stride, padding, dilation):
    """The maximum of each window: y[n, c, i] = max_k x[n, c, i stride + k dilation - padding] over positions inside.

    ``x`` is (N, C, *S); returns (N, C, *out), channels-last in memory. NaN wins over every number. Raises ValueError
    when a window lies in the padding altogether.
    """
    xp, image, size = array_module(x), channels_last(x), x.shape[2:]
    out = output_size(size, kernel, stride, padding, dilation)
    for geometry in zip(size, out, kernel, stride, padding, dilation):
        check_window(*geometry)
    lowest = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
    y = xp.full((len(x), *out, x.shape[1]), lowest, x.dtype)
    for _, there, here in reaches(size, out, kernel, stride, padding, dilation):
        y[there] = xp.maximum(y[there], image[here])
    return channels_first(y)


def max_pool_indices(x, kernel, stride, padding, dilation):
    """Where the maximum of each window is: int64 (N, C, *out), flat indices into the spatial positions of ``x``.

    Positions in the padding never win; of equal maxima the first in row-major order wins; NaN wins over every number
    (of several the last, as in PyTorch). Raises ValueError when a window lies in the padding altogether.
    """
    xp = array_module(x)
    image, size = channels_last(x), x.shape[2:]
    out = output_size(size, kernel, stride, padding, dilation)
    _, corner, first = first_offsets(xp, size, out, kernel, stride, padding, dilation)
    distances = flat_offsets(size, kernel, dilation)
    index = xp.zeros((len(x), *out, x.shape[1]), np.int64)
    index += first
    lowest = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
    best = xp.full(index.shape, lowest, x.dtype)
    for number, there, here in reaches(size, out, kernel, stride, padding, dilation):
        value = image[here]
        wins = (value > best[there]) | (value != value)
        index[there] = xp.where(wins, corner[there[1:]] + distances[number], index[there])
        best[there] = xp.where(wins, value, best[there])
    return channels_first(index)
