"""MIND, the Monge inception distance: a sliced squared Wasserstein-2 distance between features."""

from __future__ import annotations

import numpy as np

from tinygan.kernels.cpu import matmul
from tinygan.metrics.statistics import as_pair

BATCH = 64  # directions projected on at a time


def mind(real, fake, directions: int = 1000, seed: int = 0) -> float:
    """3 D times the mean, over random unit directions, of the squared W_2 of the projections of real and fake.

    real (N, D), fake (M, D). In one dimension W_2^2 is the integral over u in (0, 1) of (F^-1(u) - G^-1(u))^2; for
    N = M it is the mean squared difference of the sorted projections. Unequal sizes are integrated exactly
    (torch-fidelity, where the factor 3 D comes from, takes a random part of the larger set; its directions come from
    PyTorch's generator, so its figures are met within the error of the directions only). Directions are normal
    numbers of ``numpy.random.default_rng(seed)`` divided by their length; all is in float64.
    Raises ValueError for unequal dimensions, no samples, NaN and infinity.
    Source: torch-fidelity 0.4; Rabin et al. 2011, "Wasserstein barycenter and its application to texture mixing".
    """
    real, fake = (f.astype(np.float64) for f in as_pair("mind", real, fake))
    if directions < 1:
        raise ValueError(f"mind: expected directions >= 1, got {directions}")
    d = real.shape[1]
    units = np.random.default_rng(seed).standard_normal((directions, d))
    units /= np.linalg.norm(units, axis=1, keepdims=True)
    total = sum(_squared_w2(matmul(part, real.T), matmul(part, fake.T)).sum()
                for part in (units[start:start + BATCH] for start in range(0, directions, BATCH)))
    return float(3 * d * total / directions)


def _squared_w2(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The squared W_2 between the numbers in each row of x (K, N) and of y (K, M): (K,)."""
    x, y, n, m = np.sort(x, axis=1), np.sort(y, axis=1), x.shape[1], y.shape[1]
    if n == m:
        return np.square(x - y).mean(axis=1)
    # both quantile functions are constant between multiples of 1 / N and 1 / M; in units of 1 / (N M) all is whole
    edges = np.union1d(np.arange(n + 1) * m, np.arange(m + 1) * n)
    return np.square(x[:, edges[:-1] // m] - y[:, edges[:-1] // n]) @ np.diff(edges) / (n * m)


__all__ = ["mind"]
