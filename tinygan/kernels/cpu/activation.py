"""Activations on NumPy arrays, and what their derivatives need.

Over a large array several NumPy calls in a row read and write main memory once each; here an array is walked in blocks
of its memory that stay in the second-level cache through all calls, spread over the thread pool. Every operation is
elementwise: the bits do not depend on the blocks, and results have the memory order of their input.
"""

from __future__ import annotations

import numpy as np

from tinygan.kernels.cpu.conv_gather import workspace
from tinygan.kernels.layout import any_channels_last, channels_first, channels_last
from tinygan.kernels.threads import BLOCK, parallel_for

_constants = {}  # (value, dtype) -> an array full of it, as long as was needed, one block at most


def leaky_relu(x, slope):
    """x where x > 0, else slope x; as max(x, slope x) (min for a slope above 1), two calls without a branch."""
    choose = np.maximum if slope <= 1 else np.minimum

    def block(x, out):
        if slope:
            choose(x, np.multiply(x, slope, out=workspace("activation", x.shape, x.dtype)), out=out)
        else:
            np.maximum(x, _filled(0, x), out=out)

    return _walk(block, x)


def leaky_relu_vjp(g, y, slope):
    """g where y > 0, else slope g.

    As a product with factors 1 and slope, which are made from the comparison without a branch: on the signs of a
    hidden layer, which no processor can guess, ``where`` is ten times slower.
    """
    def block(g, y, out):
        factor = workspace("activation", y.shape, g.dtype)
        # 1 or 0 as numbers of g's dtype: a product with booleans takes four times as long
        np.copyto(factor, np.greater(y, 0, out=workspace("positive", y.shape, np.dtype(bool))))
        if 0 < slope <= 1:
            np.maximum(factor, _filled(slope, factor), out=factor)
        elif slope:
            factor[factor == 0] = slope
        np.multiply(g, factor, out=out)

    return _walk(block, g, y)


def _filled(value, like):
    """``value`` as an array to compare with: NumPy's maximum of an array and a number is ten times slower."""
    if like.size > BLOCK:
        return value
    found = _constants.get((value, like.dtype))
    if found is None or found.size < like.size:
        found = _constants[value, like.dtype] = np.full(like.size, value, like.dtype)
    return found[:like.size].reshape(like.shape)


def sigmoid(x):
    """1 / (1 + e^-x), through z = e^-|x|, which cannot overflow and keeps small values exact: 1 or z over 1 + z."""
    def block(x, out):
        z = workspace("activation", x.shape, x.dtype)
        np.negative(np.abs(x, out=z), out=z)
        np.exp(z, out=z)
        np.copyto(out, np.greater_equal(x, 0, out=workspace("positive", x.shape, np.dtype(bool))))
        np.maximum(out, z, out=out)  # z <= 1
        z += 1
        out /= z

    return _walk(block, x)


def sigmoid_vjp(g, y):
    """g y (1 - y), for y = sigmoid(x)."""
    def block(g, y, out):
        rest = np.subtract(1, y, out=workspace("activation", y.shape, y.dtype))
        rest *= y
        np.multiply(g, rest, out=out)

    return _walk(block, g, y)


def softplus(x):
    """log(1 + e^x) = max(x, 0) + log1p(e^-|x|), which cannot overflow and keeps small values exact."""
    def block(x, out):
        z = workspace("activation", x.shape, x.dtype)
        np.negative(np.abs(x, out=z), out=z)
        np.log1p(np.exp(z, out=z), out=z)
        np.maximum(x, _filled(0, x), out=out)
        out += z

    return _walk(block, x)


def tanh(x):
    """tanh x."""
    return _walk(np.tanh, x)


def tanh_vjp(g, y):
    """g (1 - y^2), for y = tanh(x)."""
    def block(g, y, out):
        square = np.multiply(y, y, out=workspace("activation", y.shape, y.dtype))
        np.subtract(1, square, out=square)
        np.multiply(g, square, out=out)

    return _walk(block, g, y)


def _walk(block, *arrays):
    """Return ``out``, like the last array, filled by ``block(*arrays, out)`` on pieces of their memory.

    Pieces need arrays that lie in memory in one and the same dense order; others are done in one piece, after large
    ones whose channels come first, as a user's seed may have them, are copied to where the last array's are last.
    """
    if len(arrays) > 1 and arrays[-1].size > BLOCK and any_channels_last(arrays[-1:]):
        arrays = [channels_first(channels_last(a)) for a in arrays]
    out = np.empty_like(arrays[-1])
    # Memory of another order than C is flattened however small: beside a workspace, which has C order, it is slow.
    flat = None if out.size <= BLOCK and out.flags.c_contiguous else _flat(*arrays, out)
    if flat is None:
        block(*arrays, out)
        return out

    def part(i):
        span = slice(i * BLOCK, (i + 1) * BLOCK)
        block(*[a[span] for a in flat])

    parallel_for(part, -(-out.size // BLOCK))
    return out


def _flat(*arrays):
    """The arrays as vectors in the order of their memory; None unless that is the same dense order for all."""
    last = arrays[-1]
    order = sorted(range(last.ndim), key=lambda axis: -last.strides[axis])
    moved = [a.transpose(order) for a in arrays]
    if all(a.flags.c_contiguous and a.shape == moved[-1].shape for a in moved):
        return [a.reshape(-1) for a in moved]
    return None
