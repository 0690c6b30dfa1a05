"""A pixel loss averages the possible futures, an adversarial loss commits to one.

Films whose last frame is left or right with probability 1/2 (tinygan.data.movies.forks). The least mean square error
belongs to E[y | x], which is half of both and looks like neither. The same network, with the last frame of the past and
noise as its input, then goes on with the non-saturating loss (and R1 on D): D has never seen the mean of both futures,
so G learns to draw one, and its noise says which. Measured on digits that no network has seen. The picture: the past,
both futures, what the pixel loss predicts, and two draws of the GAN.
"""

from __future__ import annotations

import copy

import numpy as np

from tinygan import data, random
from tinygan import functional as F
from tinygan.autograd import no_grad
from tinygan.data.movies import forks
from tinygan.losses import non_saturating, r1
from tinygan.models import MLPDiscriminator, MLPGenerator
from tinygan.optim import Adam
from tinygan.tensor import Tensor
from tinygan.theory.registry import entry

PIXELS, Z = 256, 8


def batch(digits, n: int, stream: str = "data"):
    """(last frame of the past (n, 256), next frame (n, 256), both futures (n, 2, 256)) of n films."""
    films, futures = forks(digits, n, stream)
    return films[:, 4].reshape(n, PIXELS), films[:, 5].reshape(n, PIXELS), futures.reshape(n, 2, PIXELS)


def drawn(G, past: Tensor) -> Tensor:
    """One draw of the next frame for each past."""
    return G(F.cat([past, Tensor(random.normal((len(past), Z)))], 1))


def predictor(digits, steps: int, size: int = 64):
    """G(past, z) trained on the mean square error of the next frame, which makes it ignore z."""
    G = MLPGenerator(PIXELS + Z, (PIXELS,), (256, 256))
    optimizer = Adam(G.parameters(), lr=1e-3)
    for step in range(steps):
        optimizer.lr = 1e-3 * min(1.0, 2 * (1 - step / steps))  # the coin of the last batches must not matter
        past, following, _ = batch(digits, size)
        optimizer.minimize(F.mse_loss(drawn(G, Tensor(past)), Tensor(following)))
    return G


def adversary(G, digits, steps: int, size: int = 64):
    """A copy of G trained by the non-saturating loss with R1 against a D of (past, next frame)."""
    G, D, penalty = copy.deepcopy(G), MLPDiscriminator((2 * PIXELS,), (256, 256)), r1(0.3)
    g_opt, d_opt = (Adam(network.parameters(), lr=7e-4, betas=(0.0, 0.99)) for network in (G, D))
    for _ in range(steps):
        past, following = map(Tensor, batch(digits, size)[:2])
        next_frame = drawn(G, past)
        real, fake = F.cat([past, following], 1), F.cat([past, next_frame.detach()], 1)
        d_opt.minimize(non_saturating.d(D(real), D(fake)) + penalty(D, real, fake))
        g_opt.minimize(non_saturating.g(D(F.cat([past, next_frame], 1))))
    return G


def commitment(frames, futures):
    """(share of frames nearer to one of the futures than to their mean, share of these that are left)."""
    mean = futures.mean(1)
    to_futures = np.linalg.norm(frames[:, None] - futures, axis=2)
    commits = to_futures.min(1) < np.linalg.norm(frames - mean, axis=1)
    left = to_futures.argmin(1)[commits] == 0
    return float(commits.mean()), float(left.mean()) if len(left) else 0.0


@entry("T24", "pixel-loss", title="A pixel loss averages, an adversarial loss commits",
       paper="Lotter, Kreiman, Cox 2015", arxiv="1511.06380")
def pixel_loss(found, seed=0, steps=1800, pixel_steps=600):
    digits, held_out = data.embedded_mnist("train"), data.embedded_mnist("test")
    network = predictor(digits, pixel_steps)
    G = adversary(network, digits, steps)
    past, _, futures = batch(held_out, 1000, "preview")
    with no_grad():
        predicted, first, second = (drawn(net, Tensor(past)).numpy() for net in (network, G, G))
    error = float(np.sqrt(((predicted - futures.mean(1)) ** 2).mean()))
    found.at_most("pixel loss: RMS distance to the mean of both futures", error, 0.05, kind="CAL")
    apart = float(np.sqrt(((futures[:, 0] - futures.mean(1)) ** 2).mean()))
    found.note("RMS distance of either future to that mean", apart)
    found.note("pixel loss: share nearer to a future than to the mean", commitment(predicted, futures)[0])
    share, left = commitment(first, futures)
    found.at_least("GAN: share nearer to a future than to the mean", share, 0.95, kind="CAL")
    found.at_least("GAN: share of the rarer future", min(left, 1 - left), 0.2, kind="CAL")
    found.picture(lambda: draw(past, futures, predicted, first, second), "pixel-loss.png")


def draw(past, futures, predicted, first, second, shown=5):
    """A row for each film: its last past frame, both futures, the prediction, two draws."""
    from tinygan.theory.pictures import figure
    made, axes = figure(6, shown, "The next frame is left or right: what a pixel loss and a GAN make of it", (1.5, 1.5))
    columns = {"past": past, "left future": futures[:, 0], "right future": futures[:, 1],
               "pixel loss": predicted, "GAN": first, "GAN again": second}
    for k in range(shown):
        for panel, (name, frames) in zip(axes[6 * k:6 * k + 6], columns.items()):
            panel.imshow(frames[k].reshape(16, 16), cmap="gray", vmin=0, vmax=1)
            panel.set(xticks=[], yticks=[], title=name if k == 0 else "")
    return made
