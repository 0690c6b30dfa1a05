"""Resampling with a filter in one linear map: insert zeros, pad or crop, filter, keep every n-th sample.

Both halves are convolutions that exist: zeros inserted and filtered is a transposed convolution, filtered and thinned
out is a strided one. Each is the other's adjoint, so derivatives of any order come with them.
"""

from __future__ import annotations

from tinygan.backend import array_module
from tinygan.ops.conv import Correlate, Transpose, tuple_of
from tinygan.ops.padding import pad
from tinygan.ops.reduce import expand
from tinygan.ops.shape import flip, reshape
from tinygan.tensor import Tensor


def upfirdn2d(input, f, up=1, down=1, padding=0, flip_filter: bool = False, gain: float = 1.0):
    """(N, C, H, W) upsampled by inserting zeros, padded, convolved with the filter ``f``, and downsampled.

    Per axis: ``up - 1`` zeros after every sample, ``padding`` zeros before and after (negative: cropped), convolution
    with ``f`` where it fits, every ``down``-th sample: (S up + before + after - K) // down + 1. ``f`` is (KH, KW),
    (K,) for both axes one after the other, or None; ``up`` and ``down`` are numbers or (x, y), ``padding`` a number,
    (x, y) or (left, right, top, bottom); ``flip_filter`` correlates instead; the result is multiplied by ``gain``.
    Raises ValueError when shapes do not fit. Source: Karras et al. 2019 (StyleGAN2), arXiv:1912.04958, and the
    argument conventions of its authors' second implementation (Karras et al. 2020, arXiv:2006.06676).
    """
    if input.ndim != 4 or f is not None and f.ndim not in (1, 2):
        raise ValueError("upfirdn2d: expected input (N, C, H, W) and a filter with one or two dimensions, got "
                         f"{input.shape} and {None if f is None else f.shape}")
    up, down = [tuple_of("upfirdn2d", v, 2)[::-1] for v in (up, down)]  # (y, x) from here on, as the axes
    left, right, top, bottom = _four(padding)
    around = ((top, bottom), (left, right))
    if f is None:
        f = Tensor(array_module(input.data).ones((1, 1), input.dtype))
    scaled = f if gain == 1 else f * float(gain)
    if f.ndim == 2:
        return _filter(input, scaled, up, down, around, flip_filter)
    k = f.shape[0]
    out = _filter(input, reshape(scaled, (1, k)), (1, up[1]), (1, down[1]), ((0, 0), around[1]), flip_filter)
    return _filter(out, reshape(f, (k, 1)), (up[0], 1), (down[0], 1), (around[0], (0, 0)), flip_filter)


def _four(padding):
    """(left, right, top, bottom) from a number, (x, y) or all four."""
    values = tuple_of("upfirdn2d", padding, 1 if isinstance(padding, int) else len(padding))
    if len(values) not in (1, 2, 4):
        raise ValueError(f"upfirdn2d: expected a padding of one, two or four integers, got {padding}")
    if len(values) == 4:
        return values
    x, y = values * (2 // len(values))
    return x, x, y, y


def _filter(input, f, up, down, around, flip_filter):
    """One filter (KH, KW) on every channel; ``up``, ``down`` and ``around`` are per axis, (y, x)."""
    c, kernel = input.shape[1], f.shape
    sizes = [n * u + sum(p) for n, u, p in zip(input.shape[2:], up, around)]
    if any(s < k for s, k in zip(sizes, kernel)):
        raise ValueError(f"upfirdn2d: expected a padded image of at least the filter {kernel}, got {tuple(sizes)}")
    if up == (1, 1):
        # a convolution is a correlation with the flipped filter
        weight = expand(reshape(f if flip_filter else flip(f, (0, 1)), (1, 1, *kernel)), c, 1, *kernel)
        own, around = _even(around)  # what is the same on both sides is the convolution's own padding
        input = pad(input, (*around[1], *around[0]))
        return Correlate(kernel, input.shape[2:], down, own, (1, 1), c)(input, weight)
    weight = expand(reshape(flip(f, (0, 1)) if flip_filter else f, (1, 1, *kernel)), c, 1, *kernel)
    full = tuple([(n - 1) * u + k for n, u, k in zip(input.shape[2:], up, kernel)])
    # sample i of the padded result is sample i + K - 1 - before of the full convolution
    cut = [(k - 1 - before, m - s + before) for (before, _), k, s, m in zip(around, kernel, sizes, full)]
    own, cut = _even(cut)  # which a transposed convolution crops
    size = tuple([m - 2 * n for m, n in zip(full, own)])
    out = Transpose(kernel, size, up, own, (1, 1), c)(input, weight)
    out = pad(out, [-n for n in (*cut[1], *cut[0])])
    return out if down == (1, 1) else out[:, :, ::down[0], ::down[1]]


def _even(widths):
    """(before, after) per axis as what both sides have in common, at least 0, and what is left of them."""
    common = tuple([max(0, min(pair)) for pair in widths])
    return common, [(a - n, b - n) for (a, b), n in zip(widths, common)]
