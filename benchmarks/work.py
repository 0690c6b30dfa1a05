"""What the sides share: FLOPs of a kernel, chains of operations, shapes of the StyleGAN2 block, matrices, features.

A product (b, m, n, k) is b times m x k by k x n, 2 b m n k floating-point operations. Padding counts as if it were
data and so do positions that no output uses, as in PyTorch's counter, so both sides are counted by one rule.
"""

from __future__ import annotations

import math

import numpy as np


def of_correlate(y, x, w, stride, padding, dilation, groups):
    return groups, y.size // y.shape[1], w.shape[0] // groups, w[0].size


def of_transpose(x, g, w, size, stride, padding, dilation, groups):
    return groups, g.size // g.shape[1], w[0].size, w.shape[0] // groups


def of_weight(w, x, g, kernel, stride, padding, dilation, groups):
    return groups, w.shape[0] // groups, w[0].size, g.size // g.shape[1]


def of_matmul(y, a, b):
    return math.prod(y.shape[:-2]), y.shape[-2], y.shape[-1], a.shape[-1]


COUNTERS = {"correlate": of_correlate, "correlate_transpose": of_transpose, "correlate_weight": of_weight,
            "matmul": of_matmul}


def links(name, f, x, others):
    """The ends of a chain of as many operations as there are ``others``, on whichever library's arrays.

    exp takes turns with neg, since exp of exp overflows; a second sum has nothing left to add, so sums are of each.
    """
    if name == "sum":
        return [f(b) for b in others]
    if name == "exp":
        exp, neg = f
        for _ in others[::2]:
            x = exp(neg(x))
    else:
        for b in others:
            x = f(x, b)
    return [x]


def leaves_of(name, x, others):
    """What such a chain depends on, and how many gradients a walk back through it computes."""
    return {"exp": ([x], len(others)), "sum": (others, len(others))}.get(name, ([x, *others], 2 * len(others)))


def style_shapes(settings):
    """The shapes of a StyleGAN2 block's input and parameters."""
    n, c, o, s, d = (settings[k] for k in ("batch", "inputs", "outputs", "size", "style"))
    return {"x": (n, c, s, s), "affine0": (c, d), "weight0": (o, c, 3, 3), "strength0": (1,), "bias0": (o,),
            "affine1": (o, d), "weight1": (o, o, 3, 3), "strength1": (1,), "bias1": (o,)}


def gaussians(dimensions: int):
    """Two means and two covariances of full rank, float64, from 4 samples per dimension with decaying variances."""
    generator = np.random.default_rng(0)
    scales = 1 / np.sqrt(1 + np.arange(dimensions))
    found = []
    for shift in (0.0, 0.1):
        x = generator.standard_normal((4 * dimensions, dimensions)) * scales + shift
        found += [x.mean(0), np.cov(x, rowvar=False)]
    return tuple(found)


def feature_sets(samples: int, dimensions: int):
    """Two sets of features (samples, dimensions), float32, the second moved a little."""
    first, second = np.random.default_rng(0).standard_normal((2, samples, dimensions), dtype=np.float32)
    return first, second + np.float32(0.5 / np.sqrt(dimensions))
