"""Blocks, workspaces and columns: what the three convolution kernels share.

A *column row* is everything one output position looks at, K*C numbers in the order (*kernel, channels), so that each
piece that is contiguous in a channels-last image is copied in one go and a convolution is columns times a matrix.
Columns are made for a block of output positions at a time, small enough to stay in the cache between the
copy that writes them and the matrix product that reads them.
"""

import math
import threading
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

# The columns of a block take about this much (at least MIN_ROWS rows), whatever the batch. That is more than a small
# second-level cache; but every block costs some Python, which threads cannot share.
COLUMN_BYTES = 1 << 21
MIN_ROWS = 64              # BLAS gives a row the same bits in any block of at least this many rows

_workspaces = threading.local()


class Windows(NamedTuple):
    """Where the windows of a correlation lie: output i, tap k looks at position i*stride + offset + k*dilation."""

    kernel: tuple
    stride: tuple
    dilation: tuple
    offset: tuple          # minus the padding; positions outside the image read as zero


def workspace(name, shape, dtype):
    """Return an uninitialised array of this thread's own, whose memory is reused by the next call of that name.

    What one kernel needs at the same time has different names. The convolutions share two: "operand" is what a block
    of the image becomes (columns, or transformed tiles), "product" what it is once multiplied.
    """
    n_bytes = math.prod(shape) * dtype.itemsize
    buffer = getattr(_workspaces, name, None)
    if buffer is None or buffer.size < n_bytes:
        buffer = np.empty(n_bytes, dtype=np.uint8)
        setattr(_workspaces, name, buffer)
    return buffer[:n_bytes].view(dtype).reshape(shape)


@lru_cache(maxsize=256)
def boxes(extents, rows):
    """Cut a grid of the given extents into boxes of about `rows` positions, contiguous in C order: tuples of slices.

    Shapes alone decide. Boxes have at least MIN_ROWS positions unless the grid is smaller; where that allows it, there
    is an even number of them, since two cores are what most machines have at the least.
    """
    rows = max(min(rows, math.prod(extents) // 2), MIN_ROWS)
    axis, inner = len(extents) - 1, 1          # boxes are whole behind `axis` and one position thick before it
    while axis > 0 and inner * extents[axis] <= rows:
        inner *= extents[axis]
        axis -= 1
    pieces = max(1, math.ceil(extents[axis] * inner / rows))
    pieces += pieces % 2
    pieces = max(1, min(pieces, extents[axis], extents[axis] * inner // (MIN_ROWS + inner - 1)))
    edges = [extents[axis] * i // pieces for i in range(pieces + 1)]
    outer = [tuple(slice(i, i + 1) for i in index) for index in np.ndindex(*extents[:axis])]
    whole = tuple(slice(0, n) for n in extents[axis + 1:])
    return [(*o, slice(a, b), *whole) for o in outer for a, b in zip(edges, edges[1:])]


def rows_within(n_bytes, width, dtype):
    """Return how many column rows of the given width fit in n_bytes, at least MIN_ROWS."""
    return max(MIN_ROWS, n_bytes // (width * dtype.itemsize))


def columns(image, box, windows):
    """Return the (positions, K*C) columns of the output positions in a box (batch first) of a channels-last image.

    The result lives in this thread's workspace, or is a view of the image where nothing needs to move.
    """
    taps, channels = math.prod(windows.kernel), image.shape[-1]
    count = tuple(part.stop - part.start for part in box)
    view = window_view(image, box, count, windows)
    if taps == 1 and all(s == 1 for s in windows.stride) or count[1:] == (1,) * len(windows.kernel):
        merged = _merged(view, count, taps * channels)
        if merged is not None:
            return merged
    gathered = workspace("operand", view.shape, image.dtype)
    np.copyto(gathered, view)
    return gathered.reshape(math.prod(count), taps * channels)


def _merged(view, count, width):
    """Return the window view as a matrix if that needs no copy, else None."""
    matrix = view.reshape(math.prod(count), width)
    return matrix if np.may_share_memory(matrix, view) else None


def window_view(image, box, count, windows):
    """Return the overlapping view (*count, *kernel, C) of the image, or of its padded block where windows stick out."""
    kernel, stride, dilation, offset = windows
    low = [part.start * s + o for part, s, o in zip(box[1:], stride, offset)]
    span = [(n - 1) * s + (k - 1) * d + 1 for n, s, k, d in zip(count[1:], stride, kernel, dilation)]
    high = [a + n for a, n in zip(low, span)]
    block = piece(image, box[0], low, high)
    n, *steps, c = block.strides
    shape = (*count, *kernel, block.shape[-1])
    strides = (n, *[t * s for t, s in zip(steps, stride)], *[t * d for t, d in zip(steps, dilation)], c)
    if block.flags.c_contiguous:               # the usual case; as_strided takes ten times as long to say the same
        return np.ndarray(shape, block.dtype, block, 0, strides)
    return as_strided(block, shape, strides, writeable=False)


def piece(image, images, low, high):
    """Return positions low..high (exclusive) of some images, zeros outside the image: a view or a workspace."""
    if all(a >= 0 and b <= size for a, b, size in zip(low, high, image.shape[1:])):
        return image[(images, *map(slice, low, high))]
    return _padded(image, images, low, high)


def _padded(image, images, low, high):
    """Copy positions low..high (exclusive) of some images into the workspace, zeros outside the image."""
    shape = (images.stop - images.start, *(b - a for a, b in zip(low, high)), image.shape[-1])
    block = workspace("padded", shape, image.dtype)
    inside = [slice(None)]                     # narrowed axis by axis: each zero slab is written once
    source = [images]
    for axis, (a, b, size) in enumerate(zip(low, high, image.shape[1:-1]), start=1):
        begin = min(max(-a, 0), b - a)
        end = max(min(size - a, b - a), begin)
        block[(*inside, slice(0, begin))] = 0
        block[(*inside, slice(end, None))] = 0
        inside.append(slice(begin, end))
        source.append(slice(a + begin, a + end))
    if all(part.stop > part.start for part in source[1:]):
        np.copyto(block[tuple(inside)], image[tuple(source)])
    return block
