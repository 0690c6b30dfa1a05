"""The duality gap: how far two players are from an equilibrium, when the loss curves do not tell.

    gap(D, G) = max over D' of V(D', G) - min over G' of V(D, G'),   V = E_x log D(x) + E_z log(1 - D(G(z)))
is never negative and 0 at a saddle. Of tables both terms are known: the first is 2 JSD - log 4, the second puts all
mass where D is largest. Of networks both are found by training a copy of one player against the other. The picture: a
GAN trained on ring8, and one that knows a single mode of it, with their gaps.
"""

from __future__ import annotations

import copy

import numpy as np

from tinygan import data, random
from tinygan.autograd import no_grad
from tinygan.data import GaussianMixture
from tinygan.gans import make
from tinygan.losses import minimax, non_saturating
from tinygan.losses.divergences import jensen_shannon
from tinygan.optim import Adam
from tinygan.tensor import Tensor
from tinygan.theory.registry import entry
from tinygan.train import Play


def table_gap(p, q, d) -> float:
    """The gap of distributions p (data) and q (G) and a table d of probabilities, all over the same symbols."""
    return 2 * jensen_shannon(p, q) - np.log(4) - (float(p @ np.log(d)) + float(np.log1p(-d).min()))


def value(D, G, points, n: int = 10_000) -> float:
    """V(D, G) over fresh samples: the negative of D's loss."""
    with no_grad():
        return -minimax.d(D(Tensor(points(n))), D(G(noise(n, G)))).item()


def noise(n: int, G) -> Tensor:
    return Tensor(random.normal((n, G.z_dim)))


def best_d(gan, points, steps: int, lr: float = 1e-3, batch: int = 256):
    """A copy of D after ``steps`` steps of its best response to G."""
    D = copy.deepcopy(gan.D)
    optimizer = Adam(D.parameters(), lr=lr, betas=(0.5, 0.9))
    for _ in range(steps):
        with no_grad():
            fake = gan.G(noise(batch, gan.G))
        optimizer.minimize(minimax.d(D(Tensor(points(batch))), D(fake)))
    return D


def best_g(gan, steps: int, lr: float = 1e-3, batch: int = 256):
    """A copy of G after ``steps`` steps of its best response to D.

    Against a fixed D both losses of G want the largest D(G(z)); the non-saturating one gets there.
    """
    G = copy.deepcopy(gan.G)
    optimizer = Adam(G.parameters(), lr=lr, betas=(0.5, 0.9))
    for _ in range(steps):
        optimizer.minimize(non_saturating.g(gan.D(G(noise(batch, G)))))
    return G


def gap(gan, points, responses: int) -> float:
    """The gap with both best responses trained for ``responses`` steps: each bounds its term from inside."""
    return value(best_d(gan, points, responses), gan.G, points) - value(gan.D, best_g(gan, responses), points)


def trained(steps: int):
    """A GAN with R1 on ring8."""
    gan = make("r1-gan", (2,), networks="mlp", z_dim=2, lr=2e-3, penalty="r1(0.1)", ema=0.0)
    running = Play(gan, data.PointBatches(data.ring8, 64), steps)
    for _ in range(steps):
        running.step()
    return gan


def collapsed(steps: int):
    """The same game with a G that learnt one mode of ring8 alone, and a D that then saw all of them."""
    mode = GaussianMixture("mode 0 of ring8", data.ring8.centers[:1], data.ring8.std)
    gan = make("r1-gan", (2,), networks="mlp", z_dim=2, lr=2e-3, penalty="r1(0.1)", ema=0.0)
    running = Play(gan, data.PointBatches(mode, 64), steps)
    for _ in range(steps):
        running.step()
    gan.D = best_d(gan, data.ring8, steps)
    return gan


@entry("T18", "duality-gap", title="Nash equilibrium and the duality gap", paper="Grnarova et al. 2018",
       arxiv="1811.05512")
def duality_gap(found, seed=0, steps=2400, collapsed_steps=400, responses=300):
    p = random.uniform((8,), 0.1, 1.0, dtype=np.float64)
    p /= p.sum()
    found.equal("cat(8): gap at q = p, D = 1/2", table_gap(p, p, np.full(8, 0.5)), 0, 1e-6)
    others = random.uniform((500, 2, 8), 0.02, 0.98, dtype=np.float64)
    found.at_least("cat(8): smallest gap of 500 random q and D",
                   min(table_gap(p, q / q.sum(), d) for q, d in others), 0)
    good, bad = trained(steps), collapsed(collapsed_steps)
    gaps = {"trained": gap(good, data.ring8, responses), "collapsed": gap(bad, data.ring8, responses)}
    for name, gan in (("trained", good), ("collapsed", bad)):
        found.note(f"ring8, {name}: D's loss", -value(gan.D, gan.G, data.ring8))
        found.note(f"ring8, {name}: gap", gaps[name])
    found.at_least("gap, collapsed / trained", gaps["collapsed"] / gaps["trained"], 5, kind="CAL")
    found.picture(lambda: draw(good, bad, gaps), "duality-gap.png")


def draw(good, bad, gaps):
    """Samples of both GANs on their D, and the gaps."""
    from tinygan.theory.pictures import figure, finish
    made, axes = figure(3, title="Duality gap on ring8", size=(4.4, 3.8))
    side = np.linspace(-3, 3, 121, dtype=np.float32)
    grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    for panel, (name, gan) in zip(axes, (("trained", good), ("collapsed", bad))):
        d = gan.D(Tensor(grid)).sigmoid().numpy().reshape(121, 121)
        shown = panel.contourf(side, side, d, levels=np.linspace(0, 1, 21), cmap="RdBu_r", alpha=0.6)
        panel.scatter(*data.ring8.centers.T, s=60, facecolors="none", edgecolors="k", label="modes of the data")
        panel.scatter(*gan.sample(1000).T, s=3, color="C2", label="samples")
        panel.set(aspect="equal", xlim=(-3, 3), ylim=(-3, 3))
        finish(panel, f"{name}: gap {gaps[name]:.2f}", "x", "y")
    made.colorbar(shown, ax=axes[1], label="D")
    axes[2].bar(list(gaps), list(gaps.values()), color=["C0", "C3"])
    finish(axes[2], "max V(D', G) - min V(D, G')", "", "gap", legend=False)
    return made
