"""The memory layout of images: shapes are always (N, C, *S), memory is channels-last wherever a kernel made it."""

from tinygan.backend import array_module

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
    return array_module(x).ascontiguousarray(y)


def channels_first(y):
    """Return the (N, *S, C) array y as an (N, C, *S) view: the inverse of `channels_last`, never a copy."""
    return y.transpose(0, y.ndim - 1, *range(1, y.ndim - 1))
