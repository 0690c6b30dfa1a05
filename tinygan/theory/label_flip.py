"""The 'alternate view': real = 0, fake = 1 is the same game, and a margin loss needs an energy that is not negative.

With flipped labels D' = 1 - D and the cross-entropy to minimise is -E log(1 - D'(x)) - E log D'(G(z)). The slide that
introduces it minimises E log D'(x) + E log(1 - D'(G)), which is unbounded: p log D + q log(1 - D) is concave in D, so
descent ends at D = 0, not at q / (p + q). And E e(x) + E max(0, m - e(G)) is bounded below only when e >= 0. The
picture: both games, both formulas over D, and the margin loss with a linear score and with a norm.
"""

from __future__ import annotations

import copy

import numpy as np

from tinygan import data, random
from tinygan.functional import binary_cross_entropy_with_logits as bce
from tinygan.functional import ones_like, relu, zeros_like
from tinygan.losses import AdversarialLoss, non_saturating
from tinygan.models import MLPDiscriminator, MLPGenerator
from tinygan.optim import SGD, Adam
from tinygan.tensor import Parameter, Tensor
from tinygan.theory.registry import entry

flipped = AdversarialLoss(
    "flipped", of_d=lambda real, fake: bce(real, zeros_like(real)) + bce(fake, ones_like(fake)),
    of_g=lambda fake, real: bce(fake, zeros_like(fake)),
    formula="L_D = -E log(1 - D'(x)) - E log D'(G); L_G = -E log(1 - D'(G))", source="real = 0, fake = 1")


def networks():
    """G, D and the mirrored D' = 1 - D, whose last layer has the opposite sign; in float64."""
    G, D = MLPGenerator(2, (2,), (16,)).to("float64"), MLPDiscriminator((2,), (16,)).to("float64")
    mirrored = copy.deepcopy(D)
    for p in mirrored.last.parameters():
        p.assign(-p.data)
    return G, D, mirrored


def train(G, D, loss, steps: int):
    """Play ``steps`` steps on ring8; D's losses. Noise and data are those of the streams' present counters."""
    d_opt, g_opt = (Adam(network.parameters(), lr=1e-2, betas=(0.5, 0.999)) for network in (D, G))
    losses = []
    for _ in range(steps):
        x = Tensor(data.ring8(64, dtype=np.float64))
        fake = G(Tensor(random.normal((64, 2), dtype=np.float64)))
        d_loss = loss.d(D(x), D(fake.detach()))
        d_opt.minimize(d_loss)
        g_opt.minimize(loss.g(D(fake)))
        losses.append(d_loss.item())
    return losses


def both_games(steps: int):
    """(largest difference of G's parameters, of D' from 1 - D, the two lists of D's losses)."""
    G, D, mirrored = networks()
    other = copy.deepcopy(G)
    streams = random.get_state()
    first = train(G, D, non_saturating, steps)
    random.set_state(streams)
    second = train(other, mirrored, flipped, steps)
    apart = max(abs(p.data - q.data).max() for p, q in zip(G.parameters(), other.parameters()))
    x = Tensor(data.ring8(256, "preview", np.float64))
    return apart, abs((D(x).sigmoid() + mirrored(x).sigmoid() - 1.0).data).max(), (first, second)


def descend(objective, steps: int = 2000, lr: float = 0.5) -> float:
    """D = s(a) after gradient steps on ``objective(a)`` from a = 0."""
    a = Parameter(np.zeros(()))
    optimizer = SGD([a], lr=lr)
    for _ in range(steps):
        optimizer.minimize(objective(a))
    return a.sigmoid().item()


def slide(a, p=0.7, q=0.3):
    """p log D + q log(1 - D), as the slide minimises it."""
    return p * -(-a).exp().log1p() + q * -a.exp().log1p()


def margin_losses(energy, steps: int, m: float = 1.0):
    """E e(x) + E max(0, m - e(G)) during descent on e's two parameters; data N(3, 1), samples N(0, 1)."""
    w, b = Parameter(np.ones(())), Parameter(np.zeros(()))
    optimizer, losses = SGD([w, b], lr=0.05), []
    for _ in range(steps):
        real, fake = (Tensor(mean + random.normal((128,), dtype=np.float64)) for mean in (3.0, 0.0))
        loss = energy(real * w + b).mean() + relu(m - energy(fake * w + b)).mean()
        losses.append(loss.item())
        optimizer.minimize(loss)
    return losses


@entry("T21", "label-flip", title="Flipped labels are the same game; margin losses need a bounded energy",
       paper="Goodfellow et al. 2014; Zhao, Mathieu, LeCun 2016 (EBGAN)", arxiv="1609.03126")
def label_flip(found, seed=0, steps=300):
    apart, mirrored, losses = both_games(steps)
    found.equal(f"largest difference of G's parameters after {steps} steps", apart, 0, 1e-10, route="other labels")
    found.equal("largest |D + D' - 1|", mirrored, 0, 1e-10, route="other labels")
    found.at_most("the slide's formula at p = .7, q = .3: D after descent", descend(slide), 1e-3)
    right = descend(lambda a: 0.7 * bce(a, zeros_like(a)) + 0.3 * bce(a, ones_like(a)))
    found.equal("the cross-entropy instead: D' after descent", right, 0.3, 1e-9, route="q / (p + q)")
    linear, norm = margin_losses(lambda e: e, steps), margin_losses(lambda e: e.abs(), steps)
    found.at_most("margin loss, linear e, last step", linear[-1], -10)
    found.at_least("margin loss, e = |w x + b|, smallest", min(norm), 0)
    found.picture(lambda: draw(losses, linear, norm), "label-flip.png")


def draw(losses, linear, norm):
    """The two games, the two formulas, the two energies."""
    from tinygan.theory.pictures import figure, finish
    made, (games, formulas, margins) = figure(3, title="real = 0, fake = 1")
    games.plot(losses[0], "C0", linewidth=3, alpha=0.4, label="real = 1")
    games.plot(losses[1], "C3", linewidth=1, label="real = 0, D' = 1 - D")
    finish(games, "D's loss in both games", "step", "L_D")
    d = np.linspace(0.002, 0.998, 500)
    formulas.plot(d, 0.7 * np.log(d) + 0.3 * np.log(1 - d), "C3", label="slide: .7 log D + .3 log(1 - D)")
    formulas.plot(d, -0.7 * np.log(1 - d) - 0.3 * np.log(d), "C0", label="right: -.7 log(1 - D) - .3 log D")
    formulas.axvline(0.3, color="k", linestyle=":", linewidth=1, label="q / (p + q) = .3")
    finish(formulas, "What is minimised over D", "D", "")
    margins.plot(linear, "C3", label="e = w x + b")
    margins.plot(norm, "C0", label="e = |w x + b|")
    margins.set_yscale("symlog")
    finish(margins, "Margin loss of D: unbounded unless e >= 0", "step", "L_D")
    return made
