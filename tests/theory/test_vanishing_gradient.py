"""T13: slopes in the logit, the two identities with D* held fixed, and who moves."""
import numpy as np
import pytest

from tinygan import random
from tinygan.losses import minimax, non_saturating
from tinygan.theory.findings import Findings
from tinygan.theory.vanishing_gradient import (differences, gradient_at_fixed_d, identities, moved, slope,
                                               softmax, vanishing_gradient)


@pytest.mark.parametrize("seed", range(5))
def test_the_gradients_with_a_fixed_d_are_those_of_divergences(seed):
    rng = np.random.default_rng(seed)
    # differences: h^4 = 1e-12 times fifth derivatives of order 1, and rounding 1e-16 / h
    assert max(identities(softmax(rng.standard_normal(5)), rng.standard_normal(5))) < 1e-11


def test_at_equal_distributions_both_gradients_vanish():
    logits = np.array([0.3, -1.0, 0.5])
    for loss in (minimax, non_saturating):
        assert abs(gradient_at_fixed_d(loss, softmax(logits), logits)).max() < 1e-15


def test_differences_are_exact_for_polynomials_of_degree_four():
    # rounding of order 1e-16 / 1e-3 times values of order 10
    assert differences(lambda x: x[0] ** 4 + x[0] * x[1], np.array([1.0, 2.0])) == pytest.approx([6, 1], abs=1e-11)


def test_only_the_non_saturating_loss_moves_a_rejected_generator():
    assert slope(minimax, -10.0) == pytest.approx(-4.5398e-5, rel=1e-4)
    random.manual_seed(0)
    (still, small), (away, large) = moved(minimax, 60), moved(non_saturating, 60)
    assert abs(still[-1] - 10) < 0.05 and away[-1] < 9 and large > 1e3 * small


def test_every_criterion_that_is_known_holds():
    found = Findings()
    vanishing_gradient(found, steps=60)
    assert found.rows and found.known_failures() == []
