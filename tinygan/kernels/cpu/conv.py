"""Convolution as three linear maps: correlation, its adjoint in the image, its adjoint in the weight; 1, 2, 3 dims.

Shapes: x (N, C, *S), w (O, C/groups, *K), y (N, O, *out), out = (S + 2 padding - dilation (K - 1) - 1) // stride + 1.
The naive loops that define the same maps are in `tinygan.testing.naive`.
"""

import math
from typing import NamedTuple

import numpy as np

from tinygan.kernels.cpu import conv_few, conv_fold, conv_tiles
from tinygan.kernels.cpu.conv_depthwise import correlate_depthwise, weight_depthwise
from tinygan.kernels.cpu.conv_gather import COLUMN_BYTES, Windows, boxes, columns, rows_within, workspace
from tinygan.kernels.cpu.conv_weights import channel_slices, tap_matrix, turn_back
from tinygan.kernels.layout import channels_first, channels_last
from tinygan.kernels.threads import limit_blas, parallel_for

WEIGHT_COLUMN_BYTES = 1 << 21      # never smaller than COLUMN_BYTES: each block adds a whole weight to a partial sum
WEIGHT_PARTS = 8                   # the weight gradient has at most this many partial sums in memory,
PARTIAL_BYTES = 1 << 25            # fewer (but two) where they would take more than this


def correlate(x, w, stride, padding, dilation, groups):
    """Cross-correlation: y[n, o, i] = sum_{c, k} x[n, c, i*stride + k*dilation - padding] w[o, c, k].

    x (N, C, *S) and w (O, C/groups, *K) of one float dtype -> (N, O, *out), channels-last in memory. Group q connects
    the q-th of `groups` slices of C with the q-th of O. Fast because columns are gathered in contiguous pieces, block
    by block in the second-level cache, and each block is one matrix product written where it belongs; and because
    common shapes have better ways still (`_correlate`).
    """
    limit_blas()
    size = output_size(x.shape[2:], w.shape[2:], stride, padding, dilation)
    y = np.empty((x.shape[0], *size, w.shape[0]), dtype=x.dtype)
    _correlate(channels_last(x), w, stride, tuple(-p for p in padding), dilation, groups, y)
    return channels_first(y)


def correlate_transpose(g, w, size, stride, padding, dilation, groups):
    """Adjoint of `correlate` in x: gx[n, c, i*stride + k*dilation - padding] += sum_o g[n, o, i] w[o, c, k].

    g (N, O, *out), w (O, C/groups, *K) -> (N, C, *size), channels-last in memory; positions that no output looks at
    are zero. Fast because it never multiplies zeros nor adds overlapping results: the positions of one residue modulo
    the stride meet the same taps, and are a correlation of g with stride 1.
    """
    limit_blas()
    cotangent = channels_last(g)
    y = np.empty((g.shape[0], *size, w.shape[1] * groups), dtype=g.dtype)
    kernel, out = w.shape[2:], g.shape[2:]
    taps = conv_tiles.taps_per_phase(kernel, stride, dilation, groups)
    if y.size == 0 or w.size == 0 or g.size == 0:
        y[...] = 0
    elif conv_fold.is_one_window(size, kernel, padding, groups):
        conv_fold.transpose_one_window(cotangent, w, y)
    elif groups == 1 and conv_fold.folding_pays(size, out, kernel, stride, w.shape[1], g.itemsize):
        conv_fold.transpose_fold(cotangent, w, stride, padding, dilation, y)
    elif all(s == 1 for s in stride):
        offset = tuple(p - (k - 1) * d for p, k, d in zip(padding, kernel, dilation))
        _correlate(cotangent, _turned_around(w, groups), stride, offset, dilation, groups, y)
    elif taps == 2 and stride == (2, 2) and padding[0] % 2 and padding[1] % 2 and conv_tiles.worthwhile(
            len(y), tuple(-(-n // 2) for n in size), w.shape[0], w.shape[1], taps, "transpose"):
        conv_tiles.transpose_tiles(cotangent, w, padding, y)
    else:
        _transpose_by_phases(cotangent, w, stride, padding, dilation, groups, y)
    return channels_first(y)


def correlate_weight(x, g, kernel_size, stride, padding, dilation, groups):
    """Adjoint of `correlate` in w: gw[o, c, k] = sum_{n, i} g[n, o, i] x[n, c, i*stride + k*dilation - padding].

    x (N, C, *S), g (N, O, *out) -> (O, C/groups, *K), C-contiguous. Each block of positions is one matrix product of
    its cotangents with its columns; blocks are summed in order within at most WEIGHT_PARTS partial sums, and those in
    order at the end.
    """
    limit_blas()
    image, cotangent = channels_last(x), channels_last(g)
    gw = np.empty((g.shape[1], x.shape[1] // groups, *kernel_size), dtype=x.dtype)
    windows = Windows(kernel_size, stride, dilation, tuple(-p for p in padding))
    taps = conv_tiles.taps_per_phase(kernel_size, stride, dilation, groups)
    joined = _joined_outputs(image, cotangent, windows, groups)
    if gw.size == 0 or g.size == 0:
        gw[...] = 0
    elif conv_fold.is_one_window(x.shape[2:], kernel_size, padding, groups):
        conv_fold.weight_one_window(image, cotangent, gw)
    elif taps and conv_tiles.worthwhile(len(x), g.shape[2:], x.shape[1], g.shape[1], taps, "weight"):
        conv_tiles.weight_tiles(image, cotangent, stride, windows.offset, taps, gw)
    elif groups > 1 and groups == gw.shape[0] == x.shape[1]:
        taps_last = weight_depthwise(image, cotangent, windows)
        np.copyto(gw, np.moveaxis(taps_last, -1, 0)[:, None])
    elif joined > 1:
        wide = np.empty((joined * len(gw), *gw.shape[1:-1], gw.shape[-1] + (joined - 1) * stride[-1]), dtype=gw.dtype)
        _weight_of_group(image, conv_few.joined(cotangent, joined), _joined_windows(windows, joined), wide)
        conv_few.add_widened(wide, joined, stride[-1], gw)
    else:
        for ci, oi in _group_slices(x.shape[1], g.shape[1], groups):
            _weight_of_group(image[..., ci], cotangent[..., oi], windows, gw[oi])
    return gw


def _correlate(image, w, stride, offset, dilation, groups, y):
    """Write to y (N, *out, O) the correlation of an image (N, *S, C), reading from position i*stride + offset on.

    The ways, in this order: one matrix product when the kernel covers the image; multiply first for few outputs; tiles
    with fewer multiplications; no matrix for depthwise; several outputs at once for few channels; or else columns.
    """
    kernel, size = w.shape[2:], image.shape[1:-1]
    windows = Windows(kernel, stride, dilation, offset)
    taps = conv_tiles.taps_per_phase(kernel, stride, dilation, groups)
    q = _joined_outputs(image, y, windows, groups)
    if y.size == 0 or w.size == 0:
        y[...] = 0
    elif conv_fold.is_one_window(size, kernel, offset, groups):
        conv_fold.correlate_one_window(image, w, y)
    elif conv_fold.few_outputs(w.shape[0], image, kernel, stride, groups):
        padding = tuple(o + (k - 1) * d for o, k, d in zip(offset, kernel, dilation))
        conv_fold.transpose_fold(image, _turned_around(w, 1), stride, padding, dilation, y)
    elif taps and conv_tiles.worthwhile(
            len(y), y.shape[1:-1], image.shape[-1], w.shape[0], taps, "correlate"):
        conv_tiles.correlate_tiles(image, w, stride, offset, taps, y)
    elif groups > 1 and groups == w.shape[0] == image.shape[-1]:
        correlate_depthwise(image, w, windows, y)
    elif q > 1:
        matrix = tap_matrix(conv_few.widened(w, q, stride[-1]))
        _run([_Part(image, matrix, _joined_windows(windows, q), conv_few.joined(y, q))])
    else:
        _run([_Part(image[..., ci], tap_matrix(w[oi]), windows, y[..., oi])
              for ci, oi in _group_slices(image.shape[-1], w.shape[0], groups)])


def _transpose_by_phases(g, w, stride, padding, dilation, groups, y):
    """Write to y (N, *size, C) the adjoint of a correlation with strides, one phase of y after the other."""
    parts = []
    for phase in np.ndindex(*stride):
        taps, first, windows = _phase(phase, w.shape[2:], stride, padding, dilation)
        target = y[(slice(None), *(slice(f, None, s) for f, s in zip(first, stride)))]
        if taps is None:
            target[...] = 0
            continue
        some = w[(slice(None), slice(None), *taps)]
        if groups > 1 and groups == w.shape[0] == y.shape[-1]:
            if target.size:
                correlate_depthwise(g, some, windows, target)
            continue
        for ci, oi in _group_slices(y.shape[-1], w.shape[0], groups):
            parts.append(_Part(g[..., oi], tap_matrix(some[oi].swapaxes(0, 1)), windows, target[..., ci]))
    _run(parts)


def _turned_around(w, groups):
    """Return the weight (O, C/groups, *K) as (C, O/groups, *K), the order of taps reversed, a view if ungrouped."""
    outputs, channels = w.shape[:2]
    w = w[(slice(None), slice(None), *(slice(None, None, -1),) * (w.ndim - 2))]
    w = w.reshape(groups, outputs // groups, channels, *w.shape[2:]).swapaxes(1, 2)
    return w[0] if groups == 1 else w.reshape(groups * channels, outputs // groups, *w.shape[3:])


def _joined_outputs(image, y, windows, groups):
    """Return how many neighbouring outputs to compute from one column row (`conv_few`)."""
    if groups > 1 or y.size == 0:
        return 1
    return conv_few.joined_outputs(image.shape[-1], y.shape[-2], windows.kernel[-1], windows.stride[-1],
                                   windows.dilation[-1])


def _joined_windows(windows, q):
    """Return the windows of q outputs joined along the last axis."""
    kernel, stride, dilation, offset = windows
    return Windows((*kernel[:-1], kernel[-1] + (q - 1) * stride[-1]), (*stride[:-1], q * stride[-1]), dilation, offset)


def output_size(size, kernel, stride, padding, dilation):
    """Return the spatial size of a correlation's output, one number per dimension."""
    return tuple((n + 2 * p - d * (k - 1) - 1) // s + 1
                 for n, k, s, p, d in zip(size, kernel, stride, padding, dilation))


class _Part(NamedTuple):
    """One correlation: target[n, i, o] = columns(source)[n, i] @ matrix, all channels-last."""

    source: np.ndarray
    matrix: np.ndarray
    windows: Windows
    target: np.ndarray


def _run(parts):
    """Carry out correlations that write disjoint targets, all their blocks in one go over the thread pool."""
    tasks = []
    for part in parts:
        if part.target.size == 0:
            continue
        rows = rows_within(COLUMN_BYTES, part.matrix.shape[0], part.target.dtype)
        tasks += [(part, box) for box in boxes(part.target.shape[:-1], rows)]

    def block(i):
        (source, matrix, windows, target), box = tasks[i]
        cols, out = columns(source, box, windows), target[box]
        if out.flags.c_contiguous:
            np.matmul(cols, matrix, out=out.reshape(len(cols), -1))
        else:
            result = workspace("product", out.shape, out.dtype)
            np.matmul(cols, matrix, out=result.reshape(len(cols), -1))
            np.copyto(out, result)

    parallel_for(block, len(tasks), sum(part.target.size * part.matrix.shape[0] for part in parts))


def _group_slices(channels, outputs, groups):
    """Return the (input channels, output channels) slices of each group."""
    c, o = channels // groups, outputs // groups
    return [(slice(q * c, (q + 1) * c), slice(q * o, (q + 1) * o)) for q in range(groups)]


def _phase(phase, kernel, stride, padding, dilation):
    """Return the taps (slices, last first), first position and windows into g of one residue class of positions.

    Position p looks at g[i] through tap k where i*stride + k*dilation - padding = p. For all p with the same
    p + padding modulo the stride these are the same taps k, every (stride / gcd)-th one, and i falls by
    dilation / gcd from one to the next. Taps are None where a class meets no tap.
    """
    taps, first, steps, offsets, counts = [], [], [], [], []
    for r, n, s, p, d in zip(phase, kernel, stride, padding, dilation):
        start = (r - p) % s
        k0 = next((k for k in range(min(n, s)) if k * d % s == r), None)
        if k0 is None:
            return None, tuple((r - p) % s for r, s, p in zip(phase, stride, padding)), None
        gcd = math.gcd(s, d)
        count = len(range(k0, n, s // gcd))
        last = k0 + (count - 1) * (s // gcd)
        taps.append(slice(last, k0 - 1 if k0 else None, -(s // gcd)))
        first.append(start)
        steps.append(d // gcd)
        counts.append(count)
        offsets.append((start + p - last * d) // s)
    ones = (1,) * len(kernel)
    return tuple(taps), tuple(first), Windows(tuple(counts), ones, tuple(steps), tuple(offsets))


def _weight_of_group(image, cotangent, windows, gw):
    """Write the weight gradient (O, C, *K) of one group into gw."""
    width = math.prod(windows.kernel) * image.shape[-1]
    outputs = cotangent.shape[-1]
    blocks = boxes(cotangent.shape[:-1], rows_within(WEIGHT_COLUMN_BYTES, width, gw.dtype))
    n_parts = min(WEIGHT_PARTS, len(blocks), max(2, PARTIAL_BYTES // gw.nbytes))
    partial = np.empty((n_parts, width, outputs), dtype=gw.dtype)

    def part(i):
        mine = blocks[len(blocks) * i // n_parts:len(blocks) * (i + 1) // n_parts]
        for j, box in enumerate(mine):
            cols = columns(image, box, windows)
            rows = cotangent[box].reshape(len(cols), outputs)
            if j == 0:
                np.matmul(cols.T, rows, out=partial[i])
            else:
                product = workspace("product", partial[i].shape, gw.dtype)
                partial[i] += np.matmul(cols.T, rows, out=product)

    parallel_for(part, n_parts, cotangent.size * width)
    partial = partial.reshape(n_parts, *windows.kernel, image.shape[-1], outputs)
    slices = channel_slices(image.shape[-1], width // image.shape[-1], outputs, gw.dtype)

    def finish(i):
        total = partial[0][..., slices[i], :]
        for other in partial[1:]:
            total += other[..., slices[i], :]
        turn_back(total, gw[:, slices[i]])

    parallel_for(finish, len(slices))
