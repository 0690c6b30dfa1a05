"""Pooling: sums over windows (and their adjoint) give average pooling; the arg-max, then a gather, max pooling."""

from __future__ import annotations

import math

from tinygan.autograd import Function
from tinygan.backend import array_module
from tinygan.kernels import kernels_for
from tinygan.ops.conv import tuple_of
from tinygan.ops.index import gather
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


def _geometry(name, n, input, kernel_size, stride, padding, dilation=1):
    if input.ndim != n + 2:
        raise ValueError(f"{name}: expected input with {n + 2} dimensions, got {input.shape}")
    kernel = tuple_of(name, kernel_size, n)
    stride = kernel if stride is None else tuple_of(name, stride, n)
    padding = tuple_of(name, padding, n)
    if any(2 * p > k for p, k in zip(padding, kernel)):
        raise ValueError(f"{name}: expected padding of at most half the kernel {kernel}, got {padding}")
    spans = [dilation * (k - 1) + 1 for k in kernel]
    if any(s + 2 * p < span for s, p, span in zip(input.shape[2:], padding, spans)):
        raise ValueError(f"{name}: expected a padded input of at least {tuple(spans)}, got {input.shape[2:]} with "
                         f"padding {padding}")
    return kernel, stride, padding


def avg_pool(name, n, input, kernel_size, stride, padding, count_include_pad):
    """The common body of the average pools: window sum over the count of its positions."""
    kernel, stride, padding = _geometry(name, n, input, kernel_size, stride, padding)
    pooled = WindowSum(input.shape[2:], kernel, stride, padding)(input)
    if count_include_pad or not any(padding):
        return pooled * (1.0 / math.prod(kernel))
    ones = array_module(input.data).ones((1, 1) + input.shape[2:], input.dtype)
    return pooled / Tensor(kernels_for(ones).window_sum(ones, kernel, stride, padding))


def max_pool(name, n, input, kernel_size, stride, padding, dilation):
    """The common body of the max pools: which position wins is found once, then read: linear, right at any order."""
    kernel, stride, padding = _geometry(name, n, input, kernel_size, stride, padding, dilation)
    index = kernels_for(input.data).max_pool_indices(input.data, kernel, stride, padding, (dilation,) * n)
    flat = reshape(input, input.shape[:2] + (math.prod(input.shape[2:]),))
    picked = gather(flat, 2, index.reshape(index.shape[:2] + (math.prod(index.shape[2:]),)))
    return reshape(picked, index.shape)


def avg_pool1d(input, kernel_size, stride=None, padding=0, count_include_pad=True):
    """Means over windows of (N, C, L); ``stride`` defaults to the kernel; padding counts as zeros, or not at all."""
    return avg_pool("avg_pool1d", 1, input, kernel_size, stride, padding, count_include_pad)


def avg_pool2d(input, kernel_size, stride=None, padding=0, count_include_pad=True):
    """Means over windows of (N, C, H, W); ``stride`` defaults to the kernel; padding counts as zeros, or not at all."""
    return avg_pool("avg_pool2d", 2, input, kernel_size, stride, padding, count_include_pad)


def avg_pool3d(input, kernel_size, stride=None, padding=0, count_include_pad=True):
    """Means over windows of (N, C, D, H, W); ``stride`` defaults to the kernel; padding counts as zeros, or not."""
    return avg_pool("avg_pool3d", 3, input, kernel_size, stride, padding, count_include_pad)


def max_pool1d(input, kernel_size, stride=None, padding=0, dilation=1):
    """Largest values of windows of (N, C, L); the first maximum gets the gradient; padding never wins."""
    return max_pool("max_pool1d", 1, input, kernel_size, stride, padding, dilation)


def max_pool2d(input, kernel_size, stride=None, padding=0, dilation=1):
    """Largest values of windows of (N, C, H, W); the first maximum gets the gradient; padding never wins."""
    return max_pool("max_pool2d", 2, input, kernel_size, stride, padding, dilation)


def max_pool3d(input, kernel_size, stride=None, padding=0, dilation=1):
    """Largest values of windows of (N, C, D, H, W); the first maximum gets the gradient; padding never wins."""
    return max_pool("max_pool3d", 3, input, kernel_size, stride, padding, dilation)


def global_avg_pool(input):
    """The mean over all positions: (N, C, *S) -> (N, C)."""
    return mean(input, tuple(range(2, input.ndim)))
