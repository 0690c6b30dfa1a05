"""Errata, chapter 3, first part: earth mover's distance, its dual, Lipschitz constants of nets with clipped weights.

Transport problems are solved as linear programs by SciPy, which shares nothing with the formulas they are held against.
"""

from __future__ import annotations

import numpy as np

from tinygan import functional as F
from tinygan import gans
from tinygan.tensor import Tensor
from tinygan.theory.checked import Checked, check

PILES_P, PILES_Q = np.array([3.0, 2.0, 1.0, 4.0]), np.array([1.0, 2.0, 4.0, 3.0])
PLACES = np.arange(4.0)


def plan(p, q, cost):
    """The cheapest transport plan (n, m) from p to q as a linear program."""
    from scipy.optimize import linprog
    n, m = cost.shape
    rows = np.kron(np.eye(n), np.ones(m))
    columns = np.kron(np.ones(n), np.eye(m))
    found = linprog(cost.ravel(), A_eq=np.vstack([rows, columns]), b_eq=np.concatenate([p, q]), method="highs")
    return found.x.reshape(n, m)


def dual(p, q, cost, lipschitz: float = 1.0):
    """(the largest sum (p - q) f, its f) over f with f_i - f_j <= lipschitz cost_ij, as a linear program; f_0 = 0."""
    from scipy.optimize import linprog
    n = len(p)
    pairs = [(i, j) for i in range(n) for j in range(n) if i != j]
    rows = np.zeros((len(pairs), n))
    for row, (i, j) in zip(rows, pairs):
        row[i], row[j] = 1, -1
    found = linprog(q - p, A_ub=rows, b_ub=[lipschitz * cost[i, j] for i, j in pairs],
                    bounds=[(0, 0), *[(None, None)] * (n - 1)], method="highs")
    return -found.fun, found.x


def gaussian_w1(mean: float, std: float) -> float:
    """W1(N(0, 1), N(mean, std^2)) = E|mean + (std - 1) Z|, Z ~ N(0, 1)."""
    from scipy.stats import norm
    s = abs(std - 1)
    if s == 0:
        return abs(mean)
    return s * np.sqrt(2 / np.pi) * np.exp(-mean ** 2 / (2 * s * s)) + mean * (1 - 2 * norm.cdf(-mean / s))


@check("3.1")
def gaussians():
    from scipy.integrate import quad
    from scipy.stats import norm
    for mean, std in ((0, 2), (0, 0.5), (1, 2), (1, 1.5), (0.5, 3)):
        def gap(x, mean=mean, std=std):
            return abs(norm.cdf(x) - norm.cdf((x - mean) / std))
        crossing = mean / (1 - std)
        area = quad(gap, -20, crossing)[0] + quad(gap, crossing, 20)[0]
        yield Checked(f"W1(N(0, 1), N({mean:g}, {std:g}^2))", abs(mean) + abs(std - 1), gaussian_w1(mean, std), area,
                      "integral of |F - G|", 1e-6)


@check("3.10")
def ground_cost_and_gradient_norm():
    step = np.array([1.0, 1.0])
    angles = np.linspace(0, 2 * np.pi, 720, endpoint=False)
    critics = np.stack([np.cos(angles), np.sin(angles)], axis=1) @ step
    yield Checked("what a critic with |gradient|_2 <= 1 finds between points at (0, 0) and (1, 1)",
                  np.abs(step).sum(), critics.max(), np.sqrt(2), "the Euclidean distance")


@check("3.11")
def bracket_around_both():
    cost = np.abs(PLACES[:, None] - PLACES)
    p, q = PILES_P / 10, PILES_Q / 10
    value, f = dual(p, q, cost, lipschitz=3)
    far = f - 1000  # as good a critic as f
    yield Checked("(1/K) sup over 3-Lipschitz critics, as bracketed on the slide, for one of the best critics",
                  far @ p / 3 - far @ q, value / 3, (plan(p, q, cost) * cost).sum(), "transport plan")


@check("3.13")
def not_smooth():
    from scipy.optimize import linear_sum_assignment
    heights = np.linspace(0, 1, 10)

    def w1(theta):
        cost = np.hypot(theta, heights[:, None] - heights)
        return cost[linear_sum_assignment(cost)].mean()
    h = 1e-3
    right_slope, left_slope = (w1(h) - w1(0)) / h, (w1(0) - w1(-h)) / h
    yield Checked("slope of W1(theta) to the right of 0 minus slope to the left", 0.0, right_slope - left_slope, 2.0,
                  "|theta|", 1e-9)


@check("3.14")
def index_of_the_recursion():
    literal = np.cumsum(np.concatenate([[0.0], (PILES_P - PILES_Q)[:-1]]))  # P_0 and Q_0, which do not exist, as 0
    moves = plan(PILES_P, PILES_Q, np.abs(PLACES[:, None] - PLACES))
    flow = [moves[:i + 1, i + 1:].sum() - moves[i + 1:, :i + 1].sum() for i in range(4)]
    yield Checked("delta_1 to delta_4", literal, np.cumsum(PILES_P - PILES_Q), flow, "flow of the best plan", 1e-7)


@check("3.15")
def the_target_stays():
    moved = PILES_P + [-2, 2, 0, 0] + np.array([0, -2, 2, 0])
    yield Checked("the piles P after the three moves", moved, moved + [0, 0, 1, -1], PILES_Q, "Q")


@check("3.16")
def shovels_are_not_probabilities():
    from scipy.stats import wasserstein_distance
    yield Checked("W1 of the piles as distributions", np.abs(np.cumsum(PILES_P - PILES_Q)).sum(),
                  np.abs(np.cumsum(PILES_P - PILES_Q)).sum() / 10,
                  wasserstein_distance(PLACES, PLACES, PILES_P, PILES_Q), "SciPy")


@check("3.17")
def one_layer_in_a_box():
    d, c = 100, 0.01
    yield Checked("largest Euclidean slope of ReLU(W x) with 100 inputs and |W_ij| <= .01", c * d, c * np.sqrt(d),
                  np.linalg.svd(np.full((1, d), c), compute_uv=False)[0], "largest singular value")


@check("3.18")
def two_layers_in_a_box():
    c, hidden = 0.01, 10
    x = Tensor(np.array([[1.0], [2.0]]))
    low, high = F.linear(F.relu(F.linear(x, Tensor(np.full((hidden, 1), c)))), Tensor(np.full((1, hidden), c))).data
    yield Checked("largest slope of a 2-layer net with 1 input, 10 hidden units, weights of .01", c, c * c * hidden,
                  float(high[0] - low[0]), "slope of the net with all weights at the bound", 1e-12)


@check("3.19")
def biases_are_clipped_too():
    gan = gans.make("wgan", (2,), networks="mlp")
    for parameter in gan.D.parameters():
        parameter.assign(np.ones_like(parameter.data), "a test of clipping")
    gan.after_update(gan.players()[0])
    biases = [parameter.data.max() for name, parameter in gan.D.named_parameters() if name.endswith("bias")]
    yield Checked("largest bias of a critic whose parameters were all 1, after clipping to .01", 1.0, max(biases),
                  gan.settings["clip"], "c", 1e-8)
