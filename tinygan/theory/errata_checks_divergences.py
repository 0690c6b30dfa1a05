"""Errata, chapter 1: divergences, the optimal discriminator, the value of the game.

Distributions here are short vectors of probabilities p (data) and q (model), so that every expectation is a sum.
"""

from __future__ import annotations

import itertools

import numpy as np

from tinygan import functional as F
from tinygan import losses
from tinygan.losses.divergences import jensen_shannon, kl, reverse_kl
from tinygan.tensor import Tensor
from tinygan.theory import kl_asymmetry, parallel_lines
from tinygan.theory.checked import Checked, check
from tinygan.theory.game_value import EXAMPLE
from tinygan.theory.mutual_information import entropy
from tinygan.theory.vanishing_gradient import differences, gradient_at_fixed_d, softmax

P, Q = EXAMPLE


def js_sum(p, q) -> float:
    """KL(p || m) + KL(q || m) with m = (p + q) / 2: what two decks call the Jensen-Shannon divergence."""
    return kl(p, (p + q) / 2) + kl(q, (p + q) / 2)


def js_entropies(p, q) -> float:
    """The Jensen-Shannon divergence as H((p + q) / 2) - (H(p) + H(q)) / 2."""
    return entropy((p + q) / 2) - (entropy(p) + entropy(q)) / 2


def value_at_optimum(p, q) -> float:
    """max_D V(D, G) by the library's minimax loss: the logits are log p / q, symbols appear as often as p and q say."""
    a = np.log(p / q)
    real, fake = (np.repeat(a, np.rint(10 * w).astype(int)) for w in (p, q))
    return -float(losses.minimax.d(Tensor(real), Tensor(fake)))


@check("1.1")
def half_of_each():
    p, q = np.array([0.5, 0.5, 0, 0]), np.array([0, 0, 0.3, 0.7])
    yield Checked("JSD of disjoint p, q", js_sum(p, q), jensen_shannon(p, q), js_entropies(p, q), "entropies")
    rng = np.random.default_rng(0)
    pairs = [rng.dirichlet(np.full(6, 0.2), 2) for _ in range(200)]
    slide, right = (np.mean([of(*pair) > np.log(2) for pair in pairs]) for of in (js_sum, jensen_shannon))
    yield Checked("share of 200 random pairs above the bound log 2", slide, right, 0.0, "JSD <= log 2", tolerance=0)


@check("1.2")
def minimum_over_m():
    m = np.random.default_rng(0).dirichlet(np.ones(3), 20_000)
    sums = (P * np.log(P / m)).sum(1) + (Q * np.log(Q / m)).sum(1)
    # 20 000 points of the triangle are about 0.007 apart, and KL grows with the square of the distance
    yield Checked("the extremum over 20 000 random M", sums.max(), sums.min() / 2, js_entropies(P, Q), "entropies",
                  tolerance=1e-3)
    far = np.array([1e-12, 0.5, 0.5 - 1e-12])
    yield Checked("the sum at M = (1e-12, .5, .5 - 1e-12), and half of it", kl(P, far) + kl(Q, far),
                  (kl(P, far) + kl(Q, far)) / 2, js_entropies(P, Q) + kl((P + Q) / 2, far), "JSD + KL(m || M)")


@check("1.3")
def value_is_not_the_divergence():
    yield Checked("V(D*, G) for p = (.1, .2, .7), q = (.3, .3, .4)", js_entropies(P, Q), value_at_optimum(P, Q),
                  2 * js_entropies(P, Q) - np.log(4), "2 JSD - log 4")


@check("1.4")
def value_at_equality():
    yield Checked("V(D*, G) at p = q", js_entropies(P, P), value_at_optimum(P, P), -np.log(4), "-log 4")


@check("1.5")
def constant_discriminator():
    from scipy.optimize import minimize_scalar
    real, fake = (np.ones(10) for _ in (P, Q))

    def loss(bias):
        return float(losses.minimax.d(Tensor(real * bias), Tensor(fake * bias)))
    best = minimize_scalar(loss, bounds=(-5, 5), method="bounded", options={"xatol": 1e-9}).fun
    yield Checked("max over theta_d of V for p != q, D without any input", 2 * js_entropies(P, Q) - np.log(4), -best,
                  -np.log(4), "-log 4, the value that the slide keeps for p = q")


@check("1.6")
def non_saturating_is_not_the_divergence():
    data, logits = softmax(np.array([-0.4, 0.6, 0.0, 0.2, 0.9])), np.array([0.3, -0.5, 0.1, 0.8, -0.2])

    def js(t):
        return jensen_shannon(data, softmax(t))
    non_saturating = gradient_at_fixed_d(losses.non_saturating, data, logits)
    minimax = gradient_at_fixed_d(losses.minimax, data, logits)
    yield Checked("gradient of -E log D*(G), D* held fixed", differences(js, logits), non_saturating,
                  differences(lambda t: kl(softmax(t), data) - 2 * js(t), logits), "differences of KL(q || p) - 2 JSD")
    yield Checked("gradient of 2 JSD, which belongs to log(1 - D*) alone", non_saturating, minimax,
                  differences(lambda t: 2 * js(t), logits), "differences of 2 JSD")


@check("1.7")
def infinite_without_being_disjoint():
    p, q = np.array([1.0, 0, 0]), np.array([0.5, 0.5, 0])
    assert np.isinf(kl(q, p))
    yield Checked("JSD where KL(model || real) is infinite", np.log(2), jensen_shannon(p, q), js_entropies(p, q),
                  "entropies")


@check("1.8")
def which_divergence_is_likelihood():
    from scipy.optimize import minimize
    from scipy.stats import norm
    x, data = kl_asymmetry.GRID, kl_asymmetry.bimodal(kl_asymmetry.GRID)

    def variance(divergence):
        def loss(t):
            return divergence(data, norm.pdf(x, t[0], np.exp(t[1])), kl_asymmetry.CELL)
        return np.exp(2 * minimize(loss, [1.0, 0.0], method="Nelder-Mead", options={"xatol": 1e-6}).x[1])
    yield Checked("variance of the Gaussian that maximum likelihood fits to two bumps at -2 and 2",
                  variance(reverse_kl), variance(kl), 2 ** 2 + 0.5 ** 2, "moments", tolerance=1e-3)


@check("1.9")
def second_sum_runs_over_theta():
    yield Checked("JSD of the lines at theta = 0 and 1, 'always constant'", np.log([2, 2]),
                  [parallel_lines.exact(theta)["JSD"] for theta in (0.0, 1.0)], (0, np.log(2)), "0 and log 2")


@check("1.11")
def the_optimum_is_the_training_set():
    from scipy.optimize import minimize
    symbols, atoms = 20, 5
    empirical = np.where(np.arange(symbols) < atoms, 1 / atoms, 0.0)
    theta = minimize(lambda t: js_sum(empirical, softmax(t)), np.zeros(symbols), method="BFGS").x
    # softmax never reaches 0: 1e-3 of the mass may be on its way
    yield Checked("mass of the best model on the 5 of 20 values that were in the training set", atoms / symbols,
                  softmax(theta)[:atoms].sum(), empirical[:atoms].sum(), "the empirical distribution", 1e-3)


@check("1.12")
def fooled_half_of_the_time():
    p = q = np.array([0.1, 0.2, 0.3, 0.4])
    errors = [(p[list(rule)].sum() if rule else 0) / 2 + (1 - (q[list(rule)].sum() if rule else 0)) / 2
              for n in range(5) for rule in itertools.combinations(range(4), n)]
    yield Checked("error of the best of all 16 rules of decision at the equilibrium, 'seldom fooled'", 0.0, min(errors),
                  (1 - np.abs(p - q).sum() / 2) / 2, "(1 - TV) / 2")


@check("1.14")
def only_the_nested_problem():
    side = np.linspace(-10, 10, 201)
    v = np.outer(side, side)  # v[x, y] = x y
    separate = side[v[np.argmin(np.abs(side - 0.1))].argmax()]
    yield Checked("best y for xy on [-10, 10]^2: against x held at .1, against the best answer of x", separate,
                  side[v.min(axis=0).argmax()], 0.0, "the saddle is (0, 0)")


@check("1.15")
def twice_the_usual_mean():
    a, label = np.array([1.5, 0.3, -0.7, 2.0]), np.array([1.0, 1.0, 0.0, 0.0])
    slide = float(losses.minimax.d(Tensor(a[:2]), Tensor(a[2:])))
    usual = float(F.binary_cross_entropy_with_logits(Tensor(a), Tensor(label)))
    yield Checked("binary cross-entropy of 2 real and 2 fake scores", slide, usual,
                  np.mean(np.log1p(np.exp(np.where(label == 1, -a, a)))), "mean over 2 N")
