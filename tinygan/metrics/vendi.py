"""The Vendi score: how many different samples a set amounts to."""

from __future__ import annotations

import numpy as np

from tinygan.kernels.threads import limit_blas
from tinygan.metrics.statistics import as_features, as_numpy


def vendi_score(features) -> float:
    """exp(- sum of w log w), w the eigenvalues of K / N, K_ij = cosine of features i and j: features (N, D).

    Between 1 (all features have one direction) and min(N, D) (all are orthogonal). There is no reference set: compare
    with the score of as many real samples. When N > D the eigenvalues are taken of the D x D matrix X^T X / N of the
    rows X of length 1, which are the same but for zeros. Raises ValueError for a feature that is zero, NaN, infinity.
    Source: Friedman & Dieng 2023, arXiv:2210.02410, definition 3.1.
    """
    rows = as_features("vendi_score", features).astype(np.float64)
    largest = np.abs(rows).max(axis=1, keepdims=True)
    if not largest.all():
        raise ValueError(f"vendi_score: expected features that have a direction, got zeros in sample "
                         f"{int(np.argmin(largest))}")
    rows /= largest  # so that the squares below neither overflow nor underflow
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    n, d = rows.shape
    limit_blas()  # more threads of BLAS would give other bits
    return _exponential_entropy((rows.T @ rows if n > d else rows @ rows.T) / n)


def vendi_score_of_similarity(similarity) -> float:
    """The Vendi score of a positive semi-definite similarity (N, N) with ones on its diagonal.

    Raises ValueError for another shape, another diagonal, a matrix that is not symmetric and negative eigenvalues.
    """
    k = as_numpy(similarity).astype(np.float64)
    if k.ndim != 2 or k.shape[0] != k.shape[1] or not k.size or not np.isfinite(k).all() \
            or np.abs(np.diagonal(k) - 1).max() > 1e-5 or np.abs(k - k.T).max() > 1e-5:
        raise ValueError("vendi_score_of_similarity: expected a symmetric matrix (N, N) of finite values with ones on "
                         f"its diagonal, got {k.shape}")
    return _exponential_entropy((k + k.T) / (2 * len(k)))


def _exponential_entropy(matrix: np.ndarray) -> float:
    values = np.linalg.eigvalsh(matrix)
    if values[0] < -1e-5:  # lets float32 similarities through
        raise ValueError(f"vendi_score_of_similarity: expected no negative eigenvalues, got {values[0]:.3g} of K / N")
    values = values[values > 0]
    return float(np.exp(-(values * np.log(values)).sum()))


__all__ = ["vendi_score", "vendi_score_of_similarity"]
