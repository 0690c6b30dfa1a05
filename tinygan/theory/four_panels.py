"""The four-panel picture of the first paper: a GAN on the line whose discriminator ends at D = 1/2.

Data N(3, 0.5^2), G(z) = a z + b from N(0, 1), the non-saturating loss with R1 (gamma = 0.1), simultaneous gradient
steps. At the equilibrium both densities are equal and D is 1/2 on them: it is fooled half of the time. The picture:
densities, D and the best D* = p / (p + q) at four times; the moments with and without R1.
"""

from __future__ import annotations

import numpy as np

from tinygan import data
from tinygan.tensor import Tensor
from tinygan.theory.one_dimension import MEAN, REAL, STD, game, moments, normal_density
from tinygan.theory.registry import entry
from tinygan.train import Play

GRID = np.linspace(-3, 6, 361, dtype=np.float32)


def play(penalty: str, steps: int, frames=(), batch: int = 256):
    """(gan, moments after every step (steps, 2), {step: (moments, D on GRID)} for the steps in ``frames``)."""
    gan = game(penalty=penalty, optimizer="sgd", lr=0.3, simultaneous=True)
    running = Play(gan, data.PointBatches(REAL, batch), steps)
    path, kept = [], {}
    for step in range(steps):
        if step in frames:
            kept[step] = moments(gan), probability(gan, GRID)
        running.step()
        path.append(moments(gan))
    if steps in frames:
        kept[steps] = moments(gan), probability(gan, GRID)
    return gan, np.array(path), kept


def probability(gan, x) -> np.ndarray:
    """D(x) of points (N,) or (N, 1)."""
    return gan.D(Tensor(np.reshape(x, (-1, 1)))).sigmoid().numpy()


@entry("T15", "four-panels", title="A GAN on the line until D = 1/2", paper="Goodfellow et al. 2014, figure 1",
       arxiv="1406.2661")
def four_panels(found, seed=0, steps=3000):
    frames = (0, steps // 100, steps // 20, steps)
    gan, path, kept = play("r1(0.1)", steps, frames)
    other, plain, _ = play("none", steps)
    mean, std = moments(gan)
    found.equal("mean of the samples", mean, MEAN, 0.1, route="data", kind="CAL")
    found.equal("standard deviation of the samples", std, STD, 0.1, route="data", kind="CAL")
    found.at_most("mean |D - 1/2| on the data", abs(probability(gan, REAL(10_000)) - 0.5).mean(), 0.05, kind="CAL")
    late = min(1000, steps // 2)
    found.note(f"with R1: std of the mean over the last {late} steps", path[-late:, 0].std())
    found.note("without R1: the same", plain[-late:, 0].std())
    # the width of the data is instance noise to a linear D, so the plain game is damped here too, unlike T17's
    found.at_least("without R1 / with R1", plain[-late:, 0].std() / path[-late:, 0].std(), 3, kind="CAL")
    found.picture(lambda: draw(kept, path, plain), "four-panels.png")


def draw(kept, path, plain):
    """Four frames, and the moments over the steps."""
    from tinygan.theory.pictures import figure, finish
    made, axes = figure(3, 2, "Non-saturating GAN with R1 on N(3, 0.5^2)", size=(4.4, 3.3))
    real = normal_density(GRID, MEAN, STD)
    for panel, (step, ((mean, std), d)) in zip(axes, kept.items()):
        fake = normal_density(GRID, mean, max(std, 1e-3))
        panel.fill_between(GRID, real, color="0.75", label="data p")
        panel.plot(GRID, fake, "C2", label="samples q")
        panel.plot(GRID, d, "C0", label="D")
        panel.plot(GRID, real / (real + fake + 1e-30), "C0:", label="D* = p / (p + q)")
        panel.set_ylim(0, 1.1)
        finish(panel, f"Step {step}", "x")
    for panel, column, name, true in ((axes[4], 0, "mean", MEAN), (axes[5], 1, "standard deviation", STD)):
        panel.plot(plain[:, column], "C3", linewidth=0.7, label="without R1")
        panel.plot(path[:, column], "C2", linewidth=0.7, label="with R1")
        panel.axhline(true, color="k", linestyle=":", linewidth=1, label="data")
        finish(panel, f"The samples' {name}", "step")
    return made
