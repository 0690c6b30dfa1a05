"""The memory layout of images: shapes are always (N, C, *S), memory is channels-last wherever a kernel made it."""

import math

import numpy as np

from tinygan.backend import array_module
from tinygan.kernels.threads import BLOCK, parallel_for

TURN = 1 << 10  # positions turned at a time, in images with at least so many
PITCH = 16      # numbers added to each row: a cache line of float32

copies = 0      # how often `channels_last` has copied; a test keeps an eye on it


def channels_last(x):
    """Return the (N, C, *S) array x as a C-contiguous (N, *S, C) array: a view when memory allows, else a counted copy.

    Only this function may copy for the sake of layout.
    """
    global copies
    axes = (0, *range(2, x.ndim), 1)
    y = x.transpose(axes)
    if y.flags.c_contiguous:
        return y
    copies += 1
    if type(x) is not np.ndarray or x.size <= BLOCK:
        return array_module(x).ascontiguousarray(y)
    out = np.empty(y.shape, y.dtype)
    if x.flags.c_contiguous and x.shape[1] >= 32 and x.size >= TURN * x.shape[0] * x.shape[1]:
        _turn(x, out)
    else:
        step = max(1, BLOCK * len(x) // x.size)
        parallel_for(lambda i: np.copyto(out[i * step:(i + 1) * step], y[i * step:(i + 1) * step]), -(-len(x) // step))
    return out


def _turn(x, out):
    """Write a C-contiguous x (N, C, *S) of many channels to out (N, *S, C), also C-contiguous, on all threads.

    In pieces by way of `apart`, which takes a third to a half of the time of NumPy's copy from one order to the other.
    """
    images, channels = x.shape[:2]
    source, target = x.reshape(images, channels, -1), out.reshape(images, -1, channels)
    pieces = -(-source.shape[2] // TURN)

    def piece(i):
        where = slice(i % pieces * TURN, (i % pieces + 1) * TURN)
        target[i // pieces, where] = apart(source[i // pieces, :, where]).T

    parallel_for(piece, images * pieces)


def apart(a, lead=1, empty=np.empty):
    """Return a copy of the array a, quick to read in transposed order, in memory that ``empty(shape, dtype)`` gives.

    The first ``lead`` axes number rows, which mostly lie a power of two apart: read across, they all fall into the same
    few cache lines. The rows of the copy are PITCH numbers longer than what they hold, and the cache holds them all.
    """
    rows, length = math.prod(a.shape[:lead]), math.prod(a.shape[lead:])
    copy = empty((rows, length + PITCH), a.dtype)[:, :length].reshape(a.shape)
    np.copyto(copy, a)
    return copy


def channels_first(y):
    """Return the (N, *S, C) array y as an (N, C, *S) view: the inverse of `channels_last`, never a copy."""
    return y.transpose(0, y.ndim - 1, *range(1, y.ndim - 1))


def any_channels_last(arrays):
    """Whether one of the arrays of full rank has its channels last in memory and nowhere else."""
    ndim = max((getattr(a, "ndim", 0) for a in arrays), default=0)
    return ndim > 2 and any(a.ndim == ndim and not a.flags.c_contiguous and moved_last(a).flags.c_contiguous
                            for a in arrays if hasattr(a, "flags"))


def moved_last(x, ndim=None):
    """The view of x with axis 1 at the end, of rank ``ndim``: axes of size 1 come first, as in broadcasting."""
    ndim = ndim or x.ndim
    return x.reshape((1,) * (ndim - x.ndim) + x.shape).transpose(0, *range(2, ndim), 1)


def elementwise(f, *arrays):
    """f(*arrays) for an elementwise function of CuPy's, channels-last in memory when an array of full rank is.

    NumPy's results have the order of their inputs, CuPy's are C-ordered whatever comes in, and the next layer would
    have to copy them. Arrays broadcast; what has no axes is passed on.
    """
    if not any_channels_last(arrays):
        return f(*arrays)
    ndim = max(getattr(a, "ndim", 0) for a in arrays)
    return channels_first(f(*[moved_last(a, ndim) if getattr(a, "ndim", 0) else a for a in arrays]))
