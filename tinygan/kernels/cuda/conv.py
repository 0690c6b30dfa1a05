"""Convolution on CuPy arrays as three linear maps: columns gathered by our kernels, products by cuBLAS.

Shapes: x (N, C, *S), w (O, C/groups, *K), y (N, O, *out); a row is one position of y in one image. The columns of a
block of images are (groups, rows, prod(K) C/groups); blocks keep them within COLUMN_BYTES. Where the columns are the
image itself (kernels of one position, and kernels that cover the image) nothing is gathered; where groups have few
channels one kernel does everything. No two threads add to one number, so that results are the same bits every time.
"""

from __future__ import annotations

from math import prod

from tinygan.backend import array_module
from tinygan.kernels.cuda.geometry import window
from tinygan.kernels.cuda.launch import kernel, launch
from tinygan.kernels.layout import channels_first, channels_last
from tinygan.kernels.windows import output_size

COLUMN_BYTES = 1 << 28  # of columns held at a time
FEW = 8  # channels and outputs of a group up to which a product of matrices would be mostly overhead


def correlate(x, w, stride, padding, dilation, groups):
    """Cross-correlation: y[n, o, i] = sum_{c, k} x[n, c, i*stride + k*dilation - padding] w[o, c, k].

    x (N, C, *S) and w (O, C/groups, *K) of one float dtype -> (N, O, *out), channels-last in memory.
    Two launches for a block of images (three when grouped) and one for w; the columns, prod(K) / prod(stride) times x,
    are written and read once. One launch that reads x and writes y where groups have few channels.
    """
    xp, outputs, taps = array_module(x), w.shape[0], w.shape[2:]
    out = output_size(x.shape[2:], taps, stride, padding, dilation)
    geometry = x.shape[2:], out, taps, stride, padding, dilation
    y = xp.empty((len(x), *out, outputs), x.dtype)
    image = channels_last(x)
    if _few(w, groups):
        launch(kernel("conv_grouped", "correlate_grouped", x.dtype, max(x.size, y.size)), y.size, y, image,
               xp.ascontiguousarray(w), window(*geometry), y.size // outputs, x.shape[1], outputs, groups)
        return channels_first(y)
    matrix = _matrix(w, groups)
    for images in _blocks(len(x), prod(out) * prod(taps) * x.shape[1] * x.itemsize):
        columns = _columns(image[images], geometry, groups)
        if groups == 1:
            xp.matmul(columns[0], matrix[0], out=y[images].reshape(-1, outputs))
        else:
            y[images] = (columns @ matrix).swapaxes(0, 1).reshape(y[images].shape)
    return channels_first(y)


def correlate_transpose(g, w, size, stride, padding, dilation, groups):
    """Adjoint of `correlate` in x: gx[n, c, i*stride + k*dilation - padding] += sum_o g[n, o, i] w[o, c, k].

    g (N, O, *out), w (O, C/groups, *K) -> (N, C, *size), channels-last in memory.
    Two launches for a block of images and one for w, one in all where groups have few channels; the columns are written
    and read once. Every position collects what belongs to it, offset by offset.
    """
    xp, per_group, taps = array_module(g), w.shape[1], w.shape[2:]
    geometry = tuple(size), g.shape[2:], taps, stride, padding, dilation
    cotangent = channels_last(g)
    x = xp.empty((len(g), *size, groups * per_group), g.dtype)
    if _few(w, groups):
        launch(kernel("conv_grouped", "transpose_grouped", g.dtype, max(x.size, g.size)), x.size, x, cotangent,
               xp.ascontiguousarray(w), window(*geometry), len(x), x.shape[-1], len(w), groups)
        return channels_first(x)
    matrix = _matrix(w, groups).swapaxes(1, 2)
    for images in _blocks(len(g), prod(g.shape[2:]) * prod(taps) * x.shape[-1] * g.itemsize):
        part, target = _to_groups(cotangent[images], groups), x[images]
        if _is_image(geometry, groups):
            xp.matmul(part[0], matrix[0], out=target.reshape(part.shape[1], -1))
            continue
        columns = part @ matrix if groups > 1 else xp.matmul(part[0], matrix[0])
        launch(kernel("conv", "fold_columns", g.dtype, max(columns.size, target.size)), -(-target.size // 4), target,
               columns, window(*geometry), len(target), x.shape[-1], groups)
    return channels_first(x)


def correlate_weight(x, g, kernel_size, stride, padding, dilation, groups):
    """Adjoint of `correlate` in w: gw[o, c, k] = sum_{n, i} g[n, o, i] x[n, c, i*stride + k*dilation - padding].

    x (N, C, *S), g (N, O, *out) -> (O, C/groups, *K), C-contiguous.
    Two launches for a block of images and one for the result; the columns are written and read once. Blocks are added
    up in order.
    """
    xp, per_group, outputs = array_module(x), x.shape[1] // groups, g.shape[1] // groups
    geometry = x.shape[2:], g.shape[2:], tuple(kernel_size), stride, padding, dilation
    image, cotangent, total = channels_last(x), channels_last(g), None
    for images in _blocks(len(x), prod(g.shape[2:]) * prod(kernel_size) * x.shape[1] * x.itemsize):
        columns, part = _columns(image[images], geometry, groups), _to_groups(cotangent[images], groups).swapaxes(1, 2)
        product = part @ columns if groups > 1 else xp.matmul(part[0], columns[0])
        total = product if total is None else xp.add(total, product, out=total)
    if total is None:
        return xp.zeros((groups * outputs, per_group, *kernel_size), x.dtype)
    return xp.ascontiguousarray(xp.moveaxis(total.reshape(groups * outputs, *kernel_size, per_group), -1, 1))


def _few(w, groups):
    """Whether groups have so few channels that one thread sums up one number: depthwise convolution above all."""
    return groups > 1 and w.shape[1] <= FEW and len(w) // groups <= FEW


def _is_image(geometry, groups):
    """Whether the columns are the image as it lies in memory: one position to a row, or the whole image."""
    size, out, taps, stride, padding, _ = geometry
    if groups > 1 or any(padding):
        return False
    return size == out and prod(taps) == prod(stride) == 1 or size == taps


def _blocks(n, column_bytes):
    """Slices of the ``n`` images, each with columns of about COLUMN_BYTES at most."""
    step = max(1, COLUMN_BYTES // max(1, column_bytes))
    return [slice(i, i + step) for i in range(0, n, step)]


def _columns(image, geometry, groups):
    """The windows of the (n, *S, C) array as (groups, n prod(out), prod(K) C/groups)."""
    channels, out, taps = image.shape[-1], geometry[1], geometry[2]
    rows = len(image) * prod(out)
    shape = (groups, rows, prod(taps) * channels // groups)
    if _is_image(geometry, groups):
        return image.reshape(shape)
    columns = array_module(image).empty(shape, image.dtype)
    launch(kernel("conv", "gather_columns", image.dtype, max(columns.size, image.size)), -(-columns.size // 4), columns,
           image, window(*geometry), rows, channels, groups)
    return columns


def _matrix(w, groups):
    """The weight (O, C/groups, *K) as (groups, prod(K) C/groups, O/groups): rows in the order of the columns."""
    outputs = w.shape[0] // groups
    return array_module(w).moveaxis(w, 1, -1).reshape(groups, outputs, prod(w.shape[1:])).swapaxes(1, 2)


def _to_groups(y, groups):
    """(n, *out, O) as (groups, positions, O/groups)."""
    return y.reshape(prod(y.shape[:-1]), groups, y.shape[-1] // groups).swapaxes(0, 1)
