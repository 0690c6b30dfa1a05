"""'Robust to overfitting, for G never sees the training data': false; its gradient has come through D, which does.

The best G for n training points, with unlimited networks, is the distribution on these points. A plain GAN is trained
on n = 32 and on n = 10,000 points of two moons, with a D of three layers of 256. The ratio rho compares the mean
distance of a sample to its nearest training point with that to the nearest of as many fresh points: 1 when the
training points are nothing special, small when they were learnt by heart. The picture: samples and training points.
"""

from __future__ import annotations

import numpy as np

from tinygan import data
from tinygan.data import GaussianMixture
from tinygan.gans.base import GAN
from tinygan.losses.divergences import jensen_shannon
from tinygan.models import MLPDiscriminator, MLPGenerator
from tinygan.theory.registry import entry
from tinygan.train import Play

MOONS = data.moons()


def play(train, steps: int, batch: int = 32):
    """The plain GAN after ``steps`` steps on batches drawn, with replacement, from the points ``train`` (n, 2)."""
    gan = GAN(MLPGenerator(2, (2,), (128, 128)), MLPDiscriminator((2,), (256, 256, 256)), lr=5e-4)
    exact = GaussianMixture(f"{len(train)} points", train, 0.0)  # the distribution on the training points
    running = Play(gan, data.PointBatches(exact, batch), steps)
    for _ in range(steps):
        running.step()
    return gan


def nearest(samples, points) -> float:
    """The mean distance of a sample to the nearest of ``points``."""
    parts = [np.linalg.norm(part[:, None] - points, axis=2).min(axis=1) for part in np.array_split(samples, 20)]
    return float(np.concatenate(parts).mean())


def ratio(samples, train, sets: int) -> float:
    """rho: the distance to the training points over that to equally many fresh points, the mean of several sets."""
    fresh = np.mean([nearest(samples, MOONS(len(train), "preview")) for _ in range(sets)])
    return nearest(samples, train) / float(fresh)


def best_table(n: int, symbols: int) -> np.ndarray:
    """JSD between the distribution on n of the symbols and the mixtures (1 - w) of it with w of the uniform one.

    Where D is the best table, it is what G minimises (up to 2 and log 4): the least is at w = 0, on the training set.
    """
    empirical = np.repeat([1 / n, 0.0], [n, symbols - n])
    return np.array([jensen_shannon(empirical, (1 - w) * empirical + w / symbols) for w in np.linspace(0, 1, 21)])


@entry("T23", "overfitting-claim", title="Is a GAN robust to overfitting because G never sees the data?",
       paper="Goodfellow et al. 2014, theorem 1, for the empirical distribution", arxiv="1406.2661")
def overfitting_claim(found, seed=0, steps=4000, large=10_000):
    values = best_table(8, 64)
    found.equal("tables: JSD to 8 training symbols, least over mixtures", values.min(), values[0], 0,
                route="all mass on them")
    shown = {}
    for n, sets in ((large, 1), (32, 20)):
        train = MOONS(n)
        samples = play(train, steps).sample(2000)
        rho = ratio(samples, train, sets)
        shown[n] = train, samples, rho
        if n == 32:
            found.at_most(f"n = {n}: rho", rho, 0.6, kind="CAL")
        else:
            found.within(f"n = {n:,}: rho", rho, 0.9, 1.1, kind="CAL")
        found.note(f"n = {n:,}: mean distance to the nearest training point", nearest(samples, train))
    found.picture(lambda: draw(shown), "overfitting-claim.png")


def draw(shown):
    """Samples over the training points, for each size of the training set."""
    from tinygan.theory.pictures import figure, finish
    made, axes = figure(3, title="A plain GAN on n points of two moons", size=(4.6, 3.8))
    for panel, (n, (train, samples, rho)) in zip(axes, shown.items()):
        panel.scatter(*train[:2000].T, s=4 if n > 1000 else 40, color="C3", alpha=0.3 if n > 1000 else 1,
                      label=f"{n:,} training points")
        panel.scatter(*samples.T, s=2, color="C0", alpha=0.5, label="samples")
        panel.set(xlim=(-1.8, 2.8), ylim=(-1.2, 1.8))
        finish(panel, f"n = {n:,}: rho = {rho:.2f}", "x", "y")
    axes[2].bar([f"n = {n:,}" for n in shown], [rho for _, _, rho in shown.values()], color=["C0", "C3"])
    axes[2].axhline(1, color="k", linestyle=":", label="no memory of the training points")
    finish(axes[2], "Distance to training points / to fresh points", "", "rho")
    return made
