"""Normalisation on CuPy arrays: (x - mean) / sqrt(var + eps) over any axes, and its vector-Jacobian product.

In the order of memory, neighbouring axes taken together, what is reduced is M and K of an array (B, M, G, K): batch
norm is (1, N H W, C, 1), instance norm (N, H W, C, 1), group norm (N, H W, groups, C / groups), layer norm
(N, C H W, 1, 1).
Two launches read x twice and write y once: the first takes the moments of pieces of the rows M, the second merges them
in the order of the pieces, which depends on shapes alone, and normalises. Where whole columns make blocks enough, one
launch does both and finds x in the cache the second time. The few other choices of axes are left to CuPy's expressions.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import groupby
from math import isqrt, prod

from tinygan.backend import array_module
from tinygan.kernels.cpu.normalize import memory_order
from tinygan.kernels.cuda.launch import kernel, launch, launch_rows
from tinygan.kernels.layout import channels_last

LANES = 256  # of a block, as in sources/normalize.cu
WIDTH = 32  # columns of a block, at most: neighbouring lanes read a whole line of memory
ROWS = 4  # rows of a piece for each lane, at least
BLOCKS = 1024  # about eight for each multiprocessor of a large GPU; not asked of the device, for bits depend on it
MERGED = 64  # pieces that are merged for a group of several columns, at most
# Which of B, M, G, K the runs of kept (o) and reduced (r) axes are, from the slowest to the fastest.
SLOTS = {"": (), "o": (2,), "r": (1,), "or": (0, 1), "ro": (1, 2), "oro": (0, 1, 2), "ror": (1, 2, 3),
         "oror": (0, 1, 2, 3)}


def normalize(x, scale, shift, axes, eps):
    """Normalise ``x`` over ``axes``: y = (x - mean) * rstd * scale + shift, with rstd = 1 / sqrt(var + eps).

    ``scale`` and ``shift`` are None or broadcast against ``x`` (same number of axes); ``var`` is the biased variance.
    Returns (y, mean, rstd); mean and rstd keep the reduced axes with size 1. An empty ``x`` has mean 0 and variance 0.
    y has the memory order of ``x``, after the copy to channels-last memory that batch and instance norm may make. One
    or two launches; moves 3 arrays of the size of x.
    """
    xp, axes = array_module(x), frozenset(axis % x.ndim for axis in axes)
    if x.size == 0:
        kept = tuple(1 if i in axes else n for i, n in enumerate(x.shape))
        return xp.empty_like(x), xp.zeros(kept, x.dtype), xp.full(kept, eps ** -0.5, x.dtype)
    order, dense = memory_order(x, axes)
    plan = _plan(x.shape, order, axes)
    if not plan.fits:
        return _normalize(x, scale, shift, axes, eps)
    walk, y, mean, rstd = plan.walk, xp.empty(dense.shape, x.dtype), plan.statistic(x), plan.statistic(x)
    pieces = None
    if not walk.at_once:
        pieces = walk.room(xp)
        walk.launch("moments", dense, pieces, *walk.sizes, walk.width)
    (a, *a_steps), (b, *b_steps) = plan.affine(scale), plan.affine(shift)
    walk.launch("normalize", dense, pieces, a, b, y, mean, rstd, *walk.sizes, plan.inner, walk.width, float(eps),
                *a_steps, *b_steps)
    return y.transpose(plan.inverse), plan.logical(mean), plan.logical(rstd)


def normalize_vjp(g, x, scale, mean, rstd, axes, needs):
    """The gradients of sum(g * y) with respect to x, scale and shift; None where ``needs`` (three bools) says no.

    With h = g * scale and xhat = (x - mean) * rstd: gx = rstd * (h - mean(h) - xhat * mean(h * xhat)), the means over
    ``axes``; gscale and gshift are the sums of g * xhat and g over the axes where ``scale`` has size 1, in its shape.
    One or two launches; moves 5 arrays of the size of x. Layer norm takes two launches more for gscale and gshift,
    which are sums across its rows, and moves 7 arrays.
    """
    xp, axes = array_module(x), frozenset(axis % x.ndim for axis in axes)
    if x.size == 0:
        return (xp.empty_like(x) if needs[0] else None,
                xp.zeros_like(scale) if needs[1] else None, xp.zeros_like(scale) if needs[2] else None)
    order, dense = memory_order(x, axes)
    plan = _plan(x.shape, order, axes)
    a, *steps = plan.affine(scale) if plan.fits else (None, 0, 0, 0)
    along = bool(steps[1])  # the scale varies along what is reduced, as layer norm's: the kernels know it inside rows
    if not plan.fits or along and (steps[0] or not plan.rows):
        return _normalize_vjp(plan, g, x, scale, mean, rstd, axes, needs)
    arrays = plan.ordered(g), dense, plan.ordered(mean), plan.ordered(rstd)
    gscale, gshift = [plan.parameter(scale) if need else None for need in needs[1:]]
    backward = _backward_rows if along else _backward_columns
    gx = backward(plan, arrays, a, steps, needs[0], gscale, gshift)
    return (None if gx is None else gx.transpose(plan.inverse),
            *[None if v is None else plan.reduced(v, scale.shape) for v in (gscale, gshift)])


def running_moments(running_mean, running_var, batches, mean, rstd, count, eps, momentum):
    """The running averages (C,), and the number () of batches behind them, after one more batch: new arrays.

    running <- (1 - momentum) running + momentum new, with the ``mean`` and the unbiased variance of the batch, which is
    max(1 / rstd^2 - eps, 0) count / (count - 1) for ``count`` values behind each mean. A momentum of None is
    1 / batches. One launch; moves 6 (C,).
    """
    xp, dtype = array_module(mean), mean.dtype
    olds = [running_mean.astype(dtype, copy=False), running_var.astype(dtype, copy=False), batches]
    news = [xp.empty(old.shape, old.dtype) for old in olds]
    launch(kernel("normalize", "running_moments", dtype), mean.size, *news, *olds, mean, rstd, mean.size,
           -1.0 if momentum is None else float(momentum), float(eps), count / max(count - 1, 1))
    return tuple(news)


def _backward_columns(plan, arrays, scale, steps, needs_gx, gscale, gshift):
    """gx in the order of memory, or None; writes gscale and gshift (O, C): O is B if the scale varies with it, else 1.
    """
    xp, walk, own = array_module(arrays[0]), plan.walk, plan.walk.outer if steps[0] else 1
    learnt, pieces, gx = gscale is not None or gshift is not None, None, None
    if learnt or not walk.at_once:
        pieces = walk.room(xp)
        walk.launch("products", *arrays, None, pieces, *walk.sizes, plan.inner, walk.width, plan.groups, 0, 1, 0)
    if needs_gx:
        gx = xp.empty(arrays[1].shape, arrays[1].dtype)
        walk.launch("normalize_vjp", *arrays, scale, pieces, gx, gscale, gshift, *walk.sizes, plan.inner, own,
                    walk.width, *steps)
    elif learnt:
        walk.total(pieces, gscale, gshift, own)
    return gx


def _backward_rows(plan, arrays, scale, steps, needs_gx, gscale, gshift):
    """gx in the order of memory, or None; writes gscale and gshift (M,), sums across the rows of x."""
    xp, walk, gx = array_module(arrays[0]), plan.walk, None
    if needs_gx:
        gx, pieces = xp.empty(arrays[1].shape, arrays[1].dtype), None
        if not walk.at_once:
            pieces = walk.room(xp)
            walk.launch("products", *arrays, scale, pieces, *walk.sizes, 1, walk.width, 1, 0, 0, steps[1])
        walk.launch("normalize_vjp", *arrays, scale, pieces, gx, None, None, *walk.sizes, 1, 1, walk.width, *steps)
    if gscale is not None or gshift is not None:
        across = plan.across
        pieces = across.room(xp)
        across.launch("products", *arrays, None, pieces, *across.sizes, 1, across.width, 0, 1, 0, 0)
        across.total(pieces, gscale, gshift, 1)
    return gx


class _Walk:
    """How blocks share an array (B, M, C): in tiles of ``width`` columns, and in P pieces of the rows of each."""

    def __init__(self, outer, rows, columns, inner):
        self.outer, self.rows, self.columns = outer, rows, columns
        self.width = min(WIDTH, 1 << (columns - 1).bit_length())
        self.tiles = -(-columns // self.width)
        # as many pieces as keep the device busy, but not more than a piece has rows: every block of the second launch
        # reads all of them
        pieces = min(BLOCKS // (outer * self.tiles), isqrt(rows), rows * self.width // (ROWS * LANES))
        self.pieces = max(1, pieces if inner == 1 else min(pieces, MERGED // inner))
        self.at_once = self.pieces == 1 and inner == 1
        self.sizes = (outer, rows, columns, self.pieces)

    def room(self, xp):
        """Room for two numbers of every piece of every column."""
        return xp.empty((self.outer, self.pieces, self.columns, 2), "float64")

    def launch(self, name, first, *args):
        """The kernel ``name`` with one block for each tile and piece."""
        launch_rows(kernel("normalize", name, first.dtype), self.outer * self.tiles * self.pieces, LANES, first, *args)

    def total(self, pieces, gscale, gshift, own):
        """gscale and gshift (``own``, C), where wanted, from the pieces of `products`."""
        some = gshift if gscale is None else gscale
        launch_rows(kernel("normalize", "totals", some.dtype), own * self.tiles, LANES, pieces, gscale, gshift,
                    self.outer, self.columns, self.pieces, own, self.width)


class _Plan:
    """How an array looks in an order of its memory: (B, M, G, K), of which M and K are reduced, if it ``fits``.

    ``rows`` says that nothing is kept inside of what is reduced (G = K = 1).
    """

    def __init__(self, shape, order, axes):
        self.shape, self.order, self.inverse = shape, order, _inverse(order)
        wide = (i for i in order if shape[i] > 1)
        runs = [(kind, list(run)) for kind, run in groupby(wide, lambda i: "r" if i in axes else "o")]
        pattern = "".join(kind for kind, _ in runs)
        self.fits, self.rows, self.steps = pattern in SLOTS, pattern in ("r", "or"), {}
        if self.fits:
            slots = [[] for _ in range(4)]
            for slot, (_, run) in zip(SLOTS[pattern], runs):
                slots[slot] = run
            self.axes = slots[0], slots[1], slots[2] + slots[3]  # along B, M and C
            self.kept = tuple(1 if i in axes else shape[i] for i in order)
            outer, middle, self.groups, self.inner = [prod(shape[i] for i in run) for run in slots]
            self.walk = _Walk(outer, middle, self.groups * self.inner, self.inner)
            self.across = _Walk(1, outer, middle, 1)

    def ordered(self, array):
        """An array with the axes of x in the order of x's memory; copied when its own is another."""
        moved = array.transpose(self.order)
        if moved.flags.c_contiguous:
            return moved
        if array.shape == self.shape and self.order == (0, *range(2, array.ndim), 1):
            return channels_last(array)
        return array_module(array).ascontiguousarray(moved)

    def statistic(self, x):
        """Room for a mean or rstd, in the order of memory."""
        return array_module(x).empty(self.kept, x.dtype)

    def logical(self, array):
        """``array``, in the order of memory, as a C-contiguous one with the axes of x."""
        return array_module(array).ascontiguousarray(array.transpose(self.inverse))

    def affine(self, parameter):
        """``parameter`` as an array and its steps along B, M and C; it is spread out over axes it has only some of."""
        if parameter is None:
            return None, 0, 0, 0
        if parameter.shape not in self.steps:
            self.steps[parameter.shape] = self._steps(parameter.shape)
        target, steps = self.steps[parameter.shape]
        moved = parameter.transpose(self.order)
        if moved.shape != target or not moved.flags.c_contiguous:
            xp = array_module(parameter)
            moved = xp.ascontiguousarray(xp.broadcast_to(moved, target))
        return moved, *steps

    def _steps(self, shape):
        """The shape, in the order of memory, that an affine parameter of ``shape`` is spread out to, and its steps."""
        target, steps, size = dict.fromkeys(self.order, 1), [0, 0, 0], 1
        for number in (2, 1, 0):
            if any(shape[i] > 1 for i in self.axes[number]):
                steps[number] = size
                for i in self.axes[number]:
                    target[i] = self.shape[i]
                    size *= self.shape[i]
        return tuple(target.values()), steps

    def parameter(self, scale):
        """Room for the sums that are the gradient of ``scale``, or that `reduced` makes into it."""
        target, _ = self.steps[scale.shape]
        shape = tuple(self.shape[i] if i in self.axes[2] else n for i, n in zip(self.order, target))
        return array_module(scale).empty(shape, scale.dtype)

    def reduced(self, sums, shape):
        """The sums, in the order of memory, added up over the axes where ``shape`` has size 1, in that shape."""
        return self.logical(_sum_to(sums.transpose(self.inverse), shape).transpose(self.order))


_plan = lru_cache(maxsize=1024)(_Plan)


def _normalize(x, scale, shift, axes, eps):
    """`normalize` in array expressions."""
    xp, order, dense, over = _expression(x, axes)
    mean = dense.mean(axis=over, keepdims=True)
    y = dense - mean
    rstd = 1 / xp.sqrt((y * y).mean(axis=over, keepdims=True) + eps)
    y *= rstd
    if scale is not None:
        y *= scale.transpose(order)
    if shift is not None:
        y += shift.transpose(order)
    return [v.transpose(_inverse(order)) for v in (y, mean, rstd)]


def _normalize_vjp(plan, g, x, scale, mean, rstd, axes, needs):
    """`normalize_vjp` in array expressions, but for gx where the kernels know the axes and only not such a scale."""
    gx = None
    if needs[0] and plan.fits:
        gx, _, _ = normalize_vjp(g * scale, x, None, mean, rstd, axes, (True, False, False))
    elif needs[0]:
        _, order, dense, over = _expression(x, axes)
        h, average, factor = [v.transpose(order) for v in (g if scale is None else g * scale, mean, rstd)]
        xhat = (dense - average) * factor
        gx = h - h.mean(axis=over, keepdims=True) - xhat * (h * xhat).mean(axis=over, keepdims=True)
        gx = (gx * factor).transpose(_inverse(order))
    return (gx, _sum_to(g * ((x - mean) * rstd), scale.shape) if needs[1] else None,
            _sum_to(g, scale.shape) if needs[2] else None)


def _expression(x, axes):
    """(array module, order of memory, x in it, where its reduced axes are)."""
    order, dense = memory_order(x, axes)
    return array_module(x), order, dense, tuple(i for i, axis in enumerate(order) if axis in axes)


def _inverse(order):
    return tuple(order.index(axis) for axis in range(len(order)))


def _sum_to(array, shape):
    """Sum ``array`` over the axes where ``shape`` has size 1."""
    over = tuple(i for i, n in enumerate(shape) if n == 1 and array.shape[i] != 1)
    return array.sum(axis=over, keepdims=True) if over else array
