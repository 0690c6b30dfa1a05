"""Pooling on NumPy arrays: sums over windows with their adjoint, maxima, and the positions of maxima.

All walk over channels-last memory, where one offset of the window is a strided slice with the channels contiguous; no
padded copy is made: an offset contributes to the outputs whose position under it lies inside the input.
Blocks of images go over the thread pool, and no two blocks write the same number.
"""

from __future__ import annotations

from math import prod

import numpy as np

from tinygan.kernels.cpu.conv_gather import workspace
from tinygan.kernels.layout import channels_first, channels_last
from tinygan.kernels.threads import parallel_for
from tinygan.kernels.windows import check_window, first_offsets, flat_offsets, output_size, reach, reaches

_BLOCK = 1 << 19  # elements of input in a block of images: its operations must outlast the hand-over of the lock


def window_sum(x, kernel, stride, padding):
    """Sum pooling: y[n, c, i] = sum_k x[n, c, i stride + k - padding] over positions inside the input.

    ``x`` is (N, C, *S); ``kernel``, ``stride`` and ``padding`` have one number per spatial dimension. Returns
    (N, C, *out), channels-last in memory, with out = (S + 2 padding - kernel) // stride + 1. Fast because a window is
    summed one dimension after the other: kernel offsets add up instead of multiplying.
    """
    image = channels_last(x)
    out = output_size(x.shape[2:], kernel, stride, padding, (1,) * len(kernel))
    y = np.empty((len(x), *out, x.shape[1]), x.dtype)

    def block(images):
        part = image[images]
        for axis, (k, s, p, n) in enumerate(zip(kernel, stride, padding, out)):
            source, last = part, axis == len(kernel) - 1
            shape = (*source.shape[:axis + 1], n, *source.shape[axis + 2:])
            part = y[images] if last else np.empty(shape, x.dtype)
            _sum_along(source, part, axis + 1, k, s, p)

    _over_images(block, len(x), prod(image.shape[1:]))
    return channels_first(y)


def window_sum_transpose(g, size, kernel, stride, padding):
    """The adjoint of window_sum: x[n, c, i stride + k - padding] += g[n, c, i] for every i and offset k.

    ``g`` is (N, C, *out); returns (N, C, *size), channels-last in memory.
    """
    cotangent = channels_last(g)
    x = np.empty((len(g), *size, g.shape[1]), g.dtype)

    def block(images):
        part = cotangent[images]
        for axis in reversed(range(len(kernel))):
            source = part
            shape = (*source.shape[:axis + 1], size[axis], *source.shape[axis + 2:])
            part = x[images] if axis == 0 else np.empty(shape, g.dtype)
            _spread_along(source, part, axis + 1, kernel[axis], stride[axis], padding[axis])

    _over_images(block, len(g), prod(x.shape[1:]))
    return channels_first(x)


def max_pool(x, kernel, stride, padding, dilation):
    """The maximum of each window: y[n, c, i] = max_k x[n, c, i stride + k dilation - padding] over positions inside.

    ``x`` is (N, C, *S); returns (N, C, *out), channels-last in memory. NaN wins over every number. Raises ValueError
    when a window lies in the padding altogether. Like a sum, the maximum is taken one dimension after the other.
    """
    image = channels_last(x)
    size = x.shape[2:]
    out = output_size(size, kernel, stride, padding, dilation)
    for geometry in zip(size, out, kernel, stride, padding, dilation):
        check_window(*geometry)
    y = np.empty((len(x), *out, x.shape[1]), x.dtype)

    def block(images):
        part = image[images]
        for axis, (k, s, p, d, n) in enumerate(zip(kernel, stride, padding, dilation, out)):
            source, last = part, axis == len(kernel) - 1
            shape = (*source.shape[:axis + 1], n, *source.shape[axis + 2:])
            part = y[images] if last else workspace(f"maxima{axis}", shape, x.dtype)
            _max_along(source, part, axis + 1, [tap * d - p for tap in range(k)], s)

    _over_images(block, len(x), prod(image.shape[1:]))
    return channels_first(y)


def max_pool_indices(x, kernel, stride, padding, dilation):
    """Where the maximum of each window is: int64 (N, C, *out), flat indices into the spatial positions of ``x``.

    Positions in the padding never win; of equal maxima the first in row-major order wins; NaN wins over every number
    (of several the last, as in PyTorch). Raises ValueError when a window lies in the padding altogether.
    """
    image = channels_last(x)
    size = x.shape[2:]
    out = output_size(size, kernel, stride, padding, dilation)
    first, corner, _ = first_offsets(np, size, out, kernel, stride, padding, dilation)
    offsets = np.array(flat_offsets(size, kernel, dilation), np.int64)
    taps = reaches(size, out, kernel, stride, padding, dilation)
    small = np.uint8 if len(offsets) <= 256 else np.uint16 if len(offsets) <= 65536 else np.int64
    y = np.empty((len(x), *out, x.shape[1]), np.int64)

    def block(images):
        part = image[images]
        best = np.full((len(part), *y.shape[1:]), -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min, x.dtype)
        tap = np.empty(best.shape, small)
        tap[...] = first
        for number, there, here in taps:
            wins = part[here] > best[there]
            _raise_to(tap[there], wins, number)
            np.maximum(best[there], part[here], out=best[there])
        if np.isnan(best).any():
            for number, there, here in taps:
                _raise_to(tap[there], np.isnan(part[here]), number)
        np.take(offsets, tap, out=y[images], mode="clip")  # "clip" writes straight to out; tap is always in range
        y[images] += corner

    _over_images(block, len(x), prod(image.shape[1:]))
    return channels_first(y)


def _raise_to(tap, where, number):
    """Raise ``tap`` to ``number`` where ``where`` says so.

    Offsets come in rising order, so the last to win is the largest: a maximum, which NumPy vectorises, where it does
    not vectorise a masked copy.
    """
    np.maximum(tap, np.multiply(where, tap.dtype.type(number), dtype=tap.dtype), out=tap)


def _sum_along(source, target, axis, kernel, stride, padding):
    """target[i] = sum over k of source[i stride + k - padding], along one axis."""
    before = (slice(None),) * axis
    count = target.shape[axis]
    if kernel == stride and padding == 0 and kernel > 3:  # windows side by side: one reduction instead of many sums
        parts = source[(*before, slice(0, count * kernel))]
        parts = parts.reshape(*source.shape[:axis], count, kernel, *source.shape[axis + 1:])
        np.add.reduce(parts, axis=axis + 1, out=target)
        return
    written = False
    for k in range(kernel):
        there, here = reach(k - padding, stride, source.shape[axis], count)
        if there.start >= there.stop:
            continue
        if not written and there == slice(0, count):
            np.copyto(target, source[(*before, here)])
        else:
            if not written:
                target[...] = 0
            target[(*before, there)] += source[(*before, here)]
        written = True
    if not written:
        target[...] = 0


def _max_along(source, target, axis, offsets, stride):
    """target[i] = max over offsets of source[i stride + offset], along one axis."""
    before = (slice(None),) * axis
    taps = [reach(offset, stride, source.shape[axis], target.shape[axis]) for offset in offsets]
    everywhere = slice(0, target.shape[axis])
    whole = [here for there, here in taps if there == everywhere][:2]
    if whole:
        np.maximum(source[(*before, whole[0])], source[(*before, whole[-1])], out=target)
    else:
        target[...] = -np.inf if target.dtype.kind == "f" else np.iinfo(target.dtype).min
    for there, here in taps:
        if there.start < there.stop and here not in whole:
            part = target[(*before, there)]
            np.maximum(part, source[(*before, here)], out=part)


def _spread_along(source, target, axis, kernel, stride, padding):
    """target[i stride + k - padding] += source[i] for all k, along one axis; ``target`` is overwritten."""
    before = (slice(None),) * axis
    disjoint = kernel <= stride  # then every position is met at most once
    if kernel != stride or padding or target.shape[axis] != stride * source.shape[axis]:
        target[...] = 0
    for k in range(kernel):
        there, here = reach(k - padding, stride, target.shape[axis], source.shape[axis])
        if there.start < there.stop:
            if disjoint:
                target[(*before, here)] = source[(*before, there)]
            else:
                target[(*before, here)] += source[(*before, there)]


def _over_images(block, n, elements):
    """Call block(slice of images) until all ``n`` images of so many elements are done, over the thread pool."""
    step = max(1, _BLOCK // max(1, elements))
    parallel_for(lambda i: block(slice(i * step, (i + 1) * step)), -(-n // step))
