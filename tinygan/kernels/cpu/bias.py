"""One number per channel added to images on NumPy arrays, and the adjoint: the sum over everything but the channels.

Channels-last memory is walked as a matrix of few long rows, several positions side by side in each (NumPy pays for
every inner loop), in blocks spread over the thread pool. Blocks depend on shapes only; what they add up is added in
block order.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from tinygan.kernels.layout import channels_last
from tinygan.kernels.threads import BLOCK, parallel_for

_ROW = 1 << 12  # elements of a row, about


def add_bias(y, b):
    """y[n, c, i] += b[c] in place, for y (N, C, *S), channels-last in memory as convolutions return it, and b (C,)."""
    if y.size == 0:
        return
    rows, step = _rows(channels_last(y))
    tile = np.tile(b, rows.shape[1] // len(b))

    def block(i):
        part = rows[i * step:(i + 1) * step]
        part += tile

    parallel_for(block, -(-len(rows) // step))


def channel_sum(g):
    """The sums over all dimensions of g (N, C, *S) but the channels: (C,).

    Memory of another order than channels-last is left to NumPy.
    """
    image = g.transpose(0, *range(2, g.ndim), 1)
    if g.size == 0 or not image.flags.c_contiguous:
        return np.add.reduce(g, axis=(0, *range(2, g.ndim)))
    rows, step = _rows(image)
    parts = np.empty((-(-len(rows) // step), rows.shape[1]), g.dtype)

    def block(i):
        np.add.reduce(rows[i * step:(i + 1) * step], axis=0, out=parts[i])

    parallel_for(block, len(parts))
    return np.add.reduce(np.add.reduce(parts, axis=0).reshape(-1, g.shape[1]), axis=0)


def _rows(image):
    """The C-contiguous (N, *S, C) as a matrix whose rows are several positions, and the number of rows of a block."""
    channels = image.shape[-1]
    width = channels * _side_by_side(image.size // channels, max(1, _ROW // channels))
    return image.reshape(-1, width), max(1, BLOCK // width)


@lru_cache(maxsize=256)
def _side_by_side(positions, limit):
    """The largest divisor of ``positions`` up to ``limit``."""
    return next(k for k in range(min(positions, limit), 0, -1) if positions % k == 0)
