"""The limit: what the matrix products of an iteration would take if BLAS did nothing else."""

from __future__ import annotations

import numpy as np

SIDE = 2048


def dcgan(settings):
    """A large square product, for the peak rate; and the products of tinygan's iteration in their own shapes."""
    return {"square product": {"blas": square},
            "products of the iteration": {"blas": lambda: products(settings["products"])}}


def scaling(settings):
    """The peak rate alone."""
    return {"square product": {"blas": square}}


def square():
    a, b = np.random.default_rng(0).standard_normal((2, SIDE, SIDE), dtype=np.float32)
    out = np.empty_like(a)
    return lambda: np.matmul(a, b, out=out)


def products(shapes):
    """All products one after the other, on buffers that are shared (they are larger than the caches anyway)."""
    size = max(batch * max(m * k, k * n, m * n) for batch, m, n, k in shapes)
    a, b, c = (np.random.default_rng(i).standard_normal(size, dtype=np.float32) for i in range(3))
    calls = [(a[:batch * m * k].reshape(batch, m, k), b[:batch * k * n].reshape(batch, k, n),
              c[:batch * m * n].reshape(batch, m, n)) for batch, m, n, k in shapes]

    def run():
        for x, y, out in calls:
            for i in range(len(x)):
                np.matmul(x[i], y[i], out=out[i])
    return run


def count(run) -> dict:
    return {"flops": 2 * SIDE ** 3}
