"""One number per channel added to images on CuPy arrays, and the adjoint: the sum over everything but the channels."""

from __future__ import annotations

from tinygan.backend import array_module
from tinygan.kernels.cuda.launch import THREADS, kernel, launch, launch_rows
from tinygan.kernels.layout import channels_last

PART = 1 << 13  # elements that one block adds up
MOST_PARTS = 512  # about four blocks for each multiprocessor of a large GPU; the sums of the parts stay small


def add_bias(y, b):
    """y[n, c, i] += b[c] in place, for y (N, C, *S), channels-last in memory as convolutions return it, and b (C,).

    One launch; y is read and written once.
    """
    image = channels_last(y)
    launch(kernel("bias", "add_bias", y.dtype, y.size), y.size, image, b, y.size, len(b))


def channel_sum(g):
    """The sums over all dimensions of g (N, C, *S) but the channels: (C,).

    One launch for small g, else two: parts of the rows are added up, then the sums of the parts. g is read once. The
    order of additions depends on the shape alone. Memory of another order than channels-last is left to CuPy.
    """
    image = g.transpose(0, *range(2, g.ndim), 1)
    if g.size == 0 or not image.flags.c_contiguous:
        return g.sum(axis=(0, *range(2, g.ndim)))
    rows, channels = g.size // g.shape[1], g.shape[1]
    parts = min(MOST_PARTS, rows, -(-g.size // PART))
    sums = _column_sums(image, rows, channels, parts)
    return (sums if parts == 1 else _column_sums(sums, parts, channels, 1))[0]


def _column_sums(matrix, rows, channels, parts):
    """The sums over each of ``parts`` runs of the rows: (parts, channels)."""
    sums = array_module(matrix).empty((parts, channels), matrix.dtype)
    launch_rows(kernel("bias", "column_sums", matrix.dtype, matrix.size), parts * -(-channels // THREADS),
                matrix.size // parts, sums, matrix, rows, channels, parts)
    return sums
