"""Convolutions that are best multiplied first and arranged afterwards."""

import math

import numpy as np

from tinygan.kernels.cpu.conv_gather import MIN_ROWS, rows_within, workspace
from tinygan.kernels.cpu.matmul import matmul
from tinygan.kernels.threads import parallel_for

PRODUCT_BYTES = 1 << 19         # the products of a block take about this much, whatever the batch
MAX_IMAGE_BYTES = 1 << 22      # products of one image; beyond that they do not fit the cache, and N = 1 is one block


def is_one_window(size, kernel, padding, groups):
    """Return whether the kernel covers the whole image, so that images are columns as they lie."""
    return groups == 1 and size == kernel and not any(padding)


def correlate_one_window(image, w, y):
    """y[n, o] = sum_{c, k} image[n, k, c] w[o, c, k]: the last layer of a critic."""
    matrix = np.ascontiguousarray(np.moveaxis(w, 1, -1)).reshape(w.shape[0], -1)
    y.reshape(len(image), -1)[...] = matmul(image.reshape(len(image), -1), matrix.T)


def transpose_one_window(g, w, y):
    """y[n, k, c] = sum_o g[n, o] w[o, c, k]: the first layer of a generator."""
    matrix = np.ascontiguousarray(np.moveaxis(w, 1, -1)).reshape(w.shape[0], -1)
    y.reshape(len(g), -1)[...] = matmul(g.reshape(len(g), -1), matrix)


def weight_one_window(image, g, gw):
    """gw[o, c, k] = sum_n g[n, o] image[n, k, c]."""
    product = matmul(g.reshape(len(g), -1).T, image.reshape(len(image), -1))
    np.copyto(gw, np.moveaxis(product.reshape(gw.shape[0], *gw.shape[2:], gw.shape[1]), -1, 1))


def folding_pays(size, out, kernel, stride, channels, itemsize):
    """Return whether `transpose_fold` beats gathering: few channels, or far fewer cotangents than positions."""
    taps = math.prod(kernel)
    fits = math.prod(out) * taps * channels * itemsize <= MAX_IMAGE_BYTES
    few = channels <= 4
    return fits and (few or math.prod(size) > 2 * math.prod(out) * math.prod(stride))


def few_outputs(outputs, image, kernel, stride, groups):
    """Return whether a correlation is better folded: with stride 1 it is an adjoint, the kernel turned around."""
    fits = math.prod(image.shape[1:-1]) * math.prod(kernel) * outputs * image.itemsize <= MAX_IMAGE_BYTES
    return groups == 1 and outputs <= 4 and image.shape[-1] >= 16 and fits and all(s == 1 for s in stride)


def transpose_fold(g, w, stride, padding, dilation, y):
    """y[n, i*stride + k*dilation - padding, c] += sum_o g[n, i, o] w[o, c, k], channels-last.

    One product gives every cotangent's contribution to every tap; they are then added up tap by tap. With few channels
    this moves much less memory than gathering, which would copy all O channels for each tap.
    """
    kernel, channels = w.shape[2:], w.shape[1]
    out = g.shape[1:-1]
    matrix = np.ascontiguousarray(np.moveaxis(w, 1, -1)).reshape(w.shape[0], -1)
    positions = math.prod(out)
    images = min(rows_within(PRODUCT_BYTES, matrix.shape[1], g.dtype) // positions, -(-len(g) // 2))
    images = max(-(-MIN_ROWS // positions), images)
    n_blocks = max(1, len(g) // images)
    edges = [len(g) * i // n_blocks for i in range(n_blocks + 1)]
    ranges = [_tap_ranges(k, kernel, out, y.shape[1:-1], stride, padding, dilation) for k in np.ndindex(*kernel)]

    def block(i):
        mine = slice(edges[i], edges[i + 1])
        source = g[mine].reshape(-1, g.shape[-1])
        products = workspace("product", (len(source), matrix.shape[1]), g.dtype)
        np.matmul(source, matrix, out=products)
        products = products.reshape(mine.stop - mine.start, *out, len(ranges), channels)
        target = y[mine]
        target[...] = 0
        for tap, (here, there) in enumerate(ranges):
            target[(slice(None), *there)] += products[(slice(None), *here)][..., tap, :]

    parallel_for(block, n_blocks, g.size * matrix.shape[1])


def _tap_ranges(k, kernel, out, size, stride, padding, dilation):
    """Return, for one tap, the slices of outputs that meet the image and the slices of positions that they meet."""
    here, there = [], []
    for tap, n, length, s, p, d in zip(k, out, size, stride, padding, dilation):
        shift = tap * d - p
        begin = max(0, -(shift // s))
        end = max(begin, min(n, (length - 1 - shift) // s + 1))
        here.append(slice(begin, end))
        there.append(slice(begin * s + shift, (end - 1) * s + shift + 1, s) if end > begin else slice(0, 0))
    return here, there
