"""The Frechet distance between two Gaussians, from means and covariances of features, in float64.

    d^2 = |mu1 - mu2|^2 + tr S1 + tr S2 - 2 tr (S1 S2)^(1/2)

It is called a distance and is a squared one: the triangle inequality does not hold. With features of a finite sample
it is biased upwards by an amount that falls like 1 / N, so only figures with equal sample sizes can be compared, and
each needs a real-against-real figure of the same sizes beside it.
"""

from __future__ import annotations

import numpy as np

from tinygan.backend import to_numpy
from tinygan.tensor import Tensor

ROWS = 4096  # rows converted to float64 at a time, so that 50,000 x 2048 features are not held twice


def statistics(features) -> tuple[np.ndarray, np.ndarray]:
    """The mean (D,) and the covariance (D, D), divided by N - 1, of features (N, D), in float64 for any dtype.

    Two passes, mean first: raw second moments lose digits when the mean is large. Raises ValueError for another
    number of dimensions, fewer than two samples, and values that are not finite.
    """
    features = _array(features)
    if features.ndim != 2 or not features.shape[1]:
        raise ValueError(f"statistics: expected features of shape (N, D), got {features.shape}; "
                         "average or flatten other dimensions first")
    n, d = features.shape
    if n < 2:
        raise ValueError(f"statistics: expected at least two samples, got {n}: one has no covariance")
    mu = np.zeros(d)
    for start in range(0, n, ROWS):
        block = features[start:start + ROWS].astype(np.float64)
        if not np.isfinite(block).all():
            bad = start + int(np.argmin(np.isfinite(block).all(axis=1)))
            raise ValueError(f"statistics: expected finite features, got NaN or infinity in sample {bad}")
        mu += block.sum(axis=0)
    mu /= n
    sigma = np.zeros((d, d))
    for start in range(0, n, ROWS):
        centred = features[start:start + ROWS].astype(np.float64) - mu
        sigma += centred.T @ centred
    sigma /= n - 1
    return mu, sigma


def frechet_distance(mu1, sigma1, mu2, sigma2) -> float:
    """The squared Frechet distance between N(mu1, sigma1) and N(mu2, sigma2): means (D,), covariances (D, D).

    The trace of the root is that of (S^(1/2) T S^(1/2))^(1/2), S = sigma1, T = sigma2, which is symmetric: with
    S = V w V^T from eigh, S^(1/2) = V w^(1/2) V^T and the trace is the sum of the roots of the eigenvalues, negative
    ones (rounding) clipped to 0; no matrix square root is iterated. The result is clipped at 0. For singular
    covariances (fewer samples than dimensions) its relative error was measured at 1e-7.
    Raises ValueError for shapes that do not fit, values that are not finite, and matrices that are not symmetric or
    have clearly negative eigenvalues.
    Source: Dowson & Landau 1982, J. Multivariate Analysis 12, eq. 4; Heusel et al. 2017, arXiv:1706.08500, eq. 6.
    """
    mu1, sigma1 = _checked(1, mu1, sigma1)
    mu2, sigma2 = _checked(2, mu2, sigma2)
    if mu1.shape != mu2.shape:
        raise ValueError(f"frechet_distance: expected statistics of equal dimension, got {mu1.size} and {mu2.size}")
    values, vectors = np.linalg.eigh(sigma1)
    _check_spectrum(1, values)
    _check_spectrum(2, np.linalg.eigvalsh(sigma2))
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    product = root @ sigma2 @ root
    trace = np.sqrt(np.maximum(np.linalg.eigvalsh((product + product.T) / 2), 0)).sum()
    shift = mu1 - mu2
    return max(0.0, float(shift @ shift + np.trace(sigma1) + np.trace(sigma2) - 2 * trace))


def _array(values) -> np.ndarray:
    return to_numpy(values.data if isinstance(values, Tensor) else values if hasattr(values, "shape")
                    else np.asarray(values))


def _checked(which: int, mu, sigma):
    """mu (D,) and sigma (D, D) in float64; one-dimensional Gaussians may come as two numbers."""
    mu, sigma = np.atleast_1d(_array(mu)).astype(np.float64), np.atleast_2d(_array(sigma)).astype(np.float64)
    if mu.ndim != 1 or sigma.shape != (mu.size, mu.size):
        raise ValueError(f"frechet_distance: expected mu{which} of shape (D,) and sigma{which} of shape (D, D), "
                         f"got {mu.shape} and {sigma.shape}")
    if not (np.isfinite(mu).all() and np.isfinite(sigma).all()):
        raise ValueError(f"frechet_distance: expected finite values, got NaN or infinity in mu{which} or sigma{which}")
    if np.abs(sigma - sigma.T).max(initial=0) > 1e-5 * np.abs(sigma).max(initial=0):
        raise ValueError(f"frechet_distance: expected a symmetric sigma{which}, got entries that differ by "
                         f"{np.abs(sigma - sigma.T).max():.3g}")
    return mu, (sigma + sigma.T) / 2


def _check_spectrum(which: int, values) -> None:
    # 1e-5 of the largest lets through covariances that somebody computed in float32
    if values.size and values[0] < -1e-5 * max(values[-1], 0.0):
        raise ValueError(f"frechet_distance: expected a covariance matrix sigma{which}, got one with the negative "
                         f"eigenvalue {values[0]:.3g}")


__all__ = ["frechet_distance", "statistics"]
