"""Training of judges and of other classifiers: cross-entropy, random shifts, and images that belong to no class.

An ordinary classifier is sure that uniform noise is a certain digit (measured: all of it, with confidence > 0.9), so
its confidence says little about samples. Here one more image in ten belongs to no class (noise, greys, pixels in random
order), and the answer to it is "each class alike" (Hendrycks, Mazeika, Dietterich 2018, arXiv:1812.04606, eq. 1 with
weight 0.5). The share of 2,000 images with confidence > 0.9, without and with this: uniform noise 1.000 and 0.000; test
digits 0.984 and 0.986; halves of two digits put together 0.63 and 0.61; digits under noise of standard deviation 0.3
(the range is [-1, 1]) 0.95 and 0.82. So malformed digits are judged about as before, noisy ones more strictly.
"""

from __future__ import annotations

import math

import numpy as np

from tinygan import functional as F
from tinygan import random
from tinygan.data import Batches, scale
from tinygan.metrics.classifier import JudgeNetwork
from tinygan.optim import Adam
from tinygan.tensor import Tensor

OUTLIERS, OUTLIER_WEIGHT = 0.1, 0.5


def shifted(images: np.ndarray, most: int) -> np.ndarray:
    """Every image (N, C, H, W) moved by its own random number of pixels, at most ``most``, along each axis.

    What moves in at the border is -1, the background. The numbers come from the stream "augment".
    """
    n, _, h, w = images.shape
    padded = np.pad(images, ((0, 0), (0, 0), (most, most), (most, most)), constant_values=-1)
    moves = random.integers(0, 2 * most + 1, (2, n), stream="augment")
    rows, columns = np.arange(h) + moves[0][:, None], np.arange(w) + moves[1][:, None]
    each = np.arange(n)[:, None, None]
    # indices on both sides of a slice put the indexed axes in front: (N, H, W, C)
    return np.ascontiguousarray(np.moveaxis(padded[each, :, rows[:, :, None], columns[:, None, :]], -1, 1))


def mirrored(images: np.ndarray) -> np.ndarray:
    """Every image (N, C, H, W), or with probability 1/2 its mirror image; the numbers come from "augment"."""
    turn = random.bernoulli(0.5, (len(images), 1, 1, 1), stream="augment") > 0
    return np.where(turn, images[..., ::-1], images)


def without_class(images: np.ndarray) -> np.ndarray:
    """As many images that belong to no class, like ``images`` (N, C, H, W) in shape, dtype and range.

    In turn: noise, noise in blocks of 4x4 pixels, one grey, and a given image with its pixels in random order. The
    noise has an amplitude and a centre of its own in every image. The numbers come from the stream "augment".
    """
    n, c, h, w = images.shape

    def uniform(*shape):
        return random.uniform(shape, -1.0, 1.0, stream="augment", dtype=images.dtype)
    centre, amplitude = uniform(n, c, 1, 1), np.abs(uniform(n, 1, 1, 1))
    out = np.clip(centre + 2 * amplitude * uniform(n, c, h, w), -1, 1)
    blocks = uniform(len(out[1::4]), c, -(-h // 4), -(-w // 4)).repeat(4, axis=2).repeat(4, axis=3)[:, :, :h, :w]
    out[1::4] = np.clip(centre[1::4] + 2 * amplitude[1::4] * blocks, -1, 1)
    out[2::4] = centre[2::4]
    order = random.permutation(h * w, stream="augment")
    out[3::4] = images[3::4].reshape(-1, c, h * w)[:, :, order].reshape(-1, c, h, w)
    return out


def objective(network: JudgeNetwork, images: np.ndarray, labels: np.ndarray) -> Tensor:
    """Cross-entropy of the labels, plus that of "each class alike" for images without one."""
    n = len(images)
    strangers = without_class(images[:max(1, round(OUTLIERS * n))])
    logits = network(Tensor(np.concatenate([images, strangers])))
    return F.cross_entropy(logits[:n], Tensor(labels)) - F.log_softmax(logits[n:], 1).mean() * OUTLIER_WEIGHT


def train_judge(network: JudgeNetwork, images: np.ndarray, labels: np.ndarray, epochs: int, batch_size: int = 100,
                lr: float = 2e-3, shift: int | None = None, mirror: bool = False, report=None) -> JudgeNetwork:
    """Fit the network to uint8 images (N, C, H, W) and labels (N,) by :func:`objective` with Adam; returns it.

    shift: images are moved by up to so many pixels; None is H // 14, two at 28 x 28. mirror: half of them are mirror
    images. The learning rate falls from ``lr`` to 0 along a cosine. ``report(epoch, loss)`` is called after every
    epoch with the mean of its losses. Draws from the streams "data", "augment" and "dropout".
    """
    shift = images.shape[2] // 14 if shift is None else shift
    optimizer = Adam(network.train().parameters(), lr=lr)
    batches = Batches((images, labels), batch_size)
    steps, step = epochs * len(batches), 0
    for epoch in range(epochs):
        total = 0.0
        for batch, classes in batches:
            optimizer.lr = lr * 0.5 * (1 + math.cos(math.pi * step / steps))
            seen = shifted(scale(batch), shift)
            loss = objective(network, mirrored(seen) if mirror else seen, classes)
            optimizer.minimize(loss)
            total += loss.item()
            step += 1
        if report is not None:
            report(epoch + 1, total / len(batches))
    return network


__all__ = ["mirrored", "objective", "shifted", "train_judge", "without_class"]
