"""Weights turned around: from (O, C, *K), as users keep them, to (*K, C, O), as matrix products want them, and back.

A plain strided copy takes as long as a sixth of the convolution for 256 x 128 channels. Here a slice of channels at a
time goes by way of rows of an odd pitch (`layout.apart`); that is three to five times faster.
"""

import math

import numpy as np

from tinygan.kernels.cpu.conv_gather import workspace
from tinygan.kernels.layout import apart
from tinygan.kernels.threads import parallel_for

SLICE_BYTES = 1 << 18      # a slice of channels takes about this much


def channel_slices(channels, taps, outputs, dtype):
    """Cut the channels of a weight into slices of about SLICE_BYTES."""
    step = max(1, SLICE_BYTES // max(1, taps * outputs * dtype.itemsize))
    return [slice(c, min(c + step, channels)) for c in range(0, channels, step)]


def turned(w):
    """Return a slice of a weight (O, c, *K) as (*K, c, O), in this thread's workspace, quick to read."""
    return apart(w, 1, _buffer).transpose(*range(2, w.ndim), 1, 0)


def turn_back(taps, gw):
    """Write taps (*K, c, O) to a slice of a weight, (O, c, *K)."""
    rows = apart(taps.transpose(taps.ndim - 2, *range(taps.ndim - 2), taps.ndim - 1), taps.ndim - 1, _buffer)
    np.copyto(gw, rows.transpose(rows.ndim - 1, *range(rows.ndim - 1)))


def _buffer(shape, dtype):
    return workspace("turned", shape, dtype)


def tap_matrix(w):
    """Return the weight (O, C, *K) as the C-contiguous (K*C, O) matrix that columns are multiplied by."""
    matrix = np.empty((*w.shape[2:], w.shape[1], w.shape[0]), dtype=w.dtype)
    slices = channel_slices(w.shape[1], math.prod(w.shape[2:]), w.shape[0], w.dtype)

    def part(i):
        np.copyto(matrix[..., slices[i], :], turned(w[:, slices[i]]))

    parallel_for(part, len(slices))
    return matrix.reshape(-1, w.shape[0])
