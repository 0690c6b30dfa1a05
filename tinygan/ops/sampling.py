"""Reading images at real-valued positions: spatial transformers.

The corners around a position are found once, as constants; the distances to them are Tensor operations of the grid.
So values and positions have right derivatives of any order wherever they exist: off the pixel centres.
"""

from __future__ import annotations

import itertools

import numpy as np

from tinygan.backend import array_module, constant_on
from tinygan.ops.elementwise import clamp
from tinygan.ops.linalg import matmul
from tinygan.ops.shape import permute, reshape, transpose
from tinygan.tensor import Tensor, constant


def affine_grid(theta, size, align_corners: bool = False):
    """Positions (N, H, W, 2) for :func:`grid_sample` from matrices ``theta`` (N, 2, 3).

    In three dimensions (N, D, H, W, 3) from (N, 3, 4). ``size`` is the output's (N, C, H, W) or (N, C, D, H, W). The
    image spans [-1, 1], between the outer pixels' centres with ``align_corners``, else between their outer edges; a
    position is (x, y[, z]). Raises ValueError when the shapes do not fit.
    Source: Jaderberg et al. 2015, arXiv:1506.02025, eq. 1.
    """
    size = tuple(size)
    n = len(size) - 2
    if n not in (2, 3) or theta.shape != (size[0], n, n + 1):
        raise ValueError("affine_grid: expected theta (N, 2, 3) and size (N, C, H, W), or theta (N, 3, 4) and size "
                         f"(N, C, D, H, W), got {theta.shape} and {size}")
    axes = []
    for m in size[2:]:
        if align_corners:
            axes.append(np.linspace(-1, 1, m) if m > 1 else np.zeros(m))
        else:
            axes.append((2 * np.arange(m) + 1) / m - 1)
    points = np.stack([*np.meshgrid(*axes, indexing="ij")[::-1], np.ones(size[2:])], -1).reshape(-1, n + 1)
    base = Tensor(constant_on(points.astype(theta.dtype), theta.device))
    return reshape(matmul(base, transpose(theta, 1, 2)), (size[0], *size[2:], n))


def grid_sample(input, grid, mode: str = "bilinear", padding_mode: str = "zeros", align_corners=None):
    """(N, C, H, W) read at ``grid`` (N, OH, OW, 2): (N, C, OH, OW); or (N, C, D, H, W) at (N, OD, OH, OW, 3).

    A position (x, y[, z]) in [-1, 1] spans the image (see :func:`affine_grid`). ``mode`` "bilinear" or "nearest";
    outside, ``padding_mode`` "zeros" reads zeros, "border" the nearest edge, "reflection" the mirrored image. Raises
    ValueError when the shapes do not fit or a mode is unknown. Source: Jaderberg et al. 2015, eqs. 3-7.
    """
    n = input.ndim - 2
    if n not in (2, 3) or grid.ndim != n + 2 or grid.shape[0] != input.shape[0] or grid.shape[-1] != n:
        raise ValueError("grid_sample: expected input (N, C, H, W) and grid (N, OH, OW, 2), or (N, C, D, H, W) and "
                         f"(N, OD, OH, OW, 3), got {input.shape} and {grid.shape}")
    if mode not in ("bilinear", "nearest") or padding_mode not in ("zeros", "border", "reflection"):
        raise ValueError("grid_sample: expected mode 'bilinear' or 'nearest' and padding_mode 'zeros', 'border' or "
                         f"'reflection', got {mode!r} and {padding_mode!r}")
    if 0 in input.shape[1:]:
        raise ValueError(f"grid_sample: expected images with at least one pixel and channel, got {input.shape}")
    places = []  # per spatial axis, positions in pixels: grid lists them from the last axis to the first
    for axis, m in enumerate(input.shape[2:]):
        at = grid[..., n - 1 - axis]
        at = (at + 1.0) * ((m - 1) / 2) if align_corners else ((at + 1.0) * m - 1.0) * 0.5
        places.append(_inside(at, m, padding_mode, align_corners))
    return _read(input, places, mode)


def _inside(at, m, padding_mode, align_corners):
    """The positions after padding: as they are, cut to the image, or reflected into it and then cut."""
    if padding_mode == "zeros":
        return at
    if padding_mode == "reflection":
        low, span = (0.0, m - 1.0) if align_corners else (-0.5, float(m))
        if span == 0:
            return at * 0.0
        # the reflected position is sign * at + shift, with sign and shift constant between the kinks
        x = at.data - low
        flips = np.floor(np.abs(x) / span)
        odd = flips % 2
        sign = np.sign(x) * (1 - 2 * odd)
        shift = (flips + odd) * span * (2 * odd - 1) + low - sign * low
        at = at * constant(sign) + constant(shift)
    return clamp(at, 0.0, float(m - 1))


def _read(input, places, mode):
    """The weighted sum over the corners around each place (their number is 2^n), or the nearest of them."""
    xp = array_module(input.data)
    batch, c, *size = input.shape
    out = places[0].shape
    rows = permute(reshape(input, (batch, c, int(np.prod(size)))), (0, 2, 1))
    image = xp.arange(batch).reshape((batch,) + (1,) * (len(out) - 1))
    corners = []
    for at, m in zip(places, size):
        # an absurd position (or NaN) must not overflow the integers: everything far outside reads as outside
        value = xp.clip(xp.nan_to_num(at.data, nan=-2.0), -2.0, m + 1.0)
        if mode == "nearest":
            corners.append([(xp.rint(value).astype(np.int64), None)])
            continue
        low = xp.floor(value)
        fraction = at - constant(low)
        corners.append([(low.astype(np.int64), 1.0 - fraction), (low.astype(np.int64) + 1, fraction)])
    total = None
    for corner in itertools.product(*corners):
        flat, valid, weight = 0, True, None
        for (index, share), m in zip(corner, size):
            valid = ((index >= 0) & (index < m)) & valid
            flat = flat * m + xp.clip(index, 0, m - 1)
            weight = share if weight is None or share is None else weight * share
        mask = Tensor(valid.astype(input.dtype))
        values = rows[image, flat] * reshape(mask if weight is None else weight * mask, out + (1,))
        total = values if total is None else total + values
    return permute(total, (0, len(out), *range(1, len(out))))
