"""A perfect discriminator teaches nothing through the minimax loss, and a discriminator can overfit.

Where the supports are disjoint a smooth D is 1 on one and 0 on the other with gradient 0 on both, and so is the
gradient of E log(1 - D(G(z))); that of E -log D(G(z)) is not. Here x = (0, U[0, 1]) and G(z) = (theta, z), theta = .5.
Noise of the same size on both (instance noise) makes the supports overlap and brings the gradient back. And a D that
sees 20 real and 20 generated points of one and the same distribution learns them by heart. The picture: D across the
gap without and with noise, its gradient, and the overfitted D.
"""

from __future__ import annotations

import numpy as np

from tinygan import data, nn, random
from tinygan.autograd import grad
from tinygan.losses import minimax, non_saturating, squared_gradient
from tinygan.losses.divergences import jensen_shannon
from tinygan.models import MLPDiscriminator
from tinygan.tensor import Parameter, Tensor
from tinygan.theory.fitting import fit_scores
from tinygan.theory.registry import entry

THETA = 0.5
REAL, FAKE = data.lines(0.0), data.lines(THETA)


def trained(steps: int, noise: float = 0.0):
    """D (a multi-layer perceptron of logits), fitted to the two lines; with noise on both."""
    D = MLPDiscriminator((2,), (64, 64))
    fit_scores(nn.Sequential(nn.Noise(noise), D) if noise else D, REAL, FAKE, minimax, steps=steps, lr=5e-3)
    return D


def cross_entropy(D, noise: float = 0.0, n: int = 10_000) -> float:
    """The mean binary cross-entropy of D over both classes: half of its loss."""
    real, fake = (Tensor(points(n) + noise * random.normal((n, 2))) for points in (REAL, FAKE))
    return minimax.d(D(real), D(fake)).item() / 2


def steepness(D, points, n: int = 2000) -> float:
    """The median of |grad_x D(x)| over points, D = s(a) the probability."""
    return float(np.median(slopes(D, Tensor(points(n)))))


def slopes(D, x) -> np.ndarray:
    """|grad_x D(x)| of each point."""
    return np.sqrt(squared_gradient(lambda t: D(t).sigmoid(), x).numpy())


def generator_gradient(D, loss, noise: float = 0.0, n: int = 4000) -> float:
    """|d/d theta| of the loss of G(z) = (theta, z)."""
    theta = Parameter(np.float32(THETA).reshape(1, 1))
    height = Tensor(random.uniform((n, 1)))
    shown = theta * Tensor(np.float32([[1, 0]])) + height * Tensor(np.float32([[0, 1]]))
    if noise:
        shown = shown + Tensor(np.float32(noise) * random.normal((n, 2)))
    return abs(grad(loss.g(D(shown)), theta)[0].item())


def overfitted(steps: int, n: int = 20):
    """D fitted to n real and n generated points of N(0, 1), and both sets, (n, 1)."""
    real, fake = data.gauss1()(n), data.gauss1()(n)
    D = MLPDiscriminator((1,), (64, 64, 64, 64))
    for p in D.body[0].parameters():
        p.assign(20 * p.data)  # kinks dense enough to bend between neighbours that are 0.01 apart
    fit_scores(D, lambda _: real, lambda _: fake, minimax, steps=steps, lr=5e-3, betas=(0.9, 0.999))
    return D, real, fake


def accuracy(D, real, fake=()) -> float:
    """The share of points on the right side of 1/2."""
    right = [(D(Tensor(real)).numpy() > 0)] + ([D(Tensor(fake)).numpy() < 0] if len(fake) else [])
    return float(np.concatenate(right).mean())


@entry("T14", "perfect-discriminator", title="A perfect discriminator, and one that overfits",
       paper="Arjovsky & Bottou 2017, theorems 2.1 to 2.4", arxiv="1701.04862")
def perfect_discriminator(found, seed=0, steps=500, overfit_steps=3000, noise=0.5):
    D = trained(steps)
    found.at_most("cross-entropy of D on disjoint lines", cross_entropy(D), 1e-4)
    for name, points in (("real", REAL), ("generated", FAKE)):
        found.at_most(f"median |grad D| on the {name} line", steepness(D, points), 1e-2)
    found.at_most("|d/d theta E log(1 - D)|", generator_gradient(D, minimax), 1e-3)
    found.at_least("|d/d theta E -log D|", generator_gradient(D, non_saturating), 1)
    soft = trained(steps, noise)
    found.at_least(f"|d/d theta E log(1 - D)| with instance noise {noise:g}",
                   generator_gradient(soft, minimax, noise), 1e-2)
    jsd = np.log(2) - cross_entropy(soft, noise)
    found.at_most("JSD as D with noise estimates it", jsd, np.log(2) - 0.1)
    found.at_most("its error from the true JSD of the noisy lines", abs(jsd - noisy_jsd(noise)), 0.02, kind="CAL",
                  route="quadrature")
    own, real, fake = overfitted(overfit_steps)
    found.at_least("D fitted to 20 + 20 points of N(0, 1): accuracy on them", accuracy(own, real, fake), 0.95,
                   kind="CAL")
    found.at_most("its accuracy on 10,000 fresh real points", accuracy(own, data.gauss1()(10_000)), 0.75, kind="CAL")
    found.picture(lambda: draw(D, soft, own, real, fake, noise), "perfect-discriminator.png")


def noisy_jsd(noise: float) -> float:
    """The JSD of the lines under noise: only the first coordinate differs, N(0, noise^2) against N(theta, noise^2)."""
    x = np.linspace(-12 * noise, THETA + 12 * noise, 20_001)
    p, q = (np.exp(-0.5 * ((x - m) / noise) ** 2) / (noise * np.sqrt(2 * np.pi)) for m in (0.0, THETA))
    return jensen_shannon(p, q, cell=x[1] - x[0])


def draw(D, soft, own, real, fake, noise):
    """D across the gap, the gradient of both losses there, and the overfitted D."""
    from tinygan.theory.pictures import figure, finish
    made, (values, steep, learnt) = figure(3, title="A perfect discriminator on disjoint supports; an overfitted one")
    x = np.linspace(-0.5, 1.0, 301, dtype=np.float32)
    line = Tensor(np.stack([x, np.full_like(x, 0.5)], axis=1))
    for network, colour, name in ((D, "C3", "trained without noise"), (soft, "C0", f"trained with noise {noise:g}")):
        values.plot(x, network(line).sigmoid().numpy(), colour, label=name)
        steep.semilogy(x, np.maximum(slopes(network, line), 1e-9), colour, label=name)
    for axes in (values, steep):
        axes.axvline(0, color="k", linestyle="--", linewidth=1, label="real line")
        axes.axvline(THETA, color="k", linestyle=":", linewidth=1, label="generated line")
    finish(values, "D(x, 1/2)", "x", "D")
    finish(steep, "|grad D| at the lines: what G learns from", "x", "")
    x = np.linspace(-3, 3, 601, dtype=np.float32)
    learnt.plot(x, own(Tensor(x[:, None])).sigmoid().numpy(), "C3", label="D")
    learnt.plot(real, np.ones_like(real), "k|", markersize=12, label="20 real points")
    learnt.plot(fake, np.zeros_like(fake), "|", color="C0", markersize=12, label="20 generated points")
    learnt.axhline(0.5, color="0.6", linewidth=1, label="the best D: 1/2")
    finish(learnt, "Both sets are drawn from N(0, 1)", "x", "D")
    return made
