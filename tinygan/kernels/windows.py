"""The geometry of sliding windows, shared by the kernels of all devices: numbers and slices, no data."""

from __future__ import annotations

import numpy as np


def output_size(size, kernel, stride, padding, dilation):
    """How many windows there are in each spatial dimension: (S + 2 padding - dilation (K - 1) - 1) // stride + 1."""
    return tuple((n + 2 * p - d * (k - 1) - 1) // s + 1
                 for n, k, s, p, d in zip(size, kernel, stride, padding, dilation))


def reach(offset, stride, size, out):
    """The outputs i in [0, out) with i stride + offset in [0, size), and those positions, as two slices."""
    low = max(0, -(offset // stride))
    high = min(out, (size - 1 - offset) // stride + 1)
    start = low * stride + offset
    return slice(low, max(low, high)), slice(start, max(start, (high - 1) * stride + offset + 1), stride)


def reaches(size, out, kernel, stride, padding, dilation):
    """For each offset inside the input somewhere: its number in row-major order, the outputs it serves, where it looks.

    The last two are tuples of slices for an array with one axis before the spatial ones.
    """
    found = []
    for number, offset in enumerate(np.ndindex(*kernel)):
        pairs = [reach(k * d - p, s, n, o) for k, d, p, s, n, o in zip(offset, dilation, padding, stride, size, out)]
        if all(there.start < there.stop for there, _ in pairs):
            whole = slice(None)
            found.append((number, (whole, *(there for there, _ in pairs)), (whole, *(here for _, here in pairs))))
    return found


def flat_offsets(size, kernel, dilation):
    """The distance of each offset from offset 0 in flat spatial positions, in row-major order."""
    steps = [int(np.prod(size[i + 1:], dtype=np.int64)) for i in range(len(size))]
    return [sum(k * d * s for k, d, s in zip(offset, dilation, steps)) for offset in np.ndindex(*kernel)]


def first_offsets(xp, size, out, kernel, stride, padding, dilation):
    """For every output the number of its first offset inside the input, and the flat positions of that and offset 0.

    Three integer arrays (*out, 1) of module ``xp``, to broadcast over images and channels. The position of offset 0
    is only meaningful as a base to add the distance of another offset to. Raises ValueError when a window lies in the
    padding altogether.
    """
    number, corner, position = (xp.zeros((*out, 1), np.int64) for _ in range(3))
    for axis, (n, o, k, s, p, d) in enumerate(zip(size, out, kernel, stride, padding, dilation)):
        check_window(n, o, k, s, p, d)
        shape = [1] * number.ndim
        shape[axis] = o
        start = (xp.arange(o) * s - p).reshape(shape)
        tap = xp.maximum(-(start // d), 0)  # rounds up: the first offset at or after position 0
        number, corner, position = number * k + tap, corner * n + start, position * n + start + tap * d
    return number, corner, position


def check_window(size, out, kernel, stride, padding, dilation):
    """Raise ValueError when, along one dimension, a window lies in the padding altogether: it has no maximum."""
    start = np.arange(out) * stride - padding
    tap = np.maximum(0, -(start // dilation))
    if np.any(tap >= kernel) or np.any(start + tap * dilation >= size):
        raise ValueError(f"max_pool: expected windows that meet the input, got size {size} with kernel {kernel}, "
                         f"stride {stride}, padding {padding}, dilation {dilation}; use less padding")
