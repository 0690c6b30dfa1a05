"""The two terms of the evidence lower bound, per sample, in nats: log p(x) >= E_e(z|x) log g(x | z) - KL(e || N(0, I)).

Source: Kingma & Welling 2013, arXiv:1312.6114, eq. 3 and appendix B.
"""

from __future__ import annotations

import math

from tinygan.functional import softplus
from tinygan.tensor import Tensor


def kl_standard_normal(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(mean, e^log_variance) || N(0, I)) = sum (mean^2 + e^log_variance - 1 - log_variance) / 2, (N, D) -> (N,)."""
    return (mean.square() + log_variance.exp() - 1.0 - log_variance).sum(1) * 0.5


def gaussian_log_density(x: Tensor, mean: Tensor | float = 0.0, log_variance: Tensor | float = 0.0) -> Tensor:
    """log N(x; mean, e^log_variance), summed over the last dimension: (..., D) -> (...)."""
    squares = (x - mean).square()
    scaled = squares * (-log_variance).exp() if isinstance(log_variance, Tensor) else squares * math.exp(-log_variance)
    return (scaled + log_variance + math.log(2 * math.pi)).sum(-1) * -0.5


def bernoulli_log_likelihood(logits: Tensor, x: Tensor) -> Tensor:
    """sum x log sigmoid(a) + (1 - x) log(1 - sigmoid(a)) = sum x a - softplus(a) over one sample each: (N,).

    x, in [0, 1], need not be binary: for grey values it is a score, not the log of a normalised density.
    """
    terms = logits * x - softplus(logits)
    return terms.reshape((terms.shape[0], -1)).sum(1)


__all__ = ["bernoulli_log_likelihood", "gaussian_log_density", "kl_standard_normal"]
