"""Trainings that systems share, and what is measured of them: point sets, and small digits.

"Plain GAN" is the recipe ``gan`` (the non-saturating loss) with the networks, optimiser, batch and number of updates of
what it is compared with.
"""

from __future__ import annotations

import functools
import time

import numpy as np
from results import shared, steps

from tinygan import gans, metrics, random
from tinygan.data import POINTS, Batches, PointBatches, binary, embedded_mnist
from tinygan.train import Play

POINT_STEPS, IMAGE_STEPS = 3000, 6000
ADAM = dict(z_dim=2, lr=1e-3, betas=(0.8, 0.999))  # of point sets, unless the paper has its own: with this momentum
BATCH = 64  # and this batch the plain GAN loses modes, and rates that fall to 0 do not bring them back (CALIBRATION.md)
POINT = dict(batch=BATCH, decay=True, **ADAM)
# Of ring8 where a claim is about keeping modes: with this momentum and constant rates the plain GAN ends with few
LONG = {**POINT, "betas": (0.9, 0.999), "decay": False, "number": 8000}
# Of grid25 where it is to be learnt: with a third hidden layer the plain GAN finds most of the 25 modes
GRID = dict(number=8000, batch=128, z_dim=2, hidden=(128, 128, 128), decay=True)


def game(recipe: str, shape, seed: int, **settings):
    """A GAN with all its randomness from ``seed``; networks of points are z-128-128-2 and 2-128-128-1."""
    random.manual_seed(seed)
    return gans.make(recipe, shape, **settings)


def play(gan, batches, number: int, watch=None, decay: bool = False):
    """Play ``number`` steps, and call ``watch(step)`` after each, from 1; ``decay``: rates fall linearly to 0."""
    run = Play(gan, batches, number)
    rates = [optimizer.lr for _, optimizer in run.seats]
    for step in range(1, number + 1):
        if decay:
            for (_, optimizer), rate in zip(run.seats, rates):
                optimizer.lr = rate * (1 - (step - 1) / number)
        run.step()
        if watch is not None:
            watch(step)
    return run


def distance(samples, data) -> float:
    """Sliced W1 of samples and as many real points, over 200 fixed directions."""
    before = random.get_state()
    real = data(len(samples), "preview")
    random.set_state(before)
    return metrics.sliced_wasserstein(real, samples)


def points_report(sample, data) -> dict:
    """Modes, high-quality share and sliced W1 of 2,500 samples; ``sample(n)`` draws them."""
    samples = sample(2500)
    count = metrics.mode_count(samples, data)
    return {"captured": count.captured, "high_quality": count.high_quality, "w1": distance(samples, data)}


@shared
def points(recipe: str, data: str, seed: int, number: int = POINT_STEPS, batch: int = 256, z_dim: int = 16,
           hidden=(128, 128), decay: bool = False, path_of: int = 1000, **settings) -> dict:
    """Train on a point set; ``w1_path``: sliced W1 of ``path_of`` points along the last fifth; 400 ``samples``.

    Of two draws from ring8 sliced W1 is 0.059 +- 0.021 with 1,000 points each, 0.020 +- 0.006 with 10,000 and
    0.009 +- 0.004 with 40,000: who reads the path asks for enough.
    """
    number, source, path = steps(number), POINTS[data], []
    gan = game(recipe, (2,), seed, z_dim=z_dim, hidden=hidden, **settings)

    def watch(step):
        if step > 0.8 * number and step % max(1, number // 100) == 0:
            path.append(distance(gan.sample(path_of), source))
    play(gan, PointBatches(source, batch), number, watch, decay)
    return {**points_report(gan.sample, source), "w1_path": path,
            "samples": gan.sample(400).astype(float).round(3).tolist()}


def plain_points(data: str, seed: int, **settings) -> dict:
    """The baseline of point sets."""
    return points("gan", data, seed, **{**POINT, **settings})


@functools.cache
def digits_data(size: int = 14, black_and_white: bool = False):
    """(training images, held-out images), float32 in [-1, 1], of the packaged digits."""
    sets = [embedded_mnist(split).resized(size) for split in ("train", "heldout")]
    return tuple((s.mapped(binary) if black_and_white else s).scaled() for s in sets)


def digits_report(images, black_and_white: bool = False) -> dict:
    """What the packaged judge says of 2,000 images: confident share, classes with 3 %, FID_J, and their spread."""
    images = np.clip(images, -1, 1)
    judge, heldout = metrics.judge("digits", images.shape[-1]), digits_data(images.shape[-1], black_and_white)[1]
    probabilities, features = judge.scores(images)
    pairs = features[::2] - features[1::2]
    return {"confident": metrics.confident_share(probabilities), "confidence": float(probabilities.max(1).mean()),
            "classes": metrics.classes_present(probabilities, 0.03), "fid_j": metrics.fid_j(images, heldout, judge),
            "spread": float(np.sqrt((pairs ** 2).sum(1)).mean())}


@shared
def digits(recipe: str, seed: int, number: int = IMAGE_STEPS, size: int = 14, batch: int = 64, head_start: int = 0,
           black_and_white: bool = False, **settings) -> dict:
    """Train on digits; ``head_start``: updates that D alone has before the game; ``wall``: seconds of the training.

    With ``ema`` the samples are those of G's moving average.
    """
    started = time.perf_counter()
    gan = game(recipe, (1, size, size), seed, **settings)
    batches = Batches(digits_data(size, black_and_white)[0], batch)
    first = Play(gan, batches, steps(number))
    player, optimizer = first.seats[0]
    for _ in range(steps(head_start) if head_start else 0):
        optimizer.apply(optimizer.gradients(player.loss(first.draw())))
    for _ in range(steps(number)):
        first.step()
    wall = time.perf_counter() - started
    return {**digits_report(first.sampler().sample(2000), black_and_white), "wall": wall}


MLP = dict(networks="mlp", hidden=(256, 256), lr=1e-3)  # of 14 x 14 digits; calibrated, see CALIBRATION.md


def plain_digits(seed: int, **settings) -> dict:
    """The baseline of digits: a fully connected GAN, whose samples come from the average of G's weights."""
    return digits("gan", seed, **{**MLP, "ema": 0.999, **settings})


@shared
def untrained_digits(seed: int, size: int = 14, **settings) -> dict:
    """What the judge says of an untrained generator."""
    return digits_report(game("gan", (1, size, size), seed, **{**MLP, **settings}).sample(2000))
