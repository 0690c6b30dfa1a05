"""What the players minimise: pairs of adversarial losses on raw scores, and penalties on the critic's gradient."""

from tinygan.losses.adversarial import (ADVERSARIAL, AdversarialLoss, flat_scores, hinge, least_squares,
                                        least_squares_pair, least_squares_pearson, minimax, non_saturating,
                                        relativistic, separable, wasserstein)
from tinygan.losses.historical import HistoricalAveraging
from tinygan.losses.penalties import PENALTIES, Penalty, every, gp, gradient_norm, r1, r2, squared_gradient

__all__ = ["ADVERSARIAL", "AdversarialLoss", "HistoricalAveraging", "PENALTIES", "Penalty", "every", "flat_scores",
           "gp", "gradient_norm", "hinge", "least_squares", "least_squares_pair", "least_squares_pearson", "minimax",
           "non_saturating", "r1", "r2", "relativistic", "separable", "squared_gradient", "wasserstein"]
