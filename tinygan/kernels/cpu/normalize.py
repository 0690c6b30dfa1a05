"""Normalisation on NumPy arrays: (x - mean) / sqrt(var + eps) over any axes, and its vector-Jacobian product.

Seen in the order of memory every normalisation is one of two:

* *columns*, a (B, M, C) array whose middle axis is reduced: batch norm (B = 1, M = N H W), instance norm (B = N,
  M = H W) and group norm (B = N, M = H W, and then the C / G channels of a group are merged, which is cheap);
* *rows*, a (B, K) array whose last axis is reduced: layer norm.

Both walk over blocks that stay in the second-level cache. The blocks depend on shapes only and their partial sums are
added in block order, so the bits do not depend on the number of threads. The variance takes two passes over each
block and merges the blocks by the formula of Chan, Golub and LeVeque (1983, "Algorithms for computing the sample
variance", equation 2.1): no difference of large numbers, and memory is read once.
"""

from __future__ import annotations

from functools import lru_cache
from math import prod

import numpy as np

from tinygan.backend import array_module
from tinygan.kernels.cpu.conv_gather import workspace
from tinygan.kernels.layout import channels_last
from tinygan.kernels.threads import BLOCK, parallel_for

_FOLD = 1 << 13  # elements of a folded row: below that, what NumPy spends on each inner loop shows


def normalize(x, scale, shift, axes, eps):
    """Normalise ``x`` over ``axes``: y = (x - mean) * rstd * scale + shift, with rstd = 1 / sqrt(var + eps).

    ``scale`` and ``shift`` are None or broadcast against ``x`` (same number of axes); ``var`` is the biased variance.
    Returns (y, mean, rstd); mean and rstd keep the reduced axes with size 1. An empty ``x`` has mean 0 and variance 0.
    y has the memory order of ``x``, after the copy to channels-last memory that batch and instance norm may make.
    """
    axes = _positive(axes, x.ndim)
    if x.size == 0:
        kept = tuple(1 if i in axes else n for i, n in enumerate(x.shape))
        return np.empty_like(x), np.zeros(kept, x.dtype), np.full(kept, eps ** -0.5, x.dtype)
    plan, view = _planned(x, axes)
    a, b = plan.affine(scale), plan.affine(shift)
    fits = (scale is None or a is not None) and (shift is None or b is not None)
    forward = _forward_columns if plan.columns else _forward_rows
    y, mean, rstd = forward(plan, view, a if fits else None, b if fits else None, eps)
    y = plan.logical(y)
    if not fits:
        y = y if scale is None else y * scale
        y = y if shift is None else y + shift
    return y, plan.statistic(mean), plan.statistic(rstd)


def normalize_vjp(g, x, scale, mean, rstd, axes, needs):
    """The gradients of sum(g * y) with respect to x, scale and shift; None where ``needs`` (three bools) says no.

    With h = g * scale and xhat = (x - mean) * rstd: gx = rstd * (h - mean(h) - xhat * mean(h * xhat)), the means over
    ``axes``; gscale and gshift are the sums of g * xhat and g over the axes where ``scale`` has size 1, in its shape.
    """
    axes = _positive(axes, x.ndim)
    if x.size == 0:
        return (np.empty_like(x) if needs[0] else None,
                np.zeros_like(scale) if needs[1] else None, np.zeros_like(scale) if needs[2] else None)
    plan, view = _planned(x, axes)
    a = plan.affine(scale)
    if scale is not None and a is None:
        gx = normalize_vjp(g * scale, x, None, mean, rstd, axes, (True, False, False))[0] if needs[0] else None
        gscale = _sum_to(g * ((x - mean) * rstd), scale.shape) if needs[1] else None
        return gx, gscale, _sum_to(g, scale.shape) if needs[2] else None
    backward = _backward_columns if plan.columns else _backward_rows
    gx, gscale, gshift = backward(plan, view, plan.ordered(g), a, plan.spread(mean), plan.spread(rstd), needs)
    return (None if gx is None else plan.logical(gx),
            None if gscale is None else plan.parameter(gscale, scale.shape),
            None if gshift is None else plan.parameter(gshift, scale.shape))


def running_moments(running_mean, running_var, batches, mean, rstd, count, eps, momentum):
    """The running averages (C,), and the number () of batches behind them, after one more batch: new arrays.

    running <- (1 - momentum) running + momentum new, with the ``mean`` and the unbiased variance of the batch, which is
    max(1 / rstd^2 - eps, 0) count / (count - 1) for ``count`` values behind each mean. A momentum of None is
    1 / batches.
    """
    batches = np.asarray(batches + 1)
    new = 1.0 / float(batches) if momentum is None else momentum
    variance = np.maximum(1 / (rstd * rstd) - eps, 0) * (count / max(count - 1, 1))
    return running_mean * (1.0 - new) + mean * new, running_var * (1.0 - new) + variance * new, batches


def _planned(x, axes):
    """The plan for ``x`` and x as the view that is walked."""
    order, dense = memory_order(x, axes)
    plan = _plan(x.shape, order, axes)
    return plan, dense.reshape(plan.walk)


class _Plan:
    """How an array looks in the order of memory: its axes from the slowest to the fastest, and the view that is walked.

    ``columns`` says which of the two cases it is; ``walk`` is the shape of the view, (B, M, C) or (B, K); ``count`` is
    the number of elements behind one mean.
    """

    def __init__(self, shape, order, axes):
        self.shape, self.order = shape, order
        self.back = tuple(order.index(i) for i in range(len(order)))
        self.ordered_shape = sizes = [shape[i] for i in order]
        self.keep = [i for i, n in enumerate(sizes) if n > 1]  # positions in `order`; axes of size 1 decide nothing
        self.sizes = [sizes[i] for i in self.keep]
        self.reduced = [order[i] in axes for i in self.keep]
        self.first = self.reduced.index(True) if True in self.reduced else len(self.sizes)
        self.last = self.first
        while self.last < len(self.sizes) and self.reduced[self.last]:
            self.last += 1
        self.columns = self.last < len(self.sizes)
        self.outer, self.tail = self.sizes[:self.first], self.sizes[self.last:]
        middle = prod(self.sizes[self.first:self.last])
        self.walk = (prod(self.outer), middle, prod(self.tail)) if self.columns else (prod(self.outer), middle)
        self.merged = tuple(len(self.outer) + i for i, r in enumerate(self.reduced[self.last:]) if r)
        self.count = prod(n for n, r in zip(self.sizes, self.reduced) if r)

    def ordered(self, g):
        """``g`` (of the shape of x) as the view that is walked; copied when its memory has another order."""
        moved = g.transpose(self.order)
        if not moved.flags.c_contiguous:
            is_channels_last = self.order == (0, *range(2, g.ndim), 1)
            moved = channels_last(g) if is_channels_last else np.ascontiguousarray(moved)
        return moved.reshape(self.walk)

    def logical(self, y):
        """The walked array ``y`` as a view with the axes of x."""
        return y.reshape(self.ordered_shape).transpose(self.back)

    def affine(self, parameter):
        """``parameter`` as (B, C) or (K,); None when it varies along an axis where the walk wants one value."""
        if parameter is None:
            return None
        sizes = self._kept(parameter)
        if self.columns:
            if prod(sizes[self.first:self.last]) != 1:
                return None
            return self._broadcast(parameter, sizes)
        if prod(sizes[:self.first]) != 1:
            return None
        own = parameter.transpose(self.order).reshape(sizes[self.first:])
        return np.broadcast_to(own, self.sizes[self.first:]).reshape(self.walk[1])

    def spread(self, statistic):
        """A mean or rstd as (B, C) or (B,)."""
        return self._broadcast(statistic, self._kept(statistic))

    def _kept(self, array):
        return [array.shape[self.order[i]] for i in self.keep]

    def _broadcast(self, array, sizes):
        own = array.transpose(self.order).reshape(sizes[:self.first] + sizes[self.last:])
        whole = self.outer + self.tail
        full = own if list(own.shape) == whole else np.broadcast_to(own, whole)
        return full.reshape(self.walk[0], self.walk[2]) if self.columns else full.reshape(self.walk[0])

    def merge(self, sums):
        """Sum (B, C) over the reduced axes inside C and spread the result over C again."""
        if not self.merged:
            return sums
        inner = sums.reshape(self.outer + self.tail)
        total = np.add.reduce(inner, axis=self.merged, keepdims=True)
        return np.broadcast_to(total, inner.shape).reshape(sums.shape)

    def statistic(self, value):
        """(B, C) or (B,) as an array with the axes of x, the reduced ones with size 1."""
        inner = value.reshape(self.outer + self.tail)
        inner = inner[tuple(slice(0, 1) if i in self.merged else slice(None) for i in range(inner.ndim))]
        sizes = [1] * len(self.order)
        for i, n, r in zip(self.keep, self.sizes, self.reduced):
            sizes[i] = 1 if r else n
        return np.ascontiguousarray(inner.reshape(sizes).transpose(self.back))

    def parameter(self, full, shape):
        """Sum ``full``, (B, C) or (K,), over the axes where ``shape`` has size 1, and give it that shape."""
        sizes = [1] * len(self.order)
        inside = range(self.first, self.last)
        for j, (i, n) in enumerate(zip(self.keep, self.sizes)):
            sizes[i] = n if (j in inside) != self.columns else 1
        return np.ascontiguousarray(_sum_to(full.reshape(sizes).transpose(self.back), shape))


_plan = lru_cache(maxsize=1024)(_Plan)


def memory_order(x, axes):
    """The axes of ``x`` from slowest to fastest, and x transposed so, which is C-contiguous (a copy when it must be).

    Batch and instance norm reduce every axis after the channels and want channels-last memory, where a channel is a
    column; group norm finds it split into groups. All others keep whatever dense order they get.
    """
    last = (0, *range(2, x.ndim), 1)
    grouped = (0, *range(3, x.ndim), 1, 2)
    for order in (last, grouped)[:max(0, x.ndim - 2)]:
        moved = x.transpose(order)
        if moved.flags.c_contiguous:
            return order, moved
    if x.ndim >= 3 and 1 not in axes and all(i in axes for i in range(2, x.ndim)):
        return last, channels_last(x)
    if not x.flags.c_contiguous:
        order = tuple(sorted(range(x.ndim), key=lambda i: -x.strides[i]))
        if x.transpose(order).flags.c_contiguous:
            return order, x.transpose(order)
        if x.ndim >= 3:
            return last, channels_last(x)
    return tuple(range(x.ndim)), array_module(x).ascontiguousarray(x)


def _forward_columns(plan, view, scale, shift, eps):
    x, folds = _folded(view)
    blocks, parts = _blocks(x.shape)
    centre = _provisional_mean(view)
    tile = _tiled(centre, folds)
    y = np.empty_like(x)
    sums = np.empty((2, parts, x.shape[0], x.shape[2]), x.dtype)

    def centre_and_measure(i):
        outer, rows, part = blocks[i]
        out = y[outer, rows]
        np.subtract(x[outer, rows], tile[outer], out=out)
        square = np.multiply(out, out, out=workspace("square", out.shape, out.dtype))
        np.add.reduce(out, axis=1, out=sums[0, part, outer])
        np.add.reduce(square, axis=1, out=sums[1, part, outer])

    parallel_for(centre_and_measure, len(blocks))
    distance, var = _moments(plan, centre, *_column_sums(sums, folds))
    rstd = (var + eps) ** -0.5
    gain = rstd if scale is None else rstd * scale
    offset = -distance * gain if shift is None else shift - distance * gain
    gain, offset = _tiled(gain.astype(x.dtype), folds), _tiled(offset.astype(x.dtype), folds)

    def scale_and_shift(i):
        outer, rows, _ = blocks[i]
        out = y[outer, rows]
        out *= gain[outer]
        out += offset[outer]

    parallel_for(scale_and_shift, len(blocks))
    return y, (centre + distance).astype(x.dtype), rstd.astype(x.dtype)


def _provisional_mean(x):
    """A value near the mean of each column of (B, M, C), from a few rows spread over M, to subtract before squaring.

    Then no large numbers are subtracted: a mean of k of M values is within sqrt(M / k) standard deviations of theirs.
    """
    outer, rows, _ = x.shape
    few = x[:, ::max(1, rows // (256 if outer == 1 else 16))]
    return np.add.reduce(few, axis=1) / np.asarray(few.shape[1], x.dtype)


def _moments(plan, centre, total, square):
    """The distance of the mean from ``centre``, and the variance, from the sums of (x - centre) and its square.

    All are (B, C) in float64. Columns that share a mean are merged by the formula of Chan, Golub and LeVeque.
    """
    rows = plan.walk[1]
    distance = total / rows
    square = square - total * distance
    if plan.merged:
        mean = centre + distance
        merged = plan.merge(mean) * (rows / plan.count)
        square = plan.merge(square + rows * (mean - merged) ** 2)
        distance = merged - centre
    return distance, np.maximum(square, 0) / plan.count


def _backward_columns(plan, view, g, scale, mean, rstd, needs):
    x, folds = _folded(view)
    g = g.reshape(x.shape)
    blocks, parts = _blocks(x.shape)
    tile = _tiled(mean, folds)
    gx = np.empty_like(x)
    sums = np.empty((2, parts, x.shape[0], x.shape[2]), x.dtype)

    def centre_and_measure(i):
        outer, rows, part = blocks[i]
        out, grad = gx[outer, rows], g[outer, rows]
        np.subtract(x[outer, rows], tile[outer], out=out)
        product = np.multiply(out, grad, out=workspace("product", out.shape, out.dtype))
        np.add.reduce(grad, axis=1, out=sums[0, part, outer])
        np.add.reduce(product, axis=1, out=sums[1, part, outer])

    parallel_for(centre_and_measure, len(blocks))
    total, moment = _column_sums(sums, folds)
    gscale = (moment * rstd).astype(x.dtype) if needs[1] else None
    gshift = total.astype(x.dtype) if needs[2] else None
    if not needs[0]:
        return None, gscale, gshift
    if scale is not None:
        total, moment = total * scale, moment * scale
    gain = rstd if scale is None else rstd * scale
    slope = plan.merge(moment) * (rstd.astype(np.float64) ** 3 / -plan.count)
    offset = plan.merge(total) * (rstd / -plan.count)
    gain, slope, offset = (_tiled(v.astype(x.dtype), folds) for v in (gain, slope, offset))

    def combine(i):  # gain * g + slope * (x - mean) + offset, where gx holds x - mean
        outer, rows, _ = blocks[i]
        out = gx[outer, rows]
        out *= slope[outer]
        out += offset[outer]
        out += np.multiply(g[outer, rows], gain[outer], out=workspace("product", out.shape, out.dtype))

    parallel_for(combine, len(blocks))
    return gx, gscale, gshift


def _folded(view):
    """The (B, M, C) view as (B, M / k, k C), and k: NumPy pays for every inner loop, so short rows lie side by side."""
    outer, rows, width = view.shape
    folds = _fold(rows, min(_FOLD, view.size // (16 * outer)) // width)
    return view.reshape(outer, rows // folds, folds * width), folds


@lru_cache(maxsize=1024)
def _fold(rows, limit):
    """The largest divisor of ``rows`` up to ``limit``."""
    return next((k for k in range(min(rows, limit), 1, -1) if rows % k == 0), 1)


@lru_cache(maxsize=1024)
def _blocks(shape):
    """The blocks (outer slice, rows slice, part) of a (B, R, W) array, and the number of parts that R is cut into."""
    outer, rows, width = shape
    if rows * width <= BLOCK:
        step = max(1, BLOCK // (rows * width))
        return [(slice(i, i + step), slice(0, rows), 0) for i in range(0, outer, step)], 1
    parts = -(-rows // max(1, BLOCK // width))
    edges = [rows * j // parts for j in range(parts + 1)]
    return [(slice(i, i + 1), slice(*edges[j:j + 2]), j) for i in range(outer) for j in range(parts)], parts


def _column_sums(sums, folds):
    """Add up the parts and the folds of (2, parts, B, k C) sums: two (B, C) arrays in float64."""
    sums = np.add.reduce(sums, axis=1)
    while folds % 2 == 0:  # in halves, which are long inner loops
        half = sums.shape[-1] // 2
        sums, folds = sums[..., :half] + sums[..., half:], folds // 2
    sums = sums.reshape(*sums.shape[:2], folds, -1)
    return np.add.reduce(sums, axis=2, dtype=np.float64)


def _tiled(values, folds):
    """(B, C) as (B, 1, k C), to meet the folded rows."""
    outer, width = values.shape
    tile = np.empty((outer, 1, folds, width), values.dtype)
    tile[...] = values[:, None, None]
    return tile.reshape(outer, 1, folds * width)


def _forward_rows(plan, x, scale, shift, eps):
    outer, width = x.shape
    step = max(1, BLOCK // width)
    y = np.empty_like(x)
    means, rstds = np.empty((outer, 1), x.dtype), np.empty((outer, 1), x.dtype)

    def block(i):
        rows = slice(i * step, (i + 1) * step)
        out, mean, rstd = y[rows], means[rows], rstds[rows]
        np.add.reduce(x[rows], axis=1, keepdims=True, out=mean)
        mean /= width
        np.subtract(x[rows], mean, out=out)
        np.add.reduce(out * out, axis=1, keepdims=True, out=rstd)  # pairwise, unlike einsum
        rstd /= width
        rstd += eps
        np.sqrt(rstd, out=rstd)
        np.reciprocal(rstd, out=rstd)
        out *= rstd
        if scale is not None:
            out *= scale
        if shift is not None:
            out += shift

    parallel_for(block, -(-outer // step))
    return y, means, rstds


def _backward_rows(plan, x, g, scale, mean, rstd, needs):
    outer, width = x.shape
    step = max(1, BLOCK // width)
    n_blocks = -(-outer // step)
    mean, rstd = mean[:, None], rstd[:, None]
    gx = np.empty_like(x) if needs[0] else None
    gscale = np.empty((n_blocks, width), x.dtype) if needs[1] else None
    gshift = np.empty((n_blocks, width), x.dtype) if needs[2] else None

    def block(i):
        rows = slice(i * step, (i + 1) * step)
        grad = g[rows]
        xhat = x[rows] - mean[rows]
        xhat *= rstd[rows]
        if needs[2]:
            np.add.reduce(grad, axis=0, out=gshift[i])
        product = grad * xhat
        if needs[1]:
            np.add.reduce(product, axis=0, out=gscale[i])
        if not needs[0]:
            return
        out = gx[rows]
        if scale is None:
            out[...] = grad
        else:
            product *= scale
            np.multiply(grad, scale, out=out)
        out -= np.add.reduce(out, axis=1, keepdims=True) / width
        xhat *= np.add.reduce(product, axis=1, keepdims=True) / width
        out -= xhat
        out *= rstd[rows]

    parallel_for(block, n_blocks)
    return (gx, None if gscale is None else np.add.reduce(gscale, axis=0),
            None if gshift is None else np.add.reduce(gshift, axis=0))


def _sum_to(array, shape):
    """Sum ``array`` over the axes where ``shape`` has size 1."""
    axes = tuple(i for i, n in enumerate(shape) if n == 1 and array.shape[i] != 1)
    return np.add.reduce(array, axis=axes, keepdims=True) if axes else array


def _positive(axes, ndim):
    return frozenset(axis % ndim for axis in axes)
