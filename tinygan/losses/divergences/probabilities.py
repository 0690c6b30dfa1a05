"""Divergences between probabilities p and q (..., K): sums over the last dimension.

``cell`` is the volume of a grid cell (a number, or an array that broadcasts): with densities on a grid the sum is then
the integral. 0 log 0 = 0 and 0 / 0 = 0; where the support of one must lie in that of the other and does not, the value
is infinite. A term that is 0 or infinite by these conventions has no gradient. Nothing is normalised: that p and q sum
to 1 is the caller's matter (densities on a grid lose their tails). All raise ValueError for shapes that do not
broadcast and for negative or NaN entries.

>>> p, q = [0.1, 0.2, 0.7], [0.3, 0.3, 0.4]
>>> round(jensen_shannon(p, q), 5), round(total_variation(p, q), 5), kl([0.5, 0.5], [1.0, 0.0])
(0.05191, 0.3, inf)
"""

from __future__ import annotations

import math

import numpy as np

from tinygan.functional import where
from tinygan.losses.divergences.lifting import lifted


def _divergence(name, of, p, q, cell):
    def body(p, q, cell):
        try:
            np.broadcast_shapes(p.shape, q.shape, cell.shape)
        except ValueError:
            raise ValueError(f"{name}: expected p and q (..., K) and a cell that broadcast, got {p.shape}, {q.shape} "
                             f"and {cell.shape}") from None
        for letter, x in (("p", p), ("q", q)):
            if not x.ndim or not bool((x.data >= 0).all()):
                raise ValueError(f"{name}: expected {letter} (..., K) with entries >= 0, got shape {x.shape} and "
                                 f"smallest entry {x.data.min() if x.size else 'of none':.4g}")
        return (of(p, q) * cell).sum(-1)
    return lifted(body, p, q, cell)


def _p_log_p_over_q(p, q):
    """p log(p / q) by element: 0 where p = 0, infinite where only q = 0."""
    there = (p.data > 0) & (q.data > 0)
    ratio = where(there, p, 1.0).log() - where(there, q, 1.0).log()
    return where(there, p * ratio, _outside(p, q))


def _outside(p, q):
    """Infinity where p > 0 = q, else 0: a constant."""
    return where((p.data > 0) & (q.data == 0), math.inf, p.detach() * 0.0)


def kl(p, q, cell=1.0):
    """KL(p || q) = sum p log(p / q), in nats: infinite where q = 0 < p.

    Source: Kullback & Leibler 1951, "On information and sufficiency".
    """
    return _divergence("kl", _p_log_p_over_q, p, q, cell)


def reverse_kl(p, q, cell=1.0):
    """KL(q || p) = sum q log(q / p): infinite where p = 0 < q; with data p and model q this is the mode-seeking one."""
    return _divergence("reverse_kl", lambda p, q: _p_log_p_over_q(q, p), p, q, cell)


def jensen_shannon(p, q, cell=1.0):
    """JSD = KL(p || m) / 2 + KL(q || m) / 2 with m = (p + q) / 2: from 0 to log 2, which disjoint supports reach.

    Source: Lin 1991, "Divergence measures based on the Shannon entropy", eq. 4.1.
    """
    def of(p, q):
        m = (p + q) * 0.5
        return (_p_log_p_over_q(p, m) + _p_log_p_over_q(q, m)) * 0.5
    return _divergence("jensen_shannon", of, p, q, cell)


def total_variation(p, q, cell=1.0):
    """TV = sum |p - q| / 2: from 0 to 1."""
    return _divergence("total_variation", lambda p, q: (p - q).abs() * 0.5, p, q, cell)


def pearson(p, q, cell=1.0):
    """Pearson's chi^2(p || q) = sum (p - q)^2 / q: infinite where q = 0 < p.

    This is f-GAN's divergence of f(u) = (u - 1)^2, sum q f(p / q); its Table 1 prints the one with p and q exchanged.
    Source: Nowozin, Cseke, Tomioka 2016, arXiv:1606.00709.
    """
    def of(p, q):
        there = q.data > 0
        return where(there, (p - q).square() / where(there, q, 1.0), _outside(p, q))
    return _divergence("pearson", of, p, q, cell)


def squared_hellinger(p, q, cell=1.0):
    """H^2 = sum (sqrt p - sqrt q)^2 = sum p + q - 2 sqrt(p q): from 0 to 2, as in f-GAN (others halve it).

    Source: Nowozin, Cseke, Tomioka 2016, arXiv:1606.00709, Table 1.
    """
    def of(p, q):
        there = (p.data > 0) & (q.data > 0)  # the root has no derivative at 0
        return where(there, (where(there, p, 1.0).sqrt() - where(there, q, 1.0).sqrt()).square(), p + q)
    return _divergence("squared_hellinger", of, p, q, cell)


__all__ = ["jensen_shannon", "kl", "pearson", "reverse_kl", "squared_hellinger", "total_variation"]
