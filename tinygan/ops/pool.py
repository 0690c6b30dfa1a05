"""Pooling: sums over windows (and their adjoint) give average pooling; the arg-max, then a gather, max pooling.

Values of max pooling alone have a kernel of their own, which needs no arg-max: it is found when a gradient asks.
"""

from __future__ import annotations

import math

import numpy as np

from tinygan.autograd import Function, Fused
from tinygan.backend import constant_on
from tinygan.kernels import kernels_for
from tinygan.ops.conv import tuple_of
from tinygan.ops.index import gather
from tinygan.ops.padding import Pad
from tinygan.ops.reduce import mean
from tinygan.ops.shape import reshape
from tinygan.tensor import Tensor


class WindowSum(Function):
    """y[n, c, t] = sum of x over the window at t; adjoint of :class:`WindowSumTranspose`."""

    def __init__(self, size, kernel, stride, padding):
        self.geometry = (size, kernel, stride, padding)

    def forward(self, x):
        return kernels_for(x).window_sum(x, *self.geometry[1:])

    def backward(self, g):
        return WindowSumTranspose(*self.geometry)(g)


class WindowSumTranspose(Function):
    """Every y[n, c, t] added to each position of its window."""

    def __init__(self, size, kernel, stride, padding):
        self.geometry = (size, kernel, stride, padding)

    def forward(self, g):
        return kernels_for(g).window_sum_transpose(g, *self.geometry)

    def backward(self, h):
        return WindowSum(*self.geometry)(h)


class MaxPool(Fused):
    """The largest value of each window; its definition finds which position wins, and reads there."""

    def __init__(self, *geometry):
        self.geometry = geometry

    def definition(self, x):
        return read_positions(x, kernels_for(x.data).max_pool_indices(x.data, *self.geometry), False)

    def forward(self, x):
        return kernels_for(x).max_pool(x, *self.geometry)


def _geometry(name, n, input, kernel_size, stride, padding, dilation=1, ceil_mode=False):
    """Kernel, stride, padding and dilation as tuples, the number of windows, and how far the last ones overhang."""
    if input.ndim != n + 2:
        raise ValueError(f"{name}: expected input with {n + 2} dimensions, got {input.shape}")
    kernel, dilation, padding = [tuple_of(name, v, n) for v in (kernel_size, dilation, padding)]
    stride = kernel if stride is None else tuple_of(name, stride, n)
    if any(2 * p > k for p, k in zip(padding, kernel)):
        raise ValueError(f"{name}: expected padding of at most half the kernel {kernel}, got {padding}")
    spans = [d * (k - 1) + 1 for d, k in zip(dilation, kernel)]
    if any(s + 2 * p < span for s, p, span in zip(input.shape[2:], padding, spans)):
        raise ValueError(f"{name}: expected a padded input of at least {tuple(spans)}, got {input.shape[2:]} with "
                         f"padding {padding}")
    overhang = []
    for size, span, step, p in zip(input.shape[2:], spans, stride, padding):
        # with ceil_mode a last window may begin inside the image or its left padding, and end outside
        extra = -(size + 2 * p - span) % step if ceil_mode else 0
        starts_inside = size + p > size + 2 * p - span + extra
        overhang.append(extra if starts_inside else 0)
    return kernel, stride, padding, dilation, tuple(overhang)


def _counts(size, kernel, stride, padding, overhang, count_include_pad):
    """Per axis, over how many positions each window is averaged: the padding counts or not, the overhang never does."""
    counts = []
    for n, k, s, p, extra in zip(size, kernel, stride, padding, overhang):
        start = np.arange((n + 2 * p + extra - k) // s + 1) * s - p
        stop = np.minimum(start + k, n + p)
        counts.append(stop - start if count_include_pad else np.minimum(stop, n) - np.maximum(start, 0))
    return counts


def avg_pool(name, n, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override):
    """The common body of the average pools: window sum over the count of its positions."""
    kernel, stride, padding, _, overhang = _geometry(name, n, input, kernel_size, stride, padding, 1, ceil_mode)
    counts = _counts(input.shape[2:], kernel, stride, padding, overhang, count_include_pad)
    if any(overhang):  # the kernels pad both sides alike: what is missing on the far side is added here
        input = Pad(((0, 0), (0, 0), *[(0, e) for e in overhang]))(input)
    pooled = WindowSum(input.shape[2:], kernel, stride, padding)(input)
    if divisor_override is not None:
        if divisor_override == 0:
            raise ValueError(f"{name}: expected a divisor_override other than 0, got 0")
        return pooled * (1.0 / divisor_override)
    if all((c == c[0]).all() for c in counts):
        return pooled * (1.0 / math.prod([int(c[0]) for c in counts]))
    share = 1.0 / math.prod(np.ix_(*counts))
    return pooled * Tensor(constant_on(share.astype(input.dtype), input.device))


def max_pool(name, n, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices):
    """The common body of the max pools: which position wins is found once, then read: linear, right at any order."""
    kernel, stride, padding, dilation, overhang = _geometry(name, n, input, kernel_size, stride, padding, dilation,
                                                            ceil_mode)
    if not any(overhang) and not return_indices:
        return MaxPool(kernel, stride, padding, dilation)(input)
    x, size = input.data, input.shape[2:]
    if any(overhang):
        widths = ((0, 0), (0, 0), *[(0, e) for e in overhang])
        x = Pad(widths, -math.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min).forward(x)
    index = kernels_for(x).max_pool_indices(x, kernel, stride, padding, dilation)
    if any(overhang):
        index = _renumber(index, x.shape[2:], size)
    return read_positions(input, index, return_indices)


def _renumber(index, wide, size):
    """Flat positions in an image of size ``wide`` as flat positions in its corner of size ``size``."""
    out, step = 0, 1
    for n, m in zip(wide[::-1], size[::-1]):
        out, index, step = out + index % n * step, index // n, step * m
    return out


def read_positions(input, index, return_indices: bool):
    """The values at flat spatial positions ``index`` (N, C, *out) of (N, C, *S), and the positions when asked for."""
    flat = reshape(input, input.shape[:2] + (math.prod(input.shape[2:]),))
    picked = gather(flat, 2, index.reshape(index.shape[:2] + (math.prod(index.shape[2:]),)))
    values = reshape(picked, index.shape)
    return (values, Tensor(index)) if return_indices else values


def avg_pool1d(input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    """Means over windows of (N, C, L); ``stride`` defaults to the kernel; padding counts as zeros, or not at all.

    ``ceil_mode`` adds a last window that reaches beyond the image when it begins inside.
    """
    return avg_pool("avg_pool1d", 1, input, kernel_size, stride, padding, ceil_mode, count_include_pad, None)


def avg_pool2d(input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True,
               divisor_override=None):
    """Means over windows of (N, C, H, W); ``stride`` defaults to the kernel; padding counts as zeros, or not at all.

    ``ceil_mode`` adds a last window that reaches beyond the image when it begins inside;
    ``divisor_override`` divides the sums instead of the number of positions.
    """
    return avg_pool("avg_pool2d", 2, input, kernel_size, stride, padding, ceil_mode, count_include_pad,
                    divisor_override)


def avg_pool3d(input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True,
               divisor_override=None):
    """Means over windows of (N, C, D, H, W); ``stride`` defaults to the kernel; padding counts as zeros, or not at all.

    ``ceil_mode`` adds a last window that reaches beyond the image when it begins inside;
    ``divisor_override`` divides the sums instead of the number of positions.
    """
    return avg_pool("avg_pool3d", 3, input, kernel_size, stride, padding, ceil_mode, count_include_pad,
                    divisor_override)


def max_pool1d(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
    """Largest values of windows of (N, C, L); the first maximum gets the gradient; padding never wins.

    ``return_indices`` adds the winners' flat positions in the image: the pair (values, indices).
    """
    return max_pool("max_pool1d", 1, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool2d(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
    """Largest values of windows of (N, C, H, W); the first maximum gets the gradient; padding never wins.

    ``return_indices`` adds the winners' flat positions in the image: the pair (values, indices).
    """
    return max_pool("max_pool2d", 2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool3d(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
    """Largest values of windows of (N, C, D, H, W); the first maximum gets the gradient; padding never wins.

    ``return_indices`` adds the winners' flat positions in the image: the pair (values, indices).
    """
    return max_pool("max_pool3d", 3, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def global_avg_pool(input):
    """The mean over all positions: (N, C, *S) -> (N, C)."""
    return mean(input, tuple(range(2, input.ndim)))
