"""Convolution on CuPy arrays as three linear maps: columns gathered from channels-last memory, then one product.

Shapes: x (N, C, *S), w (O, C/groups, *K), y (N, O, *out). The columns of a block of images are (groups, positions,
K C/groups); blocks keep them within a memory budget.
"""

from __future__ import annotations

from math import prod

import numpy as np

from tinygan.backend import array_module
from tinygan.kernels.layout import channels_first, channels_last
from tinygan.kernels.windows import output_size

COLUMN_BYTES = 1 << 28  # of columns held at a time


def correlate(x, w, stride, padding, dilation, groups):
    """Cross-correlation: y[n, o, i] = sum_{c, k} x[n, c, i*stride + k*dilation - padding] w[o, c, k].

    x (N, C, *S) and w (O, C/groups, *K) of one float dtype -> (N, O, *out), channels-last in memory.
    """
    xp = array_module(x)
    kernel = w.shape[2:]
    out = output_size(x.shape[2:], kernel, stride, padding, dilation)
    image, matrix = _padded(channels_last(x), padding), _matrix(w, groups)
    y = xp.empty((len(x), *out, w.shape[0]), x.dtype)
    for images in _blocks(len(x), prod(out) * prod(kernel) * x.shape[1] * x.itemsize):
        columns = _columns(image[images], out, kernel, stride, dilation, groups)
        y[images] = _from_groups(columns @ matrix, y[images].shape)
    return channels_first(y)


def correlate_transpose(g, w, size, stride, padding, dilation, groups):
    """Adjoint of `correlate` in x: gx[n, c, i*stride + k*dilation - padding] += sum_o g[n, o, i] w[o, c, k].

    g (N, O, *out), w (O, C/groups, *K) -> (N, C, *size), channels-last in memory.
    """
    xp = array_module(g)
    kernel, out, per_group = w.shape[2:], g.shape[2:], w.shape[1]
    cotangent, matrix = channels_last(g), _matrix(w, groups).swapaxes(1, 2)
    x = xp.empty((len(g), *size, groups * per_group), g.dtype)
    inside = (slice(None), *(slice(p, p + n) for p, n in zip(padding, size)))
    for images in _blocks(len(g), prod(out) * prod(kernel) * x.shape[-1] * g.itemsize):
        part = cotangent[images]
        columns = (_to_groups(part, groups) @ matrix).reshape(groups, len(part), *out, prod(kernel), per_group)
        target = xp.zeros((len(part), *(n + 2 * p for n, p in zip(size, padding)), groups, per_group), g.dtype)
        for number, tap in enumerate(np.ndindex(*kernel)):
            steps = [slice(k * d, k * d + (o - 1) * s + 1, s) for k, d, o, s in zip(tap, dilation, out, stride)]
            target[(slice(None), *steps)] += xp.moveaxis(columns[..., number, :], 0, -2)
        x[images] = target[inside].reshape(len(part), *size, x.shape[-1])
    return channels_first(x)


def correlate_weight(x, g, kernel_size, stride, padding, dilation, groups):
    """Adjoint of `correlate` in w: gw[o, c, k] = sum_{n, i} g[n, o, i] x[n, c, i*stride + k*dilation - padding].

    x (N, C, *S), g (N, O, *out) -> (O, C/groups, *K), C-contiguous.
    """
    xp = array_module(x)
    out, per_group, outputs = g.shape[2:], x.shape[1] // groups, g.shape[1] // groups
    image, cotangent = _padded(channels_last(x), padding), channels_last(g)
    total = xp.zeros((groups, outputs, prod(kernel_size) * per_group), x.dtype)
    for images in _blocks(len(x), prod(out) * prod(kernel_size) * x.shape[1] * x.itemsize):
        columns = _columns(image[images], out, kernel_size, stride, dilation, groups)
        total += _to_groups(cotangent[images], groups).swapaxes(1, 2) @ columns
    weight = total.reshape(groups * outputs, *kernel_size, per_group)
    return xp.ascontiguousarray(xp.moveaxis(weight, -1, 1))


def _blocks(n, column_bytes):
    """Slices of the ``n`` images, each with columns of about COLUMN_BYTES at most."""
    step = max(1, COLUMN_BYTES // max(1, column_bytes))
    return [slice(i, i + step) for i in range(0, n, step)]


def _padded(image, padding):
    """The (N, *S, C) array with zeros around its spatial axes."""
    if not any(padding):
        return image
    size = image.shape[1:-1]
    shape = (len(image), *(n + 2 * p for n, p in zip(size, padding)), image.shape[-1])
    target = array_module(image).zeros(shape, image.dtype)
    target[(slice(None), *(slice(p, p + n) for p, n in zip(padding, size)))] = image
    return target


def _columns(image, out, kernel, stride, dilation, groups):
    """The windows of the padded (n, *S, C) array as (groups, n prod(out), prod(K) C/groups), copied into one piece."""
    n, channels = image.shape[0], image.shape[-1]
    spatial = image.strides[1:-1]
    windows = array_module(image).lib.stride_tricks.as_strided(
        image, (n, *out, *kernel, groups, channels // groups),
        (image.strides[0], *(a * s for a, s in zip(spatial, stride)), *(a * d for a, d in zip(spatial, dilation)),
         channels // groups * image.strides[-1], image.strides[-1]))
    rows, width = n * prod(out), prod(kernel) * channels // groups
    if groups == 1:
        return windows.reshape(1, rows, width)
    return array_module(image).moveaxis(windows, -2, 0).reshape(groups, rows, width)


def _matrix(w, groups):
    """The weight (O, C/groups, *K) as (groups, prod(K) C/groups, O/groups): rows in the order of the columns."""
    xp = array_module(w)
    outputs = w.shape[0] // groups
    rows = prod(w.shape[1:])
    return xp.moveaxis(w, 1, -1).reshape(groups, outputs, rows).swapaxes(1, 2)


def _to_groups(y, groups):
    """(n, *out, O) as (groups, positions, O/groups)."""
    return y.reshape(prod(y.shape[:-1]), groups, y.shape[-1] // groups).swapaxes(0, 1)


def _from_groups(y, shape):
    """(groups, positions, O/groups) as (n, *out, O)."""
    return y.swapaxes(0, 1).reshape(shape)
