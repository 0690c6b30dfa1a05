"""T14: where D is perfect the minimax gradient is nothing; the measures of the entry against closed forms."""
import numpy as np
import pytest

from tinygan import random
from tinygan.losses import minimax, non_saturating
from tinygan.tensor import Tensor
from tinygan.theory.findings import Findings
from tinygan.theory.perfect_discriminator import (FAKE, REAL, THETA, accuracy, cross_entropy, generator_gradient,
                                                  noisy_jsd, overfitted, perfect_discriminator, steepness)


def line_logit(slope):
    """a(x) = slope (theta / 2 - x_1): D is sure of itself on both lines when the slope is large."""
    return lambda x: (THETA / 2 - x[:, 0]) * slope


@pytest.mark.parametrize("slope", [2.0, 40.0])
def test_the_measures_are_those_of_a_discriminator_known_in_closed_form(slope):
    D, d = line_logit(slope), 1 / (1 + np.exp(slope * THETA / 2))  # D = d on the generated line, 1 - d on the real one
    assert cross_entropy(D, n=100) == pytest.approx(np.log1p(np.exp(-slope * THETA / 2)), rel=1e-4)
    assert steepness(D, REAL, 100) == pytest.approx(slope * d * (1 - d), rel=1e-3)  # float32, 1 - d rounds
    assert steepness(D, FAKE, 100) == pytest.approx(slope * d * (1 - d), rel=1e-3)
    assert generator_gradient(D, minimax, n=100) == pytest.approx(slope * d, rel=1e-4)
    assert generator_gradient(D, non_saturating, n=100) == pytest.approx(slope * (1 - d), rel=1e-4)


def test_the_divergence_of_the_noisy_lines_is_that_of_two_normals():
    # by Monte Carlo: log-ratios of order 1, 200,000 points: 3 standard errors are below 0.005
    rng = np.random.default_rng(0)
    x = 0.5 * rng.standard_normal(200_000)
    a = (THETA / 2 - x) * THETA / 0.25  # log N(x; 0, .5) / N(x; theta, .5)
    assert noisy_jsd(0.5) == pytest.approx(np.log(2) - np.log1p(np.exp(-a)).mean(), abs=5e-3)
    assert noisy_jsd(0.01) == pytest.approx(np.log(2), abs=1e-6)


def test_accuracy_counts_the_right_sides():
    assert accuracy(lambda x: x.reshape(-1), np.float32([[1], [-1], [2]]), np.float32([[-3]])) == 0.75


def test_fitting_few_points_raises_the_accuracy_on_them_alone():
    random.manual_seed(0)
    D, real, fake = overfitted(150)
    assert accuracy(D, real, fake) > 0.7 and D(Tensor(real)).shape == (20,)


def test_every_criterion_that_is_known_holds():
    found = Findings()
    perfect_discriminator(found, steps=150, overfit_steps=5)
    assert found.known_failures() == []
