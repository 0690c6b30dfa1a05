"""Explicit densities, and a sampler without one: the models that generative modelling can choose from.

    Gaussian          log N(x; mu, S), maximum likelihood in closed form: the mean and covariance of the data
    flow              log p(x) = log N(f(x); 0, I) + log |det df/dx|, f four affine couplings
    autoregressive    log p(x) = log p(x_1) + log p(x_2 | x_1), here on a histogram of 32 x 32 cells
    Boltzmann         p(v) = e^(-F(v)) / Z: trained by CD-1, <v h>_data - <v h>_1, without knowing Z; on 4 x 4 bits Z
                      is the sum over all 2^16 states (or over all 2^8 hidden ones)
    GAN               a sampler: no log p(x) at all, which is why its quality has to be measured on samples

The picture shows the densities that the first three find for two moons, samples of a GAN, and the RBM's samples of bars
and stripes with KL(data || model) over its training.
"""

import numpy as np

from tinygan import gans, models
from tinygan.autograd import no_grad
from tinygan.data import PointBatches, moons
from tinygan.optim import SGD
from tinygan.tensor import Tensor
from tinygan.theory.density_fits import (CELLS, HIGH, LOW, bars_and_stripes, counted, fit_flow, fit_gaussian, fit_table,
                                         one_hot)
from tinygan.theory.pictures import figure, finish
from tinygan.theory.registry import entry
from tinygan.train import Play


def train_rbm(steps: int, hidden: int = 8, every: int = 100):
    """(RBM, [(step, KL(data || model))]) on bars and stripes by CD-1, all 30 patterns in every batch, ten times."""
    patterns = Tensor(bars_and_stripes())
    batch, rbm = Tensor(np.tile(patterns.data, (10, 1))), models.RBM(16, hidden)
    optimizer, path = SGD(rbm.parameters(), lr=0.1), []
    for step in range(steps + 1):
        if step % every == 0:
            with no_grad():
                # the data are uniform: KL = -log 30 - mean log p(v), log p = -F - log Z
                path.append((step, float(rbm.free_energy(patterns).mean()) + rbm.log_partition() - np.log(30)))
        optimizer.minimize(rbm.contrastive_divergence(batch))
    return rbm, path


def grid(low, high, cells: int):
    """(centres (cells^2, 2), first coordinate slowest; the area of a cell)."""
    sides = [lo + (hi - lo) * (np.arange(cells) + 0.5) / cells for lo, hi in zip(low, high)]
    area = float(np.prod((np.array(high) - low) / cells))
    return np.stack(np.meshgrid(*sides, indexing="ij"), -1).reshape(-1, 2).astype(np.float32), area


def train_gan(steps: int):
    """1,000 samples of a GAN with R1 on the moons."""
    gan = gans.make("r1-gan", shape=(2,), hidden=(64, 64), z_dim=2, penalty="r1(0.1)", lr=2e-3)
    running = Play(gan, PointBatches(moons(), 128), steps)
    for _ in range(steps):
        running.step()
    return gan.sample(1000)


def draw(data, densities, samples, rbm, path):
    """Data, three densities, a GAN's samples, the RBM."""
    made, axes = figure(3, 2, "Models with a density, and a GAN", size=(4.4, 3.6))
    axes[0].scatter(*data[:1000].T, s=3, label="data")
    finish(axes[0], "Two moons", "x1", "x2")
    centres, _ = grid(LOW, HIGH, 160)
    for panel, (name, log_prob) in zip(axes[1:4], densities.items()):
        with no_grad():
            density = np.exp(log_prob(centres).numpy()).reshape(160, 160).T
        shown = panel.imshow(density, origin="lower", extent=(LOW[0], HIGH[0], LOW[1], HIGH[1]), aspect="auto",
                             cmap="viridis", vmin=0)
        made.colorbar(shown, ax=panel, label="p(x)")
        finish(panel, name, "x1", "x2", legend=False)
        panel.grid(False)
    axes[4].scatter(*samples.T, s=3, color="C1", label="samples; no density to show")
    finish(axes[4], "GAN: a sampler", "x1", "x2")
    axes[5].plot(*np.array(path).T, label="KL(data || model), Z by enumeration")
    axes[5].set_ylim(0, 12)  # room for the samples
    finish(axes[5], "RBM, 8 hidden units: bars and stripes by CD-1", "step", "nats")
    v = Tensor(np.tile(bars_and_stripes(), (2, 1))[:24])
    for _ in range(100):
        v = rbm.gibbs(v, "preview")
    sheet = np.pad(v.numpy().reshape(3, 8, 4, 4), ((0, 0), (0, 0), (0, 1), (0, 1)), constant_values=0.5)
    inset = axes[5].inset_axes([0.3, 0.58, 0.68, 0.32])
    inset.imshow(sheet.transpose(0, 2, 1, 3).reshape(15, 40), cmap="gray_r", vmin=0, vmax=1)
    inset.set(xticks=[], yticks=[])
    inset.set_xlabel("samples of the RBM", fontsize=8)
    for panel in (axes[0], axes[4]):
        panel.set(xlim=(LOW[0], HIGH[0]), ylim=(LOW[1], HIGH[1]))
    return made


@entry("T01", "densities", title="Models with an explicit density, and a sampler without one",
       paper="Goodfellow 2016, section 2.3", arxiv="1701.00160")
def densities(found, seed=0, steps=1500, rbm_steps=3000):
    data, fresh = moons()(10_000), moons()(10_000)
    mean, covariance, gaussian = fit_gaussian(data[:2000])
    true = data[:2000].astype(np.float64)
    found.at_most("Gaussian: largest error of mean and covariance", max(
        abs(mean - true.mean(0)).max(), abs(covariance - np.cov(true.T, ddof=0)).max()), 1e-6, route="closed form")
    flow, table = fit_flow(steps), fit_table(data, steps)
    centres, area = grid((-8, -8), (9, 9), 500)
    with no_grad():
        total = np.exp(flow.log_prob(Tensor(centres)).numpy(), dtype=np.float64).sum() * area
        found.equal("flow: integral of p over a grid", total, 1, 0.01, route="sum over cells")
        everything, size = grid(LOW, HIGH, CELLS)
        found.equal("autoregressive: sum of p over all cells",
                    np.exp(table.log_prob(one_hot(everything)).numpy()).sum(), 1, 0.01, route="sum over cells")
        found.equal("autoregressive: mean log p of the data", table.log_prob(one_hot(data)).numpy().mean(),
                    counted(data), 0.05, route="counts", kind="CAL")
        densities = {"Gaussian": gaussian, "RealNVP, 4 couplings": lambda x: flow.log_prob(Tensor(x)),
                     "Autoregressive, 32 x 32 cells": lambda x: table.log_prob(one_hot(x)) - float(np.log(size))}
        for name, log_prob in densities.items():
            found.note(f"{name}: mean log p of fresh points", log_prob(fresh).numpy().mean())
    rbm, path = train_rbm(rbm_steps)
    found.equal("RBM: log Z over 2^16 states", rbm.log_partition(), rbm.log_partition("hidden"), 1e-9,
                route="sum over 2^8 hidden")
    found.note("RBM: KL(data || model) before", path[0][1])
    found.at_most("RBM: KL(data || model) after / before", path[-1][1] / path[0][1], 0.5, kind="CAL")
    found.equal("GAN: has log_prob", hasattr(gans.GAN, "log_prob"), False, 0, route="the class")
    found.picture(lambda: draw(data, densities, train_gan(2 * steps), rbm, path), "densities.png")
