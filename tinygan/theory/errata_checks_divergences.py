"""Errata, chapter 1: divergences, the optimal discriminator, the value of the game.

Distributions here are short vectors of probabilities p (data) and q (model), so that every expectation is a sum.
"""

from __future__ import annotations

import itertools

import numpy as np

from tinygan import functional as F
from tinygan import losses
from tinygan.autograd import grad
from tinygan.tensor import Tensor
from tinygan.theory.checked import Checked, check

P, Q = np.array([0.1, 0.2, 0.7]), np.array([0.3, 0.3, 0.4])


def kl(p, q) -> float:
    """KL(p || q) = sum p log(p / q), with 0 log 0 = 0 and infinity where p > 0 = q."""
    p, q = np.broadcast_arrays(p, q)
    with np.errstate(divide="ignore"):
        return float((p[p > 0] * (np.log(p[p > 0]) - np.log(q[p > 0]))).sum())


def js_sum(p, q) -> float:
    """KL(p || m) + KL(q || m) with m = (p + q) / 2: what two decks call the Jensen-Shannon divergence."""
    return kl(p, (p + q) / 2) + kl(q, (p + q) / 2)


def entropy(p) -> float:
    """H(p) = -sum p log p."""
    return -float((p[p > 0] * np.log(p[p > 0])).sum())


def js_entropies(p, q) -> float:
    """The Jensen-Shannon divergence as H((p + q) / 2) - (H(p) + H(q)) / 2."""
    return entropy((p + q) / 2) - (entropy(p) + entropy(q)) / 2


def softmax(theta):
    """Probabilities exp(theta) / sum exp(theta)."""
    e = np.exp(theta - theta.max())
    return e / e.sum()


def slopes(f, theta, h: float = 1e-5):
    """The gradient of ``f`` at ``theta`` by central differences."""
    return np.array([(f(theta + h * e) - f(theta - h * e)) / (2 * h) for e in np.eye(len(theta))])


def value_at_optimum(p, q) -> float:
    """max_D V(D, G) by the library's minimax loss: the logits are log p / q, symbols appear as often as p and q say."""
    a = np.log(p / q)
    real, fake = (np.repeat(a, np.rint(10 * w).astype(int)) for w in (p, q))
    return -float(losses.minimax.d(Tensor(real), Tensor(fake)))


@check("1.1")
def half_of_each():
    p, q = np.array([0.5, 0.5, 0, 0]), np.array([0, 0, 0.3, 0.7])
    yield Checked("JSD of disjoint p, q", js_sum(p, q), js_sum(p, q) / 2, js_entropies(p, q), "entropies")
    rng = np.random.default_rng(0)
    sums = np.array([js_sum(*rng.dirichlet(np.full(6, 0.2), 2)) for _ in range(200)])
    yield Checked("share of 200 random pairs above the bound log 2", np.mean(sums > np.log(2)),
                  np.mean(sums / 2 > np.log(2)), 0.0, "JSD <= log 2", tolerance=0)


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
    theta, data = np.array([0.3, -0.5, 0.1, 0.8, -0.2]), softmax(np.array([-0.4, 0.6, 0.0, 0.2, 0.9]))
    a = Tensor(np.log(data / softmax(theta)))

    def gradient(loss):
        leaf = Tensor(theta).requires_grad_()
        (g,) = grad((F.softmax(leaf, 0) * loss(a)).sum(), leaf)
        return g.data

    def js(t):
        return js_entropies(data, softmax(t))
    non_saturating, minimax = gradient(lambda a: F.softplus(-a)), gradient(lambda a: -F.softplus(a))
    # second differences of h = 1e-5 leave 1e-10
    yield Checked("gradient of -E log D*(G), D* held fixed", slopes(js, theta), non_saturating,
                  slopes(lambda t: kl(softmax(t), data) - 2 * js(t), theta), "differences of KL(q || p) - 2 JSD", 1e-8)
    yield Checked("gradient of 2 JSD, which belongs to log(1 - D*) alone", non_saturating, minimax,
                  slopes(lambda t: 2 * js(t), theta), "differences of 2 JSD", 1e-8)


@check("1.7")
def infinite_without_being_disjoint():
    p, q = np.array([1.0, 0, 0]), np.array([0.5, 0.5, 0])
    assert np.isinf(kl(q, p))
    yield Checked("JSD where KL(model || real) is infinite", np.log(2), js_sum(p, q) / 2, js_entropies(p, q),
                  "entropies")


@check("1.8")
def which_divergence_is_likelihood():
    from scipy.optimize import minimize
    x = np.linspace(-12, 12, 4001)
    dx = x[1] - x[0]

    def normal(mean, std):
        return np.exp(-((x - mean) / std) ** 2 / 2) / (std * np.sqrt(2 * np.pi))
    data = (normal(-2, 0.5) + normal(2, 0.5)) / 2

    def variance(divergence):
        def loss(t):
            return divergence(normal(t[0], np.exp(t[1])) + 1e-300) * dx
        options = {"xatol": 1e-7, "fatol": 1e-12}
        return np.exp(2 * minimize(loss, [1.0, 0.0], method="Nelder-Mead", options=options).x[1])
    safe = data + 1e-300
    yield Checked("variance of the Gaussian that maximum likelihood fits to two bumps at -2 and 2",
                  variance(lambda q: (q * np.log(q / safe)).sum()), variance(lambda q: (safe * np.log(safe / q)).sum()),
                  2 ** 2 + 0.5 ** 2, "moments", tolerance=1e-3)


@check("1.9")
def second_sum_runs_over_theta():
    def lines(theta):
        """p and q as probabilities of the positions 0 and theta, which may be one."""
        places = sorted({0.0, theta})
        return (np.array([float(place == at) for place in places]) for at in (0.0, theta))
    yield Checked("JSD of the lines at theta = 0 and 1, 'always constant'", np.log([2, 2]),
                  [js_sum(*lines(0.0)) / 2, js_sum(*lines(1.0)) / 2],
                  [js_entropies(*lines(0.0)), js_entropies(*lines(1.0))], "entropies")


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
    v = np.outer(side, side)
    yield Checked("y of the optimum of xy over the box [-10, 10]^2", side[v[np.argmin(abs(side - 0.1))].argmax()],
                  v.max(axis=1).min(), v.min(axis=0).max(), "max over y of min over x")


@check("1.15")
def twice_the_usual_mean():
    a, label = np.array([1.5, 0.3, -0.7, 2.0]), np.array([1.0, 1.0, 0.0, 0.0])
    slide = float(losses.minimax.d(Tensor(a[:2]), Tensor(a[2:])))
    usual = float(F.binary_cross_entropy_with_logits(Tensor(a), Tensor(label)))
    yield Checked("binary cross-entropy of 2 real and 2 fake scores", slide, usual,
                  np.mean(np.log1p(np.exp(np.where(label == 1, -a, a)))), "mean over 2 N")
