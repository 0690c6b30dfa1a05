"""The inception score: from class probabilities, or from logits without losing what underflows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tinygan.metrics.scores import checked_probabilities
from tinygan.metrics.statistics import as_features

COMPAT = ("torch-fidelity", "improved-gan", "stylegan2-ada")


class InceptionScore(NamedTuple):
    """Mean and standard deviation (divided by the number of splits) over the splits."""

    mean: float
    std: float


def inception_score(probabilities, splits: int = 10, logits: bool = False, seed: int | None = None,
                    compat: str | None = None) -> InceptionScore:
    """exp of the mean over n of KL(p_n || mean of p), in each of ``splits`` parts of the probabilities (N, K).

    Part i is rows i N // splits to (i + 1) N // splits, as given or, with ``seed``, in the order of
    ``numpy.random.RandomState(seed).permutation(N)``. 1 <= score <= K. In float64; 0 log 0 = 0. With ``logits`` the
    rows are logits, and log p comes from their log-softmax, so that nothing is lost where p underflows. One memorised
    image per class scores K: it says nothing about diversity within a class.
    compat: "torch-fidelity" is seed=2020, in float64; "improved-gan" and "stylegan2-ada" take rows as given in
    float32. All three use logits of Inception without the bias, and the name IS belongs to those.
    Raises ValueError for rows that are no probabilities, for NaN and infinity, and for fewer rows than splits.
    Source: Salimans et al. 2016, arXiv:1606.03498, section 4.
    """
    if compat not in (None, *COMPAT):
        raise ValueError(f"inception_score: expected compat None or one of {', '.join(map(repr, COMPAT))}, "
                         f"got {compat!r}")
    rows = as_features("inception_score", probabilities)
    if not logits:
        checked_probabilities("inception_score", rows)
    n = len(rows)
    if not 1 <= splits <= n:
        raise ValueError(f"inception_score: expected 1 <= splits <= N, got splits = {splits} and N = {n}")
    seed = 2020 if compat == "torch-fidelity" else seed
    if seed is not None:
        rows = rows[np.random.RandomState(seed).permutation(n)]
    rows = rows.astype(np.float32 if compat in COMPAT[1:] else np.float64)
    p, log_p = _softmax(rows) if logits else (rows, _log(rows))
    scores = []
    for i in range(splits):
        part = slice(i * n // splits, (i + 1) * n // splits)
        # where p is 0 in all rows its mean is 0 too: both logarithms are 0 there, and so is the product
        divergence = (p[part] * (log_p[part] - _log(p[part].mean(axis=0)))).sum(axis=1)
        scores.append(np.exp(divergence.mean()))
    return InceptionScore(float(np.mean(scores)), float(np.std(scores)))


def _softmax(logits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Softmax and log-softmax of each row."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return np.exp(log_p), log_p


def _log(p: np.ndarray) -> np.ndarray:
    """log p, and 0 where p is 0, for use in p log p."""
    return np.log(p, out=np.zeros_like(p), where=p > 0)


__all__ = ["InceptionScore", "inception_score"]
