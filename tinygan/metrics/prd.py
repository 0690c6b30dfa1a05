"""The curve of precision against recall for distributions, by clustering both sets of features together."""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np

from tinygan.kernels.cpu import matmul
from tinygan.metrics.statistics import as_numpy, as_pair

ROWS = 8192  # samples assigned to centres at a time


class PRD(NamedTuple):
    """``precision``, ``recall`` (angles,), and the largest F_8 (weighs recall) and F_1/8 (precision) on the curve."""

    precision: np.ndarray
    recall: np.ndarray
    f8: float
    f_eighth: float


def prd(real, fake, clusters: int = 20, angles: int = 1001, runs: int = 10, seed: int = 0) -> PRD:
    """The PRD curve of features real (N, D) and fake (M, D): the mean over ``runs`` clusterings of their union.

    Each run makes ``clusters`` clusters by :func:`k_means`; :func:`prd_curve` takes the shares of both sets in them.
    F_b = (1 + b^2) P R / (b^2 P + R). Numbers come from ``numpy.random.default_rng(seed)``. Sets of different
    sizes pull the clusters towards the larger one; then a UserWarning says so.
    Raises ValueError for unequal dimensions, fewer samples than clusters, NaN and infinity.
    Source: Sajjadi et al. 2018, arXiv:1806.00035, algorithm 1 and section 4.1.
    """
    real, fake = (f.astype(np.float64) for f in as_pair("prd", real, fake))
    if len(real) != len(fake):
        warnings.warn(f"prd: {len(real)} real and {len(fake)} fake samples: the larger set decides the clusters",
                      stacklevel=2)
    if runs < 1:
        raise ValueError(f"prd: expected runs >= 1, got {runs}")
    union, generator = np.concatenate([real, fake]), np.random.default_rng(seed)
    curves = []
    for _ in range(runs):
        _, labels = k_means(union, clusters, generator)
        curves.append(prd_curve(np.bincount(labels[:len(real)], minlength=clusters) / len(real),
                                np.bincount(labels[len(real):], minlength=clusters) / len(fake), angles))
    precision, recall = np.mean(curves, axis=0)
    return PRD(precision, recall, f_score(precision, recall, 8), f_score(precision, recall, 1 / 8))


def prd_curve(p, q, angles: int = 1001) -> tuple[np.ndarray, np.ndarray]:
    """Precision and recall (angles,) of the shares q (K,) of a model against p (K,) of the data.

        precision = sum_k min(tan(t) p_k, q_k),    recall = precision / tan(t) = sum_k min(p_k, q_k / tan(t))

    for t at equal steps from 1e-10 to pi / 2 - 1e-10. Raises ValueError for shares that do not sum to 1.
    """
    p, q = as_numpy(p).astype(np.float64), as_numpy(q).astype(np.float64)
    if p.ndim != 1 or p.shape != q.shape or angles < 3 or not all(
            abs(shares.sum() - 1) < 1e-6 and shares.min() >= 0 for shares in (p, q)):
        raise ValueError("prd_curve: expected two arrays (K,) of shares that sum to 1 and at least three angles, got "
                         f"{p.shape}, {q.shape} and {angles}")
    slopes = np.tan(np.linspace(1e-10, np.pi / 2 - 1e-10, angles))[:, None]
    return np.minimum(slopes * p, q).sum(axis=1), np.minimum(p, q / slopes).sum(axis=1)


def f_score(precision: np.ndarray, recall: np.ndarray, beta: float) -> float:
    """The largest (1 + b^2) P R / (b^2 P + R) on a curve, 0 where both are 0."""
    below = beta ** 2 * precision + recall
    above = (1 + beta ** 2) * precision * recall
    return float(np.divide(above, below, out=np.zeros_like(below), where=below > 0).max())


def k_means(points: np.ndarray, clusters: int, generator: np.random.Generator, iterations: int = 100):
    """Centres (clusters, D) and labels (N,) of points (N, D), float64, by Lloyd's iteration from k-means++ centres.

    It ends when no label changes, or after ``iterations``. A cluster that loses all its points gets the one that is
    farthest from its centre. Raises ValueError unless 1 <= clusters <= N.
    Source: Arthur & Vassilvitskii 2007, "k-means++: the advantages of careful seeding", section 2.2.
    """
    if not 1 <= clusters <= len(points):
        raise ValueError(f"k_means: expected 1 <= clusters <= {len(points)} (the number of points), got {clusters}")
    offset = points.mean(axis=0)
    points = points - offset  # so that |x|^2 - 2 x.c loses no digits to a common offset
    squares = np.einsum("ij,ij->i", points, points)
    centres, labels = _plus_plus(points, clusters, generator), None
    for _ in range(iterations):
        found, distances = _nearest(points, squares, centres)
        if labels is not None and (found == labels).all():
            break
        labels = found
        counts = np.bincount(labels, minlength=clusters)
        for c in np.flatnonzero(counts == 0):
            far = int(np.where(counts[labels] > 1, distances, -1).argmax())
            counts[labels[far]] -= 1
            labels[far], counts[c] = c, 1
        centres = np.stack([points[labels == c].mean(axis=0) for c in range(clusters)])
    return centres + offset, labels


def _plus_plus(points, clusters, generator):
    """Centres among the points: each new one with probability proportional to its squared distance to those before."""
    chosen = [int(generator.integers(len(points)))]
    nearest = np.full(len(points), np.inf)
    for _ in range(clusters - 1):
        nearest = np.minimum(nearest, np.square(points - points[chosen[-1]]).sum(axis=1))
        total = nearest.sum()
        # fewer different points than clusters: any will do
        shares = nearest / total if total > 0 else np.full(len(points), 1 / len(points))
        chosen.append(int(generator.choice(len(points), p=shares)))
    return points[chosen]


def _nearest(points, squares, centres):
    """The nearest centre of each point, and the squared distance to it."""
    labels, distances = np.empty(len(points), np.int64), np.empty(len(points))
    lengths = np.einsum("ij,ij->i", centres, centres)
    for start in range(0, len(points), ROWS):
        part = slice(start, start + ROWS)
        scores = lengths - 2 * matmul(points[part], centres.T)
        labels[part] = scores.argmin(axis=1)
        distances[part] = squares[part] + scores.min(axis=1)
    return labels, distances


__all__ = ["PRD", "f_score", "k_means", "prd", "prd_curve"]
