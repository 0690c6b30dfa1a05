"""What the players minimise: pairs of adversarial losses on raw scores, and penalties on gradients and weights.

Every row of ``ADVERSARIAL`` is an attribute of this package by its name: ``losses.hinge``, ``losses.f_kl``.
"""

from tinygan.losses.adversarial import (ADVERSARIAL, hinge, least_squares, least_squares_pair, least_squares_pearson,
                                        minimax, non_saturating, relativistic, wasserstein)
from tinygan.losses.f_divergence import DIVERGENCES
from tinygan.losses.historical import HistoricalAveraging
from tinygan.losses.pair import AdversarialLoss, flat_scores, separable, smoothed
from tinygan.losses.penalties import (PENALTIES, Penalty, dragan, every, gp, gradient_norm, orthogonal, path_length, r1,
                                      r2, squared_gradient)
from tinygan.losses.ratio import bregman_pair, relative_pair

__all__ = ["ADVERSARIAL", "AdversarialLoss", "DIVERGENCES", "HistoricalAveraging", "PENALTIES", "Penalty",
           "bregman_pair", "dragan", "every", "flat_scores", "gp", "gradient_norm", "hinge", "least_squares",
           "least_squares_pair", "least_squares_pearson", "minimax", "non_saturating", "orthogonal", "path_length",
           "r1", "r2", "relative_pair", "relativistic", "separable", "smoothed", "squared_gradient", "wasserstein"]


def __getattr__(name):
    if name in ADVERSARIAL:
        return ADVERSARIAL[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
