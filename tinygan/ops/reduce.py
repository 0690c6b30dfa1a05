"""Reductions: sum and its adjoint expand, and everything that is built on them.

``dim`` is None (all), an integer or a tuple; ``keepdim`` keeps reduced dimensions with size 1.
"""

from __future__ import annotations

import math
from collections import namedtuple

import numpy as np

from tinygan.autograd import Function
from tinygan.backend import array_module
from tinygan.ops.calls import Single
from tinygan.tensor import Tensor, constant


class Sum(Single):
    """y = sum of x over axes (kept with size 1); adjoint of :class:`Expand`."""

    def __init__(self, axes, keepdims=True):
        self.axes, self.keepdims = axes, keepdims

    def forward(self, x):
        self.shape = x.shape
        return x.sum(axis=self.axes, keepdims=self.keepdims)

    def backward(self, g):
        if not self.keepdims:
            g = g.reshape(tuple([1 if i in self.axes else n for i, n in enumerate(self.shape)]))
        return Expand(self.shape).of(g)


class Expand(Single):
    """y = x repeated to a larger shape by broadcasting (no copy); adjoint of :func:`sum_to`."""

    view = True

    def __init__(self, shape):
        self.shape = shape

    def forward(self, x):
        self.origin_shape = x.shape
        return array_module(x).broadcast_to(x, self.shape)

    def backward(self, g):
        return sum_to(g, self.origin_shape)


class ExtremeValue(Function):
    """y = max or min of x over axes (kept); the winners' shares are constants that add up to 1."""

    saves = (0,)

    def __init__(self, name, axes):
        self.name, self.axes = name, axes

    def forward(self, x):
        return (x.max if self.name == "amax" else x.min)(axis=self.axes, keepdims=True)

    def backward(self, g):
        x = self.saved[0].data
        best = self.forward(x)
        wins = (x == best) | ((x != x) & (best != best))  # NaN wins, and is never equal to itself
        share = wins.astype(x.dtype)
        return g * Tensor(share / share.sum(axis=self.axes, keepdims=True))


class CumSum(Function):
    """y_i = x_1 + ... + x_i along an axis; the adjoint is the same sum from the other end."""

    def __init__(self, axis):
        self.axis = axis

    def forward(self, x):
        return array_module(x).cumsum(x, axis=self.axis)

    def backward(self, g):
        return g.flip(self.axis).cumsum(self.axis).flip(self.axis)


def axes_of(name: str, ndim: int, dim) -> tuple:
    """``dim`` as a sorted tuple of non-negative axes; raises IndexError for one that is not there."""
    if dim is None:
        return tuple(range(ndim))
    axes = []
    for d in (dim,) if isinstance(dim, (int, np.integer)) else tuple(dim):
        if not -ndim <= d < ndim:
            raise IndexError(f"{name}: expected a dim in [{-ndim}, {ndim - 1}], got {d}")
        axes.append(d % ndim)
    if len(set(axes)) != len(axes):
        raise ValueError(f"{name}: expected different dims, got {dim}")
    return tuple(sorted(axes))


def sum(input, dim=None, keepdim: bool = False):
    """The sum over ``dim``."""
    return Sum(axes_of("sum", input.ndim, dim), keepdim).of(input)


def sum_to(input, shape):
    """The sum of ``input`` down to ``shape``, over every axis along which ``shape`` would have to be broadcast."""
    if input.shape == tuple(shape):
        return input
    extra = input.ndim - len(shape)
    axes = tuple(range(extra)) + tuple([i + extra for i, n in enumerate(shape) if n == 1 != input.shape[i + extra]])
    out = Sum(axes)(input)
    return out.reshape(tuple(shape)) if extra else out


def expand(input, *shape):
    """``input`` broadcast to ``shape``; -1 keeps a size. No copy is made."""
    shape = shape[0] if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape
    extra = len(shape) - input.ndim
    shape = tuple([input.shape[i - extra] if n == -1 and i >= extra else n for i, n in enumerate(shape)])
    try:
        fits = np.broadcast_shapes(input.shape, shape) == shape
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(f"expand: expected a shape that {input.shape} broadcasts to, got {shape}")
    return Expand(shape)(input)


def mean(input, dim=None, keepdim: bool = False):
    """The arithmetic mean over ``dim``."""
    axes = axes_of("mean", input.ndim, dim)
    count = math.prod([input.shape[a] for a in axes])
    return sum(input, axes, keepdim) * (1.0 / count if count else math.nan)


def var(input, dim=None, correction: int = 1, keepdim: bool = False):
    """The variance over ``dim``: sum (x - mean)^2 / (n - correction)."""
    axes = axes_of("var", input.ndim, dim)
    count = math.prod([input.shape[a] for a in axes]) - correction
    centred = input - mean(input, axes, keepdim=True)
    return sum(centred * centred, axes, keepdim) * (1.0 / count if count > 0 else math.nan)


def std(input, dim=None, correction: int = 1, keepdim: bool = False):
    """The square root of :func:`var`, with subgradient 0 where it is 0."""
    return _root(var(input, dim, correction, keepdim), 2)


def prod(input, dim=None, keepdim: bool = False):
    """The product over ``dim``, in a tree of multiplications: its derivatives of any order are exact at zeros too."""
    from tinygan.ops.shape import cat
    axes = axes_of("prod", input.ndim, dim)
    kept = [i for i in range(input.ndim) if i not in axes]
    shape = tuple([input.shape[i] for i in kept])
    n = math.prod([input.shape[a] for a in axes])
    out = input.permute(kept + list(axes)).reshape(shape + (n,))
    if n == 0:
        out = sum(out, -1, keepdim=True) + 1.0  # of nothing: 1, and still a function of the input
    while n > 1:
        half, odd = divmod(n, 2)
        pairs = out[..., :half] * out[..., half:2 * half]
        out, n = cat([pairs, out[..., -1:]], -1) if odd else pairs, half + odd
    return out.reshape(tuple([1 if i in axes else m for i, m in enumerate(input.shape)]) if keepdim else shape)


def cumsum(input, dim: int):
    """Sums of the first 1, 2, ... elements along ``dim``."""
    (axis,) = axes_of("cumsum", input.ndim, dim)
    return CumSum(axis)(input)


def amax(input, dim=None, keepdim: bool = False):
    """The largest value over ``dim``; ties share the gradient equally."""
    return _extreme("amax", input, dim, keepdim)


def amin(input, dim=None, keepdim: bool = False):
    """The smallest value over ``dim``; ties share the gradient equally."""
    return _extreme("amin", input, dim, keepdim)


def _extreme(name, input, dim, keepdim):
    axes = axes_of(name, input.ndim, dim)
    out = ExtremeValue(name, axes)(input)
    return out if keepdim else out.reshape(_without(input.shape, axes))


def _without(shape, axes):
    return tuple([n for i, n in enumerate(shape) if i not in axes])


Extreme = namedtuple("Extreme", ["values", "indices"])


def max(input, dim=None, keepdim: bool = False):
    """The largest value; with an integer ``dim`` the pair (values, indices), first maximum first, as in PyTorch."""
    return amax(input) if dim is None else _arg_extreme("max", input, dim, keepdim)


def min(input, dim=None, keepdim: bool = False):
    """The smallest value; with an integer ``dim`` the pair (values, indices), first minimum first, as in PyTorch."""
    return amin(input) if dim is None else _arg_extreme("min", input, dim, keepdim)


def _arg_extreme(name, input, dim, keepdim):
    from tinygan.ops.index import gather
    (axis,) = axes_of(name, input.ndim, dim)
    index = argmax(input, axis, True) if name == "max" else argmin(input, axis, True)
    values = gather(input, axis, index)
    if keepdim:
        return Extreme(values, index)
    shape = _without(input.shape, (axis,))
    return Extreme(values.reshape(shape), Tensor(index.data.reshape(shape)))


def argmax(input, dim=None, keepdim: bool = False):
    """The position of the largest value, an int64 Tensor without a gradient."""
    return constant(input.data.argmax(axis=dim, keepdims=keepdim))


def argmin(input, dim=None, keepdim: bool = False):
    """The position of the smallest value, an int64 Tensor without a gradient."""
    return constant(input.data.argmin(axis=dim, keepdims=keepdim))


def logsumexp(input, dim, keepdim: bool = False):
    """log sum exp(x) over ``dim``, without overflow: the maximum is taken out first (a constant: it cancels)."""
    axes = axes_of("logsumexp", input.ndim, dim)
    xp = array_module(input.data)
    peak = input.data.max(axis=axes, keepdims=True)
    peak = Tensor(xp.where(xp.isfinite(peak), peak, 0).astype(input.dtype))
    out = (input - peak).exp().sum(axes, keepdim=True).log() + peak
    return out if keepdim else out.reshape(_without(input.shape, axes))


def norm(input, p: float = 2, dim=None, keepdim: bool = False):
    """(sum |x|^p)^(1/p) over ``dim``, with subgradient 0 where the norm is 0; p may be infinity."""
    axes = axes_of("norm", input.ndim, dim)
    if p == math.inf:
        return amax(input.abs(), axes, keepdim)
    if p == 1:
        return sum(input.abs(), axes, keepdim)
    return _root(sum(input * input if p == 2 else input.abs() ** p, axes, keepdim), p)


def _root(x, p):
    """x^(1/p) for x >= 0, with subgradient 0 at 0.

    The root's derivative is infinite at 0, and a WGAN-GP penalty does meet zero gradients: there the input is
    replaced by a constant before the root.
    """
    from tinygan.ops.elementwise import where
    zero = x.data == 0
    safe = where(zero, 1.0, x)
    return where(zero, 0.0, safe.sqrt() if p == 2 else safe ** (1.0 / p))
