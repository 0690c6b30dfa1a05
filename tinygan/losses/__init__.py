"""What the players minimise: pairs of adversarial losses on raw scores, and penalties on the critic's gradient."""

from tinygan.losses.adversarial import (ADVERSARIAL, AdversarialLoss, flat_scores, hinge, minimax, non_saturating,
                                        separable, wasserstein)
from tinygan.losses.penalties import Penalty, every, gp, gradient_norm, r1, r2, squared_gradient

__all__ = ["ADVERSARIAL", "AdversarialLoss", "Penalty", "every", "flat_scores", "gp", "gradient_norm", "hinge",
           "minimax", "non_saturating", "r1", "r2", "separable", "squared_gradient", "wasserstein"]
