"""Errata, chapter 3, first part: earth mover's distance, its dual, Lipschitz constants of nets with clipped weights.

Transport problems are linear programs; what they are held against are formulas, quadrature and SciPy's distances.
"""

from __future__ import annotations

import numpy as np

from tinygan import gans
from tinygan.losses.divergences import cumulative_excess, earth_mover_1d, kantorovich_potential, optimal_transport
from tinygan.theory import lipschitz
from tinygan.theory.checked import Checked, check
from tinygan.theory.gaussian_w1 import on_the_slide, w1_gaussian
from tinygan.theory.parallel_lines import exact
from tinygan.theory.wasserstein_by_sorting import by_quantiles

PILES_P, PILES_Q = np.array([3.0, 2.0, 1.0, 4.0]), np.array([1.0, 2.0, 4.0, 3.0])
PLACES = np.arange(4.0)
COST = np.abs(PLACES[:, None] - PLACES)


@check("3.1")
def gaussians():
    for mean, std in ((0, 2), (0, 0.5), (1, 2), (1, 1.5), (0.5, 3)):
        yield Checked(f"W1(N(0, 1), N({mean:g}, {std:g}^2))", on_the_slide(mean, std), w1_gaussian(mean, std),
                      by_quantiles(mean, std, 1), "quadrature of quantiles", 1e-6)


@check("3.10")
def ground_cost_and_gradient_norm():
    step = np.array([1.0, 1.0])
    angles = np.linspace(0, 2 * np.pi, 720, endpoint=False)
    critics = np.stack([np.cos(angles), np.sin(angles)], axis=1) @ step
    yield Checked("what a critic with |gradient|_2 <= 1 finds between points at (0, 0) and (1, 1)",
                  np.abs(step).sum(), critics.max(), np.sqrt(2), "the Euclidean distance")


@check("3.11")
def bracket_around_both():
    p, q = PILES_P / 10, PILES_Q / 10
    value, f = kantorovich_potential(p, q, COST, lipschitz=3)
    far = f - 1000  # as good a critic as f
    yield Checked("(1/K) sup over 3-Lipschitz critics, as bracketed on the slide, for one of the best critics",
                  far @ p / 3 - far @ q, value / 3, optimal_transport(p, q, COST).value, "transport plan")


@check("3.13")
def not_smooth():
    h = 1e-3
    left, middle, right = (exact(theta)["W1"] for theta in (-h, 0.0, h))
    # the linear program is exact to 1e-9, divided by h
    yield Checked("slope of W1(theta) to the right of 0 minus slope to the left", 0.0, (right - 2 * middle + left) / h,
                  2.0, "|theta|", 1e-5)


@check("3.14")
def index_of_the_recursion():
    literal = np.cumsum(np.concatenate([[0.0], (PILES_P - PILES_Q)[:-1]]))  # P_0 and Q_0, which do not exist, as 0
    moves = optimal_transport(PILES_P, PILES_Q, COST).plan
    flow = [moves[:i + 1, i + 1:].sum() - moves[i + 1:, :i + 1].sum() for i in range(4)]
    yield Checked("delta_1 to delta_4", literal, cumulative_excess(PILES_P, PILES_Q), flow, "flow of the best plan",
                  1e-7)


@check("3.15")
def the_target_stays():
    moved = PILES_P + [-2, 2, 0, 0] + np.array([0, -2, 2, 0])
    yield Checked("the piles P after the three moves", moved, moved + [0, 0, 1, -1], PILES_Q, "Q")


@check("3.16")
def shovels_are_not_probabilities():
    from scipy.stats import wasserstein_distance
    yield Checked("W1 of the piles as distributions", earth_mover_1d(PILES_P, PILES_Q),
                  earth_mover_1d(PILES_P / 10, PILES_Q / 10),
                  wasserstein_distance(PLACES, PLACES, PILES_P, PILES_Q), "SciPy")


@check("3.17")
def one_layer_in_a_box():
    dim = 100
    yield Checked("largest Euclidean slope of ReLU(W x) with 100 inputs and |W_ij| <= .01", lipschitz.C * dim,
                  lipschitz.box_bound(dim, None),
                  lipschitz.longest_gradient(lipschitz.boxed(dim, None), np.ones((1, dim))),
                  "gradient of the net with all weights at the bound")


@check("3.18")
def two_layers_in_a_box():
    yield Checked("largest slope of a 2-layer net with 1 input, 10 hidden units, weights of .01", lipschitz.C,
                  lipschitz.box_bound(1, 10), lipschitz.longest_gradient(lipschitz.boxed(1, 10), np.ones((1, 1))),
                  "gradient of the net with all weights at the bound", 1e-12)


@check("3.19")
def biases_are_clipped_too():
    gan = gans.make("wgan", (2,), networks="mlp")
    for parameter in gan.D.parameters():
        parameter.assign(np.ones_like(parameter.data), "a test of clipping")
    gan.after_update(gan.players()[0])
    biases = [parameter.data.max() for name, parameter in gan.D.named_parameters() if name.endswith("bias")]
    yield Checked("largest bias of a critic whose parameters were all 1, after clipping to .01", 1.0, max(biases),
                  gan.settings["clip"], "c", 1e-8)
