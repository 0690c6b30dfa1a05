"""More steps of D for each of G: D comes nearer to the best D*, and G's gradient to the one through D*.

The game of T15 (G(z) = a z + b, data N(3, 0.5^2)), where D* has the logit log p(x) / q(x) in closed form. For k = 1, 5
and 50 steps of D per step of G, the cosine between G's gradients (in a and b) through D and through D*, both on the
same noise, before every step of G. The picture: the cosines, and the samples' moments, over the steps of G.
"""

from __future__ import annotations

import time

import numpy as np

from tinygan import random
from tinygan.autograd import grad
from tinygan.optim import SGD, Adam
from tinygan.tensor import Tensor
from tinygan.theory.one_dimension import MEAN, REAL, best_logit, game, moments
from tinygan.theory.registry import entry


def cosine(gan, n: int = 2048) -> float:
    """Between the gradients of G's loss through D and through D*, as it is for the present G, held fixed."""
    z, best = Tensor(random.normal((n, 1), "preview")), best_logit(gan)
    through = [np.concatenate([g.numpy().ravel() for g in grad(gan.loss.g(D(gan.G(z))), list(gan.G.parameters()))])
               for D in (gan.D, best)]
    return float(through[0] @ through[1] / (np.linalg.norm(through[0]) * np.linalg.norm(through[1]) + 1e-30))


def play(k: int, steps: int, batch: int = 512):
    """(cosines before every step of G (steps,), moments after it (steps, 2), seconds) with k steps of D each."""
    gan = game(penalty="none")
    d_opt, g_opt = Adam(gan.D.parameters(), lr=3e-2, betas=(0.5, 0.9)), SGD(gan.G.parameters(), lr=0.01)
    cosines, path, start = [], [], time.monotonic()
    for _ in range(steps):
        for _ in range(k):
            d_opt.minimize(gan.d_loss(Tensor(REAL(batch))))
        cosines.append(cosine(gan))
        g_opt.minimize(gan.g_loss(batch))
        path.append(moments(gan))
    return np.array(cosines), np.array(path), time.monotonic() - start


@entry("T20", "discriminator-steps", title="k discriminator steps, and a full optimiser pass for D",
       paper="Goodfellow et al. 2014, Algorithm 1", arxiv="1406.2661")
def discriminator_steps(found, seed=0, steps=160, ks=(1, 5, 50)):
    runs = {k: play(k, steps) for k in ks}
    means = {k: cosines.mean() for k, (cosines, _, _) in runs.items()}
    for k, (_, path, seconds) in runs.items():
        found.note(f"k = {k}: mean cosine with the gradient through D*", means[k])
        found.note(f"k = {k}: seconds, and |mean - {MEAN:g}| after {steps} steps of G",
                   f"{seconds:.2f} s, {abs(path[-1, 0] - MEAN):.3f}")
    for few, many in zip(ks, ks[1:]):
        found.at_least(f"cosine at k = {many} less that at k = {few}", means[many] - means[few], 0, kind="CAL")
    found.at_least(f"mean cosine at k = {ks[-1]}", means[ks[-1]], 0.99, kind="CAL")
    found.picture(lambda: draw(runs), "discriminator-steps.png")


def draw(runs):
    """Cosines and moments over the steps of G, one colour for each k."""
    from tinygan.theory.pictures import figure, finish
    made, (cosines, means, stds) = figure(3, title="k discriminator steps for each generator step")
    for colour, (k, (values, path, seconds)) in enumerate(runs.items()):
        cosines.plot(values, f"C{colour}", label=f"k = {k} ({seconds:.1f} s)", linewidth=1)
        means.plot(path[:, 0], f"C{colour}", label=f"k = {k}")
        stds.plot(path[:, 1], f"C{colour}", label=f"k = {k}")
    means.axhline(MEAN, color="k", linestyle=":", linewidth=1)
    stds.axhline(0.5, color="k", linestyle=":", linewidth=1)
    finish(cosines, "Cosine of G's gradients through D and D*", "step of G", "cosine")
    finish(means, "Mean of the samples (data: 3)", "step of G", "mean")
    finish(stds, "Their standard deviation (data: 0.5)", "step of G", "std")
    return made
