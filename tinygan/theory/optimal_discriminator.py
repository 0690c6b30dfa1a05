"""The best discriminator is a ratio of densities.

For fixed p (data) and q (model), V(D) = E_p log D + E_q log(1 - D) is largest at

    D*(x) = p(x) / (p(x) + q(x)),   its logit a*(x) = log p(x) - log q(x)   (undefined where both are 0)

Any D of a GAN, trained to the end, estimates this ratio. First a table of 16 logits with exact expectations, then an
MLP that sees samples of N(0, 1) and N(1, 1) only: there a*(x) = 1/2 - x. The picture shows both beside D*.
"""

import numpy as np

from tinygan import models
from tinygan.autograd import no_grad
from tinygan.data import gauss1
from tinygan.losses import non_saturating
from tinygan.tensor import Parameter, Tensor
from tinygan.theory.fitting import fit_scores, game_value, minimise
from tinygan.theory.pictures import figure, finish
from tinygan.theory.registry import entry


def categorical(k: int, rng) -> np.ndarray:
    """Probabilities softmax(N(0, 1)) of k symbols."""
    weights = np.exp(rng.normal(size=k))
    return weights / weights.sum()


def fit_table(p, q, steps: int = 2000, lr: float = 0.1) -> np.ndarray:
    """D (K,) after maximising V over a table of logits by Adam, from D = 1/2."""
    logits = Parameter(np.zeros(len(p)))
    minimise(lambda: -game_value(Tensor(p), Tensor(q), logits), [logits], steps, lr)
    return Tensor(logits.data).sigmoid().numpy()


def central(share: float = 0.95, n: int = 2001):
    """A grid over the central share of the mixture of N(0, 1) and N(1, 1), and the mixture's weights on it."""
    from scipy.optimize import brentq
    from scipy.stats import norm
    half = brentq(lambda t: (norm.cdf(0.5 + t) - norm.cdf(0.5 - t)
                             + norm.cdf(t - 0.5) - norm.cdf(-0.5 - t)) / 2 - share, 0, 10)
    x = np.linspace(0.5 - half, 0.5 + half, n)
    weights = norm.pdf(x) + norm.pdf(x, 1)
    return x, weights / weights.sum()


def probabilities(D, x) -> np.ndarray:
    """sigmoid of D's logits (N,) at positions x (N,)."""
    with no_grad():
        return D(Tensor(x[:, None].astype(np.float32))).sigmoid().numpy()


def draw(p, q, table, D):
    """The table as bars, the MLP as a curve, beside D*."""
    from scipy.stats import norm
    made, (bars, curve) = figure(2, title="The best discriminator: D* = p / (p + q)", size=(5, 3.8))
    k = np.arange(len(p))
    bars.bar(k, p, color="C0", alpha=0.5, label="p")
    bars.bar(k, -q, color="C1", alpha=0.5, label="q (downwards)")
    bars.plot(k, p / (p + q), "k_", markersize=14, label="D*")
    bars.plot(k, table, "r.", label="D, trained table")
    bars.set_ylim(-0.25, 1.3)  # room for the legend
    finish(bars, f"Table of {len(p)} logits, exact expectations", "symbol", "probability")
    x = np.linspace(-4, 5, 400)
    curve.fill_between(x, norm.pdf(x), alpha=0.4, label="p = N(0, 1)")
    curve.fill_between(x, norm.pdf(x, 1), alpha=0.4, label="q = N(1, 1)")
    curve.plot(x, 1 / (1 + np.exp(x - 0.5)), "k", label="D*(x) = sigmoid(1/2 - x)")
    curve.plot(x, probabilities(D, x), "r--", label="D, trained MLP")
    ends = central()[0][[0, -1]]
    for end in ends:
        curve.axvline(end, color="0.6", linewidth=0.8, linestyle=":", label="central 95 %" if end < 0 else None)
    finish(curve, "MLP on samples", "x", "D, density")
    return made


@entry("T11", "optimal-discriminator", title="The best discriminator is a ratio of densities",
       paper="Goodfellow et al. 2014, Proposition 1", arxiv="1406.2661")
def optimal_discriminator(found, seed=0, steps=2000):
    rng = np.random.default_rng(seed)
    p, q = categorical(16, rng), categorical(16, rng)
    table = fit_table(p, q)
    found.at_most("table of 16 logits: max |D - D*|", np.abs(table - p / (p + q)).max(), 1e-4, route="p / (p + q)")
    D = fit_scores(models.MLPDiscriminator((1,), hidden=(64, 64)), gauss1(0, 1), gauss1(1, 1), non_saturating,
                   steps=steps)
    x, weights = central()
    error = np.abs(probabilities(D, x) - 1 / (1 + np.exp(x - 0.5)))
    found.at_most("MLP: mean |D - D*| on the central 95 %", weights @ error, 0.03, kind="CAL",
                  route="sigmoid(1/2 - x)")
    found.note("MLP: max |D - D*| on the central 95 %", error.max())
    found.picture(lambda: draw(p, q, table, D), "optimal-discriminator.png")
