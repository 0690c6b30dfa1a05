"""The geometry of sliding windows as CUDA kernels take it: `struct Window` of sources/window.cuh."""

from __future__ import annotations

import functools

from tinygan.kernels.cuda.launch import struct


@functools.lru_cache(maxsize=1024)
def window(size, out, kernel, stride, padding, dilation):
    """The six tuples of one number per spatial axis as `struct Window`, with axes of size 1 before them up to three."""
    missing = 3 - len(size)
    before = {"padding": 0}
    parts = dict(size=size, out=out, kernel=kernel, stride=stride, padding=padding, dilation=dilation)
    return struct(*((before.get(name, 1),) * missing + tuple(part) for name, part in parts.items()))
