"""Depthwise convolution: every channel has its own filter and no two channels meet, so there is no matrix product.

Unless all channels have the same filter, along one axis, as in resampling: then the axis meets a banded matrix.
"""

import itertools
import math

import numpy as np

from tinygan.kernels.cpu.conv_gather import boxes, rows_within, window_view, workspace
from tinygan.kernels.threads import parallel_for

BLOCK_BYTES = 1 << 18          # outputs per block: with two operands and a product they share the second-level cache
WEIGHT_PARTS = 8               # the weight gradient has at most this many partial sums in memory
BAND = 32                      # outputs per banded matrix: fewer make small products, more multiply more zeros


def correlate_depthwise(image, w, windows, y):
    """y[n, i, c] = sum_k image[n, i*stride + offset + k*dilation, c] w[c, 0, k], channels-last, y of any strides."""
    axis = _only_axis(image, w, windows, y)
    if axis is None or not _correlate_along(axis, image, w[0, 0].ravel(), windows, y):
        _correlate_taps(image, np.ascontiguousarray(np.moveaxis(w[:, 0], 0, -1)), windows, y)


def _correlate_taps(image, taps, windows, y):
    """One multiplication and one addition per tap, contiguous over channels, in blocks that stay in the cache."""
    blocks = boxes(y.shape[:-1], rows_within(BLOCK_BYTES, y.shape[-1], y.dtype))
    order = list(np.ndindex(*windows.kernel))

    def block(i):
        target = y[blocks[i]]
        view = _tap_views(image, blocks[i], windows)
        product = workspace("product", target.shape, y.dtype)
        for j, k in enumerate(order):
            if j == 0:
                np.multiply(view(k), taps[k], out=target)
            else:
                target += np.multiply(view(k), taps[k], out=product)

    parallel_for(block, len(blocks))


def _only_axis(image, w, windows, y):
    """The spatial axis along which one filter, repeated over the channels, acts; None for other correlations."""
    axes = [axis for axis, k in enumerate(windows.kernel) if k > 1]
    if w.strides[0] or len(axes) != 1:
        return None
    idle = [axis for axis in range(len(windows.kernel)) if axis != axes[0]]
    same = all(windows.stride[a] == 1 and windows.offset[a] == 0 and image.shape[1 + a] == y.shape[1 + a] for a in idle)
    return axes[0] if same else None


def _correlate_along(axis, image, taps, windows, y):
    """y[n, :, i, :] = sum_j B[i, j] image[n, :, j, :], B[i, i*stride + offset + k*dilation] = taps[k]; whether done.

    The matrix is cut into bands of BAND rows and the columns that are not all 0. A product with a band multiplies some
    ten times more than there are taps, mostly zeros, yet takes a third of the time: the taps would be read and added
    from the cache one after the other, BLAS keeps them in registers. The zeros make NaN of all BAND outputs that share
    a band with an infinite input. Not done where y is no matrix in memory.
    """
    source, target = _as_matrices(image, 1 + axis), _as_matrices(y, 1 + axis)
    if source is None or target is None:
        return False
    place = windows.stride[axis], windows.offset[axis], windows.dilation[axis]
    bands = [_band(taps, slice(i, min(i + BAND, target.shape[2])), source.shape[2], *place)
             for i in range(0, target.shape[2], BAND)]
    rows = max(1, BLOCK_BYTES // (BAND * target.shape[3] * y.dtype.itemsize))
    pieces = [slice(i, i + rows) for i in range(0, target.shape[1], rows)]
    tasks = list(itertools.product(range(len(image)), pieces, bands))

    def block(i):
        n, piece, (outputs, inputs, matrix) = tasks[i]
        np.matmul(matrix, source[n, piece, inputs], out=target[n, piece, outputs])

    parallel_for(block, len(tasks), y.size * (BAND + len(taps)))
    return True


def _as_matrices(a, axis):
    """The view (N, positions before, axis, the rest with channels) of a channels-last array, None if that is none."""
    matrices = a.reshape(len(a), math.prod(a.shape[1:axis]), a.shape[axis], math.prod(a.shape[axis + 1:]))
    return matrices if np.may_share_memory(matrices, a) else None


def _band(taps, outputs, size, stride, offset, dilation):
    """(outputs, inputs, B[outputs, inputs]) for a slice of outputs and the slice of ``size`` inputs that they see."""
    first = outputs.start * stride + offset
    last = (outputs.stop - 1) * stride + offset + (len(taps) - 1) * dilation
    inputs = slice(min(max(first, 0), size), max(min(last + 1, size), 0))
    matrix = np.zeros((outputs.stop - outputs.start, max(inputs.stop - inputs.start, 0)), taps.dtype)
    for i, row in enumerate(matrix):
        for k, tap in enumerate(taps):
            j = first + i * stride + k * dilation - inputs.start
            if 0 <= j < len(row):
                row[j] = tap
    return outputs, inputs, matrix


def weight_depthwise(image, g, windows):
    """Return gw[k, c] = sum_{n, i} g[n, i, c] image[n, i*stride + offset + k*dilation, c] as (*kernel, C)."""
    blocks = boxes(g.shape[:-1], rows_within(BLOCK_BYTES, g.shape[-1], g.dtype))
    n_parts = min(WEIGHT_PARTS, len(blocks))
    partial = np.zeros((n_parts, *windows.kernel, g.shape[-1]), dtype=g.dtype)

    def part(i):
        for box in blocks[len(blocks) * i // n_parts:len(blocks) * (i + 1) // n_parts]:
            view = _tap_views(image, box, windows)
            product = workspace("product", g[box].shape, g.dtype)
            for k in np.ndindex(*windows.kernel):
                np.multiply(view(k), g[box], out=product)
                partial[(i, *k)] += product.reshape(-1, g.shape[-1]).sum(axis=0)

    parallel_for(part, n_parts)
    for other in partial[1:]:
        partial[0] += other
    return partial[0]


def _tap_views(image, box, windows):
    """Return a function from a tap to what the outputs of a box see through it, (*box, C)."""
    count = tuple(part.stop - part.start for part in box)
    view = window_view(image, box, count, windows)
    return lambda k: view[(*(slice(None),) * len(count), *k)]
