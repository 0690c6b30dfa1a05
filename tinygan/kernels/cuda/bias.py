"""One number per channel added to images on CuPy arrays, and the adjoint: the sum over everything but the channels."""

from __future__ import annotations

from tinygan.kernels.layout import channels_last


def add_bias(y, b):
    """y[n, c, i] += b[c] in place, for y (N, C, *S), channels-last in memory as convolutions return it, and b (C,)."""
    image = channels_last(y)
    image += b


def channel_sum(g):
    """The sums over all dimensions of g (N, C, *S) but the channels: (C,)."""
    return g.sum(axis=(0, *range(2, g.ndim)))
