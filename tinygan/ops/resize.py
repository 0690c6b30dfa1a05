"""Resizing: one small matrix per spatial axis. Linear, so its adjoint is the same thing with the matrix transposed."""

from __future__ import annotations

import math

import numpy as np

from tinygan.backend import constant_on
from tinygan.ops.linalg import matmul
from tinygan.ops.shape import permute, reshape
from tinygan.tensor import Tensor


def nearest_matrix(size: int, out: int, scale: float, offset: float = 0.0) -> np.ndarray:
    """(out, size): row i picks position floor((i + offset) scale), computed in float32 as PyTorch does."""
    source = (np.arange(out, dtype=np.float32) + np.float32(offset)) * np.float32(scale)
    matrix = np.zeros((out, size))
    matrix[np.arange(out), np.minimum(source.astype(np.int64), size - 1)] = 1
    return matrix


def _triangle(t):
    """The linear kernel, a triangle from -1 to 1."""
    return np.maximum(1 - np.abs(t), 0)


def _cubic(t, a):
    """The cubic convolution kernel from -2 to 2 (Keys 1981, eq. 4)."""
    t = np.abs(t)
    near = ((a + 2) * t - (a + 3)) * t * t + 1
    far = ((a * t - 5 * a) * t + 8 * a) * t - 4 * a
    return np.where(t <= 1, near, np.where(t < 2, far, 0.0))


def sampling_matrix(size: int, out: int, scale: float, align_corners: bool, cubic: bool) -> np.ndarray:
    """(out, size): row i interpolates at (i + 1/2) scale - 1/2, or at i (size - 1) / (out - 1) with aligned corners.

    Positions beyond the edge stand for the edge. The cubic kernel has a = -3/4, as in PyTorch.
    """
    if align_corners:
        source = np.arange(out) * ((size - 1) / (out - 1) if out > 1 else 0.0)
    else:
        source = (np.arange(out) + 0.5) * scale - 0.5
        source = source if cubic else np.maximum(source, 0)
    low = np.floor(source).astype(np.int64)
    low = low if cubic else np.minimum(low, size - 1)
    matrix = np.zeros((out, size))
    for tap in (-1, 0, 1, 2) if cubic else (0, 1):
        distance = source - (low + tap)
        weight = _cubic(distance, -0.75) if cubic else _triangle(distance)
        np.add.at(matrix, (np.arange(out), np.clip(low + tap, 0, size - 1)), weight)
    return matrix


def smoothing_matrix(size: int, out: int, scale: float, align_corners: bool, cubic: bool) -> np.ndarray:
    """(out, size): as :func:`sampling_matrix`, with the kernel stretched to the scale when shrinking ("antialias").

    Positions beyond the edge are left out and the weights of a row add up to 1. Here a = -1/2, as in Pillow.
    """
    if align_corners:
        scale = (size - 1) / (out - 1) if out > 1 else 0.0
    centre = ((np.arange(out) + 0.5) * scale)[:, None]
    stretch = max(scale, 1.0)
    support = (2 if cubic else 1) * stretch
    j = np.arange(size)
    distance = (j + 0.5 - centre) / stretch
    weight = _cubic(distance, -0.5) if cubic else _triangle(distance)
    first, end = np.floor(centre - support + 0.5), np.floor(centre + support + 0.5)
    weight = weight * ((j >= first) & (j < end))
    return weight / weight.sum(axis=1, keepdims=True)


def along_axis(input, matrix: np.ndarray, axis: int):
    """y = matrix applied along one axis of ``input``."""
    matrix = Tensor(constant_on(matrix.astype(input.dtype), input.device))
    order = [i for i in range(input.ndim) if i != axis] + [axis]
    rows = permute(input, order)
    out = matmul(rows, permute(matrix, 1, 0))
    return permute(out, [order.index(i) for i in range(input.ndim)])


def _repeat(input, factors):
    """Every position repeated factor times along each spatial axis: a broadcast, whose adjoint is a sum.

    The channels go last meanwhile, so that the next convolution finds them there in memory.
    """
    n, c, *size = input.shape
    last = permute(input, (0, *range(2, input.ndim), 1))
    split = reshape(last, (n, *sum([(s, 1) for s in size], ()), c))
    wide = split.expand((n, *sum([(s, f) for s, f in zip(size, factors)], ()), c))
    out = reshape(wide, (n, *[s * f for s, f in zip(size, factors)], c))
    return permute(out, (0, input.ndim - 1, *range(1, input.ndim - 1)))


MODES = ("nearest", "nearest-exact", "linear", "bilinear", "trilinear", "bicubic", "area")


def interpolate(input, size=None, scale_factor=None, mode: str = "nearest", align_corners=None,
                recompute_scale_factor=None, antialias: bool = False):
    """(N, C, *S) resized to ``size`` or by ``scale_factor``.

    "nearest" reads position floor(i scale), "nearest-exact" floor((i + 1/2) scale), "linear" (also "bilinear",
    "trilinear": linear in any dimension) and "bicubic" interpolate at (i + 1/2) scale - 1/2, or with the corners of
    input and output aligned; "area" is adaptive average pooling. scale is 1 / scale_factor, or S / size when a size
    or ``recompute_scale_factor`` is given. ``antialias`` smooths when shrinking. Raises ValueError unless exactly one
    of size and scale_factor is given, for an unknown mode, and for an option that the mode does not have.
    """
    spatial = input.shape[2:]
    out, scales = _sizes(input, size, scale_factor, recompute_scale_factor)
    if mode not in MODES or mode == "bicubic" and len(spatial) != 2:
        raise ValueError(f"interpolate: expected mode {', '.join(map(repr, MODES))} (bicubic: for images), got "
                         f"{mode!r} for {input.shape}")
    if (align_corners or antialias) and mode in ("nearest", "nearest-exact", "area") or antialias and len(spatial) != 2:
        raise ValueError("interpolate: expected align_corners and antialias with linear or cubic modes (antialias: "
                         f"for images) alone, got mode {mode!r} and input {input.shape}")
    if mode == "area":
        from tinygan.ops.adaptive_pool import adaptive_avg_pool
        return adaptive_avg_pool("interpolate", len(spatial), input, out)
    if mode.startswith("nearest") and all(o % s == 0 and abs(scale * (o // s) - 1) < 1e-12
                                          for s, o, scale in zip(spatial, out, scales)):
        return _repeat(input, [o // s for s, o in zip(spatial, out)])
    for i, (s, o, scale) in enumerate(zip(spatial, out, scales)):
        if mode.startswith("nearest"):
            matrix = nearest_matrix(s, o, scale, 0.5 if mode == "nearest-exact" else 0.0)
        else:
            make = smoothing_matrix if antialias else sampling_matrix
            matrix = make(s, o, scale, bool(align_corners), mode == "bicubic")
        if not np.array_equal(matrix, np.eye(s)):
            input = along_axis(input, matrix, i + 2)
    return input


def _sizes(input, size, scale_factor, recompute):
    """The output's spatial size, and by how much an output pixel is wider than an input pixel."""
    spatial = input.shape[2:]
    if (size is None) == (scale_factor is None) or input.ndim < 3 or 0 in spatial:
        raise ValueError(f"interpolate: expected (N, C, *S) and either size or scale_factor, got {input.shape}, "
                         f"size={size}, scale_factor={scale_factor}")
    if size is not None:
        out = (size,) * len(spatial) if isinstance(size, int) else tuple(size)
    else:
        factors = (scale_factor,) * len(spatial) if isinstance(scale_factor, (int, float)) else tuple(scale_factor)
        out = tuple([math.floor(s * f) for s, f in zip(spatial, factors)])
    if len(out) != len(spatial) or min(out) < 1:
        raise ValueError(f"interpolate: expected {len(spatial)} positive sizes, got {out}")
    if size is not None or recompute:
        return out, [s / o for s, o in zip(spatial, out)]
    return out, [1.0 / f for f in factors]
