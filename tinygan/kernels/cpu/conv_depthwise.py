"""Depthwise convolution: every channel has its own filter and no two channels meet, so there is no matrix product."""

import numpy as np

from tinygan.kernels.cpu.conv_gather import boxes, rows_within, window_view, workspace
from tinygan.kernels.threads import parallel_for

BLOCK_BYTES = 1 << 18          # outputs per block: with two operands and a product they share the second-level cache
WEIGHT_PARTS = 8               # the weight gradient has at most this many partial sums in memory


def correlate_depthwise(image, taps, windows, y):
    """y[n, i, c] = sum_k image[n, i*stride + offset + k*dilation, c] taps[k, c], channels-last, y of any strides.

    One multiplication and one addition per tap, contiguous over channels, in blocks that stay in the cache.
    """
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
