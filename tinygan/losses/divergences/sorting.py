"""Moving mass along a line: the optimal coupling is the monotone one, so sorting (or a cumulative sum) is enough.

>>> wasserstein_1d([0.0, 1.0, 3.0], [5.0, 6.0, 8.0]), earth_mover_1d([3, 2, 1, 4], [1, 2, 4, 3])
(5.0, 5.0)
"""

from __future__ import annotations

import numpy as np

from tinygan import random
from tinygan.backend import array_module, device_of, is_array, to_device
from tinygan.functional import index_select, norm, take_along_dim
from tinygan.losses.divergences.lifting import lifted
from tinygan.tensor import Tensor


def wasserstein_1d(x, y, p: float = 1):
    """W_p between the empirical distributions of samples x (..., N) and y (..., M) on the line: (...).

    W_p^p = int_0^1 |F^-1(u) - G^-1(u)|^p du, with F^-1 and G^-1 the sorted samples; for N = M it is the mean of
    |x_(i) - y_(i)|^p. The gradient holds the order fixed, and is 0 where W_p = 0. Raises ValueError for p < 1, empty
    sets of samples, and leading dimensions that differ.
    Source: Villani 2003, "Topics in optimal transportation", theorem 2.18.
    """
    _check_order("wasserstein_1d", p)

    def body(x, y):
        if x.ndim < 1 or y.ndim < 1 or x.shape[:-1] != y.shape[:-1] or not (x.size and y.size):
            raise ValueError(f"wasserstein_1d: expected samples (..., N) and (..., M), got {x.shape} and {y.shape}")
        n, m = x.shape[-1], y.shape[-1]
        x, y = _sorted(x), _sorted(y)
        if n == m:
            return norm(x - y, p, -1) * float(n) ** (-1.0 / p)
        i, j, lengths = _quantile_pieces(n, m)
        xp, where = array_module(x.data), device_of(x.data)
        difference = index_select(x, -1, to_device(i, where)) - index_select(y, -1, to_device(j, where))
        return norm(difference * Tensor(xp.asarray(lengths ** (1.0 / p), dtype=x.dtype)), p, -1)
    return lifted(body, x, y)


def _check_order(name, p):
    if not 1 <= p < np.inf:
        raise ValueError(f"{name}: expected a finite p >= 1, got {p}")


def _sorted(x):
    return take_along_dim(x, x.data.argsort(axis=-1), -1)


def _quantile_pieces(n: int, m: int):
    """The pieces of (0, 1) on which both quantile functions are constant: which of n, which of m values, how long.

    Counted in units of 1 / (n m), so that equal quantiles are equal numbers.
    """
    ends = np.union1d(np.arange(1, n + 1, dtype=np.int64) * m, np.arange(1, m + 1, dtype=np.int64) * n)
    lengths = np.diff(ends, prepend=0)
    return (ends - 1) // m, (ends - 1) // n, lengths / (n * m)


def cumulative_excess(p, q):
    """delta_i = sum_{k <= i} p_k - q_k for masses (..., K): what has to be carried from place i to place i + 1."""
    def body(p, q):
        if p.shape != q.shape or not p.ndim:
            raise ValueError(f"cumulative_excess: expected masses (..., K) of one shape, got {p.shape} and {q.shape}")
        return (p - q).cumsum(-1)
    return lifted(body, p, q)


def earth_mover_1d(p, q, positions=None):
    """W1 between masses p and q (..., K) at the same increasing ``positions`` (K,), default 0, 1, 2, ...: (...).

    W1 = sum_i |delta_i| (x_{i+1} - x_i), the L1 norm of the difference of the distribution functions. Masses need not
    sum to 1, only to the same total: the value is mass times distance. Raises ValueError for totals that differ and
    positions that do not increase.
    """
    def body(p, q):
        if p.shape != q.shape or not p.ndim or not p.shape[-1]:
            raise ValueError(f"earth_mover_1d: expected masses (..., K) of one shape, got {p.shape} and {q.shape}")
        xp = array_module(p.data)
        places = xp.arange(p.shape[-1]) if positions is None else xp.asarray(positions)
        gaps = xp.diff(places)
        if places.shape != p.shape[-1:] or not bool((gaps > 0).all()):
            raise ValueError(f"earth_mover_1d: expected {p.shape[-1]} increasing positions, got {positions!r}")
        totals = p.data.sum(-1), q.data.sum(-1)
        # float32 masses of thousands of places sum with an error of about 1e-6
        if bool((abs(totals[0] - totals[1]) > 1e-5 * abs(totals[0])).any()):
            raise ValueError(f"earth_mover_1d: expected as much mass in p as in q, got {totals[0]} and {totals[1]}")
        return (cumulative_excess(p, q)[..., :-1].abs() * Tensor(gaps.astype(p.dtype))).sum(-1)
    return lifted(body, p, q)


def random_directions(dim: int, number: int, stream: str = "noise", dtype=np.float32, device="cpu"):
    """``number`` directions, uniform on the unit sphere of ``dim`` dimensions: an array (number, dim)."""
    drawn = random.normal((number, dim), stream, dtype, device)
    return drawn / (drawn ** 2).sum(1, keepdims=True) ** 0.5


def sliced_wasserstein(x, y, directions=200, p: float = 1):
    """SW_p = (mean over directions of W_p^p of the projected samples)^(1/p), for x (N, D) and y (M, D): a scalar.

    directions: an array (L, D) of unit vectors, or their number, then drawn from the random stream "noise".
    Raises ValueError for shapes that do not fit. Source: Rabin et al. 2011, "Wasserstein barycenter and its application
    to texture mixing"; Kolouri et al. 2018, arXiv:1804.01947.
    """
    def body(x, y):
        given = directions
        if x.ndim != 2 or y.ndim != 2 or x.shape[1] != y.shape[1]:
            raise ValueError(f"sliced_wasserstein: expected samples (N, D) and (M, D), got {x.shape} and {y.shape}")
        if not is_array(given):
            given = random_directions(x.shape[1], int(given), dtype=x.dtype, device=device_of(x.data))
        if given.ndim != 2 or given.shape[1] != x.shape[1]:
            raise ValueError(f"sliced_wasserstein: expected directions (L, {x.shape[1]}), got {given.shape}")
        lines = Tensor(given.astype(x.dtype, copy=False))
        distances = wasserstein_1d(lines @ x.T, lines @ y.T, p)
        return norm(distances, p) * float(len(given)) ** (-1.0 / p)
    return lifted(body, x, y)


__all__ = ["cumulative_excess", "earth_mover_1d", "random_directions", "sliced_wasserstein", "wasserstein_1d"]
