"""Normalisation on CuPy arrays: (x - mean) / sqrt(var + eps) over any axes, and its vector-Jacobian product."""

from __future__ import annotations

from tinygan.backend import array_module
from tinygan.kernels.cpu.normalize import memory_order


def normalize(x, scale, shift, axes, eps):
    """Normalise ``x`` over ``axes``: y = (x - mean) * rstd * scale + shift, with rstd = 1 / sqrt(var + eps).

    ``scale`` and ``shift`` are None or broadcast against ``x`` (same number of axes); ``var`` is the biased variance.
    Returns (y, mean, rstd); mean and rstd keep the reduced axes with size 1. An empty ``x`` has mean 0 and variance 0.
    """
    xp = array_module(x)
    axes = {axis % x.ndim for axis in axes}
    kept = tuple(1 if i in axes else n for i, n in enumerate(x.shape))
    if x.size == 0:
        return xp.empty_like(x), xp.zeros(kept, x.dtype), xp.full(kept, eps ** -0.5, x.dtype)
    order, dense = memory_order(x, axes)
    over = tuple(i for i, axis in enumerate(order) if axis in axes)
    mean = dense.mean(axis=over, keepdims=True)
    y = dense - mean
    rstd = 1 / xp.sqrt((y * y).mean(axis=over, keepdims=True) + eps)
    y *= rstd
    if scale is not None:
        y *= scale.transpose(order)
    if shift is not None:
        y += shift.transpose(order)
    return _logical(y, order), _logical(mean, order), _logical(rstd, order)


def normalize_vjp(g, x, scale, mean, rstd, axes, needs):
    """The gradients of sum(g * y) with respect to x, scale and shift; None where ``needs`` (three bools) says no.

    With h = g * scale and xhat = (x - mean) * rstd: gx = rstd * (h - mean(h) - xhat * mean(h * xhat)), the means over
    ``axes``; gscale and gshift are the sums of g * xhat and g over the axes where ``scale`` has size 1, in its shape.
    """
    xp = array_module(x)
    if x.size == 0:
        return (xp.empty_like(x) if needs[0] else None,
                xp.zeros_like(scale) if needs[1] else None, xp.zeros_like(scale) if needs[2] else None)
    axes = {axis % x.ndim for axis in axes}
    order, dense = memory_order(x, axes)
    over = tuple(i for i, axis in enumerate(order) if axis in axes)
    g, rstd = g.transpose(order), rstd.transpose(order)
    xhat = (dense - mean.transpose(order)) * rstd
    gx = None
    if needs[0]:
        h = g if scale is None else g * scale.transpose(order)
        gx = h - h.mean(axis=over, keepdims=True) - xhat * (h * xhat).mean(axis=over, keepdims=True)
        gx *= rstd
        gx = _logical(gx, order)
    return gx, _sum_like(scale, g * xhat, order) if needs[1] else None, _sum_like(scale, g, order) if needs[2] else None


def _logical(y, order):
    """``y``, whose axes are those of x in ``order``, as a view with the axes of x."""
    return y.transpose([order.index(i) for i in range(len(order))])


def _sum_like(parameter, y, order):
    """Sum ``y`` (axes in ``order``) over the axes where ``parameter`` has size 1, in the shape of ``parameter``."""
    over = tuple(i for i, axis in enumerate(order) if parameter.shape[axis] == 1)
    return array_module(y).ascontiguousarray(_logical(y.sum(axis=over, keepdims=True), order))
