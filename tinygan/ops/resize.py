"""Resizing: one small matrix per spatial axis. Linear, so its adjoint is the same thing with the matrix transposed."""

from __future__ import annotations

import numpy as np

from tinygan.backend import to_device
from tinygan.ops.linalg import matmul
from tinygan.ops.shape import permute, reshape
from tinygan.tensor import Tensor


def nearest_matrix(size: int, out: int, scale: float) -> np.ndarray:
    """(out, size): row i picks position floor(i scale), PyTorch's "nearest"."""
    matrix = np.zeros((out, size))
    matrix[np.arange(out), np.minimum((np.arange(out) * scale).astype(np.int64), size - 1)] = 1
    return matrix


def linear_matrix(size: int, out: int, scale: float, align_corners: bool) -> np.ndarray:
    """(out, size): row i interpolates at (i + 1/2) scale - 1/2, or at i (size - 1) / (out - 1) with aligned corners."""
    if align_corners:
        source = np.arange(out) * ((size - 1) / (out - 1) if out > 1 else 0.0)
    else:
        source = np.maximum((np.arange(out) + 0.5) * scale - 0.5, 0)
    low = np.minimum(source.astype(np.int64), size - 1)
    high = np.minimum(low + 1, size - 1)
    weight = source - low
    matrix = np.zeros((out, size))
    np.add.at(matrix, (np.arange(out), low), 1 - weight)
    np.add.at(matrix, (np.arange(out), high), weight)
    return matrix


def along_axis(input, matrix: np.ndarray, axis: int):
    """y = matrix applied along one axis of ``input``."""
    matrix = Tensor(to_device(matrix.astype(input.dtype), input.device))
    order = [i for i in range(input.ndim) if i != axis] + [axis]
    rows = permute(input, order)
    out = matmul(rows, permute(matrix, 1, 0))
    return permute(out, [order.index(i) for i in range(input.ndim)])


def _repeat(input, factors):
    """Every position repeated factor times along each spatial axis: a broadcast, whose adjoint is a sum."""
    n, c, *size = input.shape
    split = reshape(input, (n, c) + sum([(s, 1) for s in size], ()))
    wide = split.expand((n, c) + sum([(s, f) for s, f in zip(size, factors)], ()))
    return reshape(wide, (n, c) + tuple([s * f for s, f in zip(size, factors)]))


def interpolate(input, size=None, scale_factor=None, mode: str = "nearest", align_corners: bool = False):
    """(N, C, *S) resized to ``size`` or by ``scale_factor``, by "nearest" or "bilinear" (linear in any dimension).

    "nearest" reads position floor(i / scale). "bilinear" has half-pixel centres unless ``align_corners``, and does
    not antialias. Raises ValueError unless exactly one of size and scale_factor is given.
    """
    spatial = input.shape[2:]
    if (size is None) == (scale_factor is None) or input.ndim < 3:
        raise ValueError(f"interpolate: expected (N, C, *S) and either size or scale_factor, got {input.shape}, "
                         f"size={size}, scale_factor={scale_factor}")
    if mode not in ("nearest", "linear", "bilinear", "trilinear"):
        raise ValueError(f"interpolate: expected mode 'nearest' or 'bilinear', got {mode!r}")
    if size is not None:
        out = (size,) * len(spatial) if isinstance(size, int) else tuple(size)
        scales = [s / o if o else 1.0 for s, o in zip(spatial, out)]
    else:
        factors = (scale_factor,) * len(spatial) if isinstance(scale_factor, (int, float)) else tuple(scale_factor)
        out = tuple([int(s * f) for s, f in zip(spatial, factors)])
        scales = [1.0 / f for f in factors]
    if len(out) != len(spatial) or min(out) < 1:
        raise ValueError(f"interpolate: expected {len(spatial)} positive sizes, got {out}")
    if mode == "nearest" and all(o % s == 0 for s, o in zip(spatial, out)) and all(
            abs(sc * (o // s) - 1) < 1e-12 for s, o, sc in zip(spatial, out, scales)):
        return _repeat(input, [o // s for s, o in zip(spatial, out)])
    for i, (s, o, scale) in enumerate(zip(spatial, out, scales)):
        matrix = nearest_matrix(s, o, scale) if mode == "nearest" else linear_matrix(s, o, scale, align_corners)
        if not np.array_equal(matrix, np.eye(s)):
            input = along_axis(input, matrix, i + 2)
    return input
