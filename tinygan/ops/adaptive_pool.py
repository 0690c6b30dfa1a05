"""Adaptive pooling: windows chosen so that a given number of them covers the image.

Window i of o on an axis of n positions is floor(i n / o) ... ceil((i + 1) n / o) - 1: they differ in length by at most
one or two and may overlap. A mean over a window is a mean along each axis: one small matrix per axis.
"""

from __future__ import annotations

import math

import numpy as np

from tinygan.backend import array_module, constant_on
from tinygan.ops.pool import read_positions
from tinygan.ops.reduce import mean
from tinygan.ops.resize import along_axis
from tinygan.ops.shape import reshape


def _bounds(n: int, out: int):
    """First position and end of every window."""
    i = np.arange(out)
    return i * n // out, -(-(i + 1) * n // out)


def mean_matrix(n: int, out: int) -> np.ndarray:
    """(out, n): row i takes the mean over window i."""
    start, stop = _bounds(n, out)
    j = np.arange(n)
    inside = (j >= start[:, None]) & (j < stop[:, None])
    return inside / (stop - start)[:, None]


def _sizes(name, n, input, output_size):
    if input.ndim != n + 2 or 0 in input.shape[2:]:
        raise ValueError(f"{name}: expected input with {n + 2} dimensions and at least one position, got {input.shape}")
    wanted = (output_size,) * n if output_size is None or isinstance(output_size, int) else tuple(output_size)
    sizes = tuple([have if want is None else want for have, want in zip(input.shape[2:], wanted)])
    if len(wanted) != n or min(sizes) < 1:
        raise ValueError(f"{name}: expected {n} positive output sizes, got {output_size}")
    return sizes


def adaptive_avg_pool(name, n, input, output_size):
    """The common body of the adaptive average pools."""
    sizes = _sizes(name, n, input, output_size)
    if all(have % want == 0 for have, want in zip(input.shape[2:], sizes)):
        parts = reshape(input, input.shape[:2] + sum([(o, s // o) for s, o in zip(input.shape[2:], sizes)], ()))
        return mean(parts, tuple(range(3, parts.ndim, 2)))
    for axis, (have, want) in enumerate(zip(input.shape[2:], sizes), 2):
        if have != want:
            input = along_axis(input, mean_matrix(have, want), axis)
    return input


def adaptive_max_pool(name, n, input, output_size, return_indices):
    """The common body of the adaptive max pools: which position wins is found once, then read."""
    sizes = _sizes(name, n, input, output_size)
    x = input.data
    xp = array_module(x)
    at, flat = [], 0
    for axis, (have, want) in enumerate(zip(input.shape[2:], sizes)):
        start, stop = _bounds(have, want)
        # shorter windows repeat their last position, which changes neither the maximum nor which one is first
        positions = np.minimum(start[:, None] + np.arange((stop - start).max()), stop[:, None] - 1)
        shape = [1] * (2 * n)
        shape[axis], shape[n + axis] = positions.shape
        at.append(positions.reshape(shape))
        flat = flat * have + at[-1]
    flat = constant_on(np.broadcast_to(flat, np.broadcast_shapes(*[a.shape for a in at])).reshape(*sizes, -1),
                       input.device)
    windows = x.reshape(x.shape[:2] + (math.prod(x.shape[2:]),))[:, :, flat]
    winner = windows.argmax(axis=-1)
    index = xp.take_along_axis(xp.broadcast_to(flat, windows.shape), winner[..., None], -1)[..., 0]
    return read_positions(input, index, return_indices)


def adaptive_avg_pool1d(input, output_size):
    """Means over ``output_size`` windows that cover (N, C, L); None keeps a size."""
    return adaptive_avg_pool("adaptive_avg_pool1d", 1, input, output_size)


def adaptive_avg_pool2d(input, output_size):
    """Means over ``output_size`` windows that cover (N, C, H, W); None keeps a size."""
    return adaptive_avg_pool("adaptive_avg_pool2d", 2, input, output_size)


def adaptive_avg_pool3d(input, output_size):
    """Means over ``output_size`` windows that cover (N, C, D, H, W); None keeps a size."""
    return adaptive_avg_pool("adaptive_avg_pool3d", 3, input, output_size)


def adaptive_max_pool1d(input, output_size, return_indices=False):
    """Largest values of ``output_size`` windows that cover (N, C, L), or also their positions."""
    return adaptive_max_pool("adaptive_max_pool1d", 1, input, output_size, return_indices)


def adaptive_max_pool2d(input, output_size, return_indices=False):
    """Largest values of ``output_size`` windows that cover (N, C, H, W), or also their positions."""
    return adaptive_max_pool("adaptive_max_pool2d", 2, input, output_size, return_indices)


def adaptive_max_pool3d(input, output_size, return_indices=False):
    """Largest values of ``output_size`` windows that cover (N, C, D, H, W), or also their positions."""
    return adaptive_max_pool("adaptive_max_pool3d", 3, input, output_size, return_indices)
