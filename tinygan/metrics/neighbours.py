"""Precision and recall, density and coverage: how samples lie among the balls around their nearest neighbours.

The ball of a sample reaches to its k-th nearest other sample of the same set. Distances are Euclidean, computed in
blocks as |a|^2 + |b|^2 - 2 a.b in float64 and compared as float32 of their squares: so distances that are equal stay
equal whatever the order of summation, and strict and other comparisons mean what they say. Two samples nearer to each
other than about 1e-7 of their distance from the centre of the set count as equal.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from tinygan.kernels.cpu import matmul
from tinygan.metrics.statistics import as_pair

MEMORY = 256 * 2 ** 20  # bytes
PER_PAIR = 40           # bytes a pair of samples takes while its distance is found, compared and sorted


class PrecisionRecall(NamedTuple):
    """``precision``: share of fakes in a ball of a real; ``recall``: share of reals in a ball of a fake."""

    precision: float
    recall: float


class DensityCoverage(NamedTuple):
    """``density``: balls of reals that hold a fake, over k; ``coverage``: share of reals with a fake in their ball."""

    density: float
    coverage: float


class PRDC(NamedTuple):
    """All four, of one pass over the pairs."""

    precision: float
    recall: float
    density: float
    coverage: float


def prdc(real, fake, k: int = 5, inclusive: bool = False, memory: int = MEMORY) -> PRDC:
    """Precision, recall, density and coverage of features real (N, D) and fake (M, D).

        precision = share of fakes y with |x_i - y| < r(x_i) for some real x_i
        recall    = share of reals x with |x - y_j| < r(y_j) for some fake y_j
        density   = number of pairs (i, j) with |x_i - y_j| < r(x_i), divided by k M (it can exceed 1)
        coverage  = share of reals x_i with min_j |x_i - y_j| < r(x_i)

    r is the distance to the k-th nearest other sample of the same set. ``inclusive`` puts <= for < in all four: the
    original of precision and recall has <= (Kynkaanniemi et al.), the library prdc has <. For equal distributions
    density is 1 and coverage 1 - 1 / 2^k in expectation, for N = M large.
    ``memory``: bytes of working memory (default 256 MiB), on top of the features and 16 (k + 1) bytes per sample. The
    work is 2 D (N^2 / 2 + M^2 / 2 + N M) multiply-adds, in blocks on the thread pool.
    Raises ValueError unless 1 <= k < min(N, M), for unequal dimensions, NaN, infinity, and too little memory.
    Source: Kynkaanniemi et al. 2019, arXiv:1904.06991, eq. 1-3; Naeem et al. 2020, arXiv:2002.09797, eq. 3, 5, 8.
    """
    return _prdc("prdc", real, fake, k, inclusive, memory)


def precision_recall(real, fake, k: int = 3, inclusive: bool = True, memory: int = MEMORY) -> PrecisionRecall:
    """Precision and recall as :func:`prdc`, with the original's k = 3 and <= (its features are VGG16's)."""
    return PrecisionRecall(*_prdc("precision_recall", real, fake, k, inclusive, memory)[:2])


def density_coverage(real, fake, k: int = 5, inclusive: bool = False, memory: int = MEMORY) -> DensityCoverage:
    """Density and coverage as :func:`prdc`; the radii of the fakes play no part and are not computed."""
    return DensityCoverage(*_prdc("density_coverage", real, fake, k, inclusive, memory, recall=False)[2:])


def neighbour_radii(features: np.ndarray, k: int, memory: int = MEMORY, unit: float = 1.0) -> np.ndarray:
    """The squared distance, in ``unit`` squared, of each sample (N, D) to its k-th nearest other one: (N,), float32."""
    n = len(features)
    size = block_size(features.shape[1], memory)
    centre = features.mean(axis=0, dtype=np.float64)
    nearest = np.full((n, k + 1), np.inf, np.float32)  # of each sample, in no order; itself, at 0, is one of them
    starts = range(0, n, size)
    for i in starts:
        a = (features[i:i + size] - centre) / unit
        for j in (start for start in starts if start >= i):
            distances = squared_distances(a, a if i == j else (features[j:j + size] - centre) / unit)
            if i == j:
                np.fill_diagonal(distances, 0)
            else:
                _keep_smallest(nearest[j:j + size], distances.T)
            _keep_smallest(nearest[i:i + size], distances)
    return nearest.max(axis=1)


def squared_distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """|a_i - b_j|^2 as float32 (n, m), from a (n, D) and b (m, D) in float64, best centred; rounding errors give 0."""
    scale = np.add.outer(np.einsum("ij,ij->i", a, a), np.einsum("ij,ij->i", b, b))
    distances = matmul(a, b.T)
    distances *= -2
    distances += scale
    # the sum of D products is off by about sqrt(D) roundings of terms whose sizes add up to at most half of scale
    scale *= 4 * math.sqrt(a.shape[1]) * np.finfo(np.float64).eps
    distances[distances <= scale] = 0
    return distances.astype(np.float32)


def block_size(d: int, memory: int) -> int:
    """The side b of a block of pairs, so that PER_PAIR b^2 + 32 b D bytes (two blocks of rows, twice) fit."""
    side = int((math.sqrt((32 * d) ** 2 + 4 * PER_PAIR * memory) - 32 * d) / (2 * PER_PAIR))
    if side < 1:
        raise ValueError(f"prdc: expected memory for at least one pair of features of {d} dimensions, got {memory} "
                         "bytes")
    return side


def _prdc(name, real, fake, k, inclusive, memory, recall=True) -> PRDC:
    real, fake = as_pair(name, real, fake, least=2)
    n, m = len(real), len(fake)
    if not 1 <= k < min(n, m):
        raise ValueError(f"{name}: expected 1 <= k < {min(n, m)} (the smaller set), got k = {k}")
    inside = np.less_equal if inclusive else np.less
    # all is as it is in any unit; in this one no square leaves the range of float32
    unit = max(float(f.max()) for f in (real, fake)) - min(float(f.min()) for f in (real, fake)) or 1.0
    real_radii = neighbour_radii(real, k, memory, unit)
    fake_radii = neighbour_radii(fake, k, memory, unit) if recall else None
    balls = np.zeros(m, np.int64)  # of reals, around each fake
    recalled, covered = np.zeros(n, bool), np.zeros(n, bool)
    size = block_size(real.shape[1], memory)
    centre = real.mean(axis=0, dtype=np.float64)
    for i in range(0, n, size):
        rows = slice(i, i + size)
        a = (real[rows] - centre) / unit
        for j in range(0, m, size):
            columns = slice(j, j + size)
            distances = squared_distances(a, (fake[columns] - centre) / unit)
            held = inside(distances, real_radii[rows, None])
            balls[columns] += held.sum(axis=0)
            covered[rows] |= held.any(axis=1)
            if recall:
                recalled[rows] |= inside(distances, fake_radii[columns]).any(axis=1)
    return PRDC(float((balls > 0).mean()), float(recalled.mean()) if recall else math.nan,
                float(balls.sum() / (k * m)), float(covered.mean()))


def _keep_smallest(nearest: np.ndarray, distances: np.ndarray) -> None:
    """Replace the rows of ``nearest`` (n, k + 1) by the k + 1 smallest of themselves and of ``distances`` (n, m)."""
    keep = nearest.shape[1]
    if distances.shape[1] > keep:
        distances = np.partition(distances, keep - 1, axis=1)[:, :keep]
    nearest[:] = np.partition(np.concatenate([nearest, distances], axis=1), keep - 1, axis=1)[:, :keep]


__all__ = ["DensityCoverage", "PRDC", "PrecisionRecall", "density_coverage", "neighbour_radii", "prdc",
           "precision_recall"]
