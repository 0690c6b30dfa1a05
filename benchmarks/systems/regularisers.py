"""Regularisers and normalisation: what each is said to do, in small. Entries R01 to R20 that are claims on trainings.

What is an identity (a gradient, a norm, a variance) is a test in tests/ instead; here are the figures that need a
training, beside the baseline that should miss them.
"""

from __future__ import annotations

import time

import numpy as np
from results import shared, steps
from system import system
from trainings import (ADAM, BATCH, GRID, LONG, MLP, POINT_STEPS, digits_data, digits_report, game, plain_points, play,
                       points, points_report)

from tinygan import gans, losses, metrics, models, nn, random
from tinygan.autograd import grad, no_grad
from tinygan.backend import to_numpy
from tinygan.data import POINTS, Batches, PointBatches, embedded_mnist, gauss1, lines
from tinygan.functional import cat, one_hot
from tinygan.gans.base import clip_weights
from tinygan.losses import divergences, gradient_norm
from tinygan.optim import Adam, RMSprop, clip_grad_norm
from tinygan.tensor import Tensor
from tinygan.theory.fitting import mean_gap

REAL, FAKE = gauss1(0, 1), gauss1(1, 2)  # two Gaussians on the line whose W1 is 1.1666


def critic(constraint: str, number: int, limit: float = 0.0):
    """A critic between the two Gaussians, 1-64-64-1, under "clip" (of weights), "gp" or "gradient" (clipping)."""
    D = models.MLPDiscriminator((1,), (64, 64))
    optimizer = RMSprop(D.parameters(), 1e-3) if constraint == "clip" else Adam(D.parameters(), 1e-3, (0.0, 0.9))
    for _ in range(number):
        x, y = Tensor(REAL(256)), Tensor(FAKE(256))
        loss = losses.wasserstein.d(D(x), D(y)) + (losses.gp(10)(D, x, y) if constraint == "gp" else 0.0)
        gradients = optimizer.gradients(loss)
        optimizer.apply(clip_grad_norm(gradients, limit) if constraint == "gradient" else gradients)
        if constraint == "clip":
            clip_weights(D, limit)
    return D


def weights_of(D) -> np.ndarray:
    return np.concatenate([to_numpy(p.data).ravel() for p in D.parameters()])


def between(n: int) -> Tensor:
    """Points on segments between pairs of samples."""
    share = random.uniform((n, 1), stream="preview")
    return Tensor(share * REAL(n, "preview") + (1 - share) * FAKE(n, "preview"))


def true_w1() -> float:
    return divergences.wasserstein_1d(REAL(200_000, "preview")[:, 0], FAKE(200_000, "preview")[:, 0])


@system("R01", "Weight clipping: weights at the edge of their box, estimates that depend on the box", minutes=0.2)
def clipping(found, seed, number=2000):
    clipped = {c: critic("clip", steps(number), c) for c in (0.01, 0.1, 1.0)}
    found.at_most("largest |w| / c, c = 0.1", abs(weights_of(clipped[0.1])).max() / np.float32(0.1), 1)
    found.at_least("share of weights at +-c, c = 0.01", at_edge(weights_of(clipped[0.01]), 0.01), 0.6)
    penalised = weights_of(critic("gp", steps(number)))
    found.at_most("with GP: share within 1 % of the largest |w|", at_edge(penalised, abs(penalised).max()), 0.1)
    gaps = [abs(mean_gap(D, REAL, FAKE)) for D in clipped.values()]
    found.at_least("estimate at c = 1 / at c = 0.01", gaps[-1] / gaps[0], 100, "CAL")


def at_edge(w, limit) -> float:
    return float((abs(w) >= 0.99 * limit).mean())


@system("R02", "Gradient penalty: slopes between the samples", minutes=0.1)
def gradient_penalty(found, seed, number=2000):
    D = critic("gp", steps(number))
    found.within("mean |grad f| on segments", float(gradient_norm(D, between(5000)).numpy().mean()), 0.9, 1.1, "CAL")
    found.note("estimate / true W1", mean_gap(D, REAL, FAKE) / true_w1())


def settling(seed: int, penalty: str) -> dict:
    """A training on ring8, with the mean and the standard deviation of sliced W1 along its last fifth."""
    trained = points("gan", "ring8", seed, penalty=penalty, path_of=40_000, **LONG)
    return {**trained, "w1": float(np.mean(trained["w1_path"])), "wobble": float(np.std(trained["w1_path"]))}


@system("R03", "R1 on ring8: all modes, and a distance that settles", first=20, minutes=1.1)
def zero_centred(found, seed):
    plain, trained = settling(seed, "none"), settling(seed, "r1(0.1)")
    found.at_least("modes of 8", trained["captured"], 8, "CAL")
    found.at_most("sliced W1 in the last fifth: std / the plain GAN's", trained["wobble"] / plain["wobble"], 1 / 3,
                  "CAL")
    found.note("plain GAN: modes of 8", plain["captured"])


@shared
def steepest_slope(seed: int, d_norm: str | None, number: int = 2000) -> dict:
    """Hinge GAN on digits: the largest |D(x) - D(y)| / |x - y| over 10,000 pairs."""
    gan = game("hinge-gan", (1, 14, 14), seed, d_norm=d_norm, **MLP)
    play(gan, Batches(digits_data()[0], 64), steps(number))
    gan.D.eval()
    x, y = [random.uniform((10_000, 1, 14, 14), -1, 1, "preview") for _ in range(2)]
    near = (y - x) * random.uniform((10_000, 1, 1, 1), stream="preview") * 0.1 + x
    with no_grad():
        rise = abs(gan.D(Tensor(x)).numpy() - gan.D(Tensor(near)).numpy())
    return {"slope": float((rise / np.sqrt(((x - near) ** 2).sum((1, 2, 3)))).max())}


@system("R04", "Spectral norm bounds the slope of a fully connected D", seeds=3, minutes=0.4)
def spectral(found, seed):
    found.at_most("largest slope over 10,000 pairs", steepest_slope(seed, "spectral")["slope"], 1.02)
    found.note("without it", steepest_slope(seed, None)["slope"])


@shared
def conv_digits(seed: int, g_norm: str | None, d_norm: str | None = "spectral", number: int = 1500,
                recipe: str = "hinge-gan", size: int = 16, **settings) -> dict:
    """A small DCGAN on 16 x 16 digits, with the largest singular value of G's layers."""
    gan = game(recipe, (1, size, size), seed, networks="dcgan", channels=16, g_norm=g_norm, d_norm=d_norm, **settings)
    play(gan, Batches(digits_data(size)[0], 64), steps(number))
    gan.G.eval()
    sigmas = [np.linalg.norm(np.moveaxis(m.weight.numpy(), 1, 0).reshape(m.weight.shape[1], -1), 2)
              for m in gan.G.modules() if isinstance(m, nn.ConvTranspose2d)]
    return {**digits_report(gan.sample(2000)), "sigma": float(max(sigmas))}


@system("R05", "Spectral norm in G as well, one update of D for one of G", seeds=2, minutes=2)
def spectral_in_both(found, seed):
    both, one = [conv_digits(seed, g_norm, lr=5e-4) for g_norm in ("batch+spectral", "batch")]
    found.at_most("largest singular value of G's layers", both["sigma"], 1.05, "CAL")
    found.note("without it in G", one["sigma"])
    found.at_most("FID_J / that without it in G", both["fid_j"] / one["fid_j"], 1, "CAL")


@shared
def separated_lines(seed: int, sigma: float, number: int = 2000) -> dict:
    """D of the minimax game between the lines at 0 and 0.5: the gradient that it gives, and its estimate of JSD."""
    random.manual_seed(seed)
    D, real, fake = models.MLPDiscriminator((2,), (128, 128)), lines(0.0), lines(0.5)
    blurred = nn.Sequential(nn.Noise(sigma), D)
    optimizer = Adam(D.parameters(), 1e-3)
    for _ in range(steps(number)):
        optimizer.minimize(losses.minimax.d(blurred(Tensor(real(256))), blurred(Tensor(fake(256)))))
    x, y = Tensor(real(5000, "preview")), Tensor(fake(5000, "preview"), requires_grad=True)
    (slope,) = grad(losses.minimax.g(blurred(y)) * float(len(y)), y)
    with no_grad():
        jsd = np.log(2) - 0.5 * losses.minimax.d(blurred(x), blurred(y)).item()
    return {"gradient": float(np.sqrt((slope.numpy() ** 2).sum(1)).mean()), "jsd": jsd}


@system("R06", "Instance noise: a gradient where the supports do not meet", minutes=0.2)
def instance_noise(found, seed):
    noisy, bare = separated_lines(seed, 0.5), separated_lines(seed, 0.0)
    found.at_least("mean gradient of G's samples, sigma = 0.5", noisy["gradient"], 1e-2)
    found.at_most("without noise", bare["gradient"], 1e-3)
    found.at_most("estimate of JSD, sigma = 0.5", noisy["jsd"], np.log(2) - 0.1)


@shared
def largest_belief(seed: int, loss: str, number: int = POINT_STEPS) -> dict:
    """The largest mean of D(x) over real batches in the second half of a training on ring8."""
    gan, beliefs, source = game("gan", (2,), seed, loss=loss, **ADAM), [], POINTS["ring8"]
    number = steps(number)

    def watch(step):
        if step > number // 2 and step % 10 == 0:
            with no_grad():
                beliefs.append(float(gan.D(Tensor(source(256, "preview"))).sigmoid().mean()))
    play(gan, PointBatches(source, BATCH), number, watch, decay=True)
    return {"belief": max(beliefs, default=0.0), **points_report(gan.sample, source)}


@system("R07", "One-sided label smoothing caps what D believes", minutes=1)
def smoothing(found, seed):
    smooth = largest_belief(seed, "non_saturating_smoothed")
    found.at_most("largest mean D(real), targets 0.9", smooth["belief"], 0.92, "CAL")
    found.note("targets 1", largest_belief(seed, "non_saturating")["belief"])


class BatchAware(nn.Module):
    """2-128-128-1 with mini-batch discrimination before the last layer."""

    def __init__(self):
        super().__init__()
        self.body = models.MLPDiscriminator((2,), (128, 128)).body
        self.batch, self.last = nn.MinibatchDiscrimination(128, 16, 8), nn.Linear(144, 1)

    def forward(self, x):
        return self.last(self.batch(self.body(x))).reshape(-1)


@shared
def batch_aware(seed: int, data: str = "grid25", number: int = POINT_STEPS) -> dict:
    """A GAN whose D sees how close the samples of a batch are."""
    random.manual_seed(seed)
    gan = gans.GAN(models.MLPGenerator(ADAM["z_dim"], (2,)), BatchAware(), **ADAM)
    play(gan, PointBatches(POINTS[data], BATCH), steps(number), decay=True)
    return points_report(gan.sample, POINTS[data])


@system("R09", "Mini-batch discrimination on grid25", minutes=1.2)
def minibatch(found, seed):
    plain = plain_points("grid25", seed)["captured"]
    captured = batch_aware(seed)["captured"]
    found.at_least("modes of 25 more than the plain GAN", captured - plain, 3, "CAL")
    found.note("modes of 25", captured)


@system("R11", "Batch norm in DCGAN", seeds=2, minutes=1.5)
def batch_norm(found, seed):
    settings = dict(recipe="dcgan")
    with_it, without = conv_digits(seed, "batch", "batch", **settings), conv_digits(seed, None, None, **settings)
    found.at_least("FID_J without batch norm / with it", without["fid_j"] / with_it["fid_j"], 1.3, "CAL")


class ByNorms(nn.Module):
    """z (N, 64), labels (N,) -> digits (N, 1, 14, 14): the label enters through conditional batch norms alone."""

    z_dim = 64

    def __init__(self, width: int = 256, code: int = 16):
        super().__init__()
        self.code = nn.Embedding(10, code)  # shared by both norms, as in BigGAN
        self.first, self.second = nn.Linear(self.z_dim, width, bias=False), nn.Linear(width, width, bias=False)
        self.norms = nn.ModuleList([nn.ConditionalBatchNorm1d(width, code_size=code) for _ in range(2)])
        self.last = nn.Linear(width, 14 * 14)

    def forward(self, z, label):
        code = self.code(label)
        h = self.norms[0](self.first(z), code).relu()
        h = self.norms[1](self.second(h), code).relu()
        return self.last(h).tanh().reshape(len(z), 1, 14, 14)


class Pairs(nn.Module):
    """Scores of pairs (image, label): the label as a one-hot vector beside the pixels."""

    def __init__(self, width: int = 256):
        super().__init__()
        self.pixels, self.main = 14 * 14, models.MLPDiscriminator((14 * 14 + 10,), (width, width))

    def forward(self, x, label):
        return self.main(cat([x.reshape(len(x), self.pixels), one_hot(label, 10)], 1))


class Labelled(gans.GAN):
    """The plain GAN on pairs of images and labels (conditional GAN: Mirza & Osindero 2014, arXiv:1411.1784, eq. 2)."""

    def d_loss(self, batch):
        x, label = batch
        with no_grad():
            fake = self.G(self.noise(x), label)
        return self.loss.d(self.D(x, label), self.D(fake, label))

    def g_loss(self, batch):
        x, label = batch
        return self.loss.g(self.D(self.G(self.noise(x), label), label))

    def inputs(self, n, stream="noise"):
        """(noise, labels): every class in turn."""
        return self.noise(n, stream), Tensor(np.arange(n) % 10)

    def generate(self, inputs):
        return self.G(*inputs)


@shared
def digits_by_norms(seed: int, number: int = 8000) -> dict:
    """How often the judge sees in a sample the class that was asked for."""
    random.manual_seed(seed)
    train, judge = embedded_mnist("train").resized(14), metrics.judge("digits", 14)
    gan = Labelled(ByNorms(), Pairs(), lr=MLP["lr"], ema=0.999)
    run = play(gan, Batches((train.scaled(), train.labels), 64), steps(number))
    images, labels = run.sampler().sample(2000), np.arange(2000) % 10
    found = metrics.conditional_accuracy(judge.probabilities(images), labels)
    return {"accuracy": found, **digits_report(images)}


@system("R12", "Conditional batch norm: the label through scale and shift alone", seeds=3, minutes=1)
def conditional_norm(found, seed):
    trained = digits_by_norms(seed)
    found.at_least("share of samples of the class asked for", trained["accuracy"], 0.95, "CAL")
    found.note("FID_J", trained["fid_j"])


@shared
def path_spread(seed: int, g_penalty: str, number: int = 3000) -> dict:
    """The relative standard deviation of |J^T y| over 500 noise vectors, G trained on digits."""
    gan = game("path-length-gan", (1, 14, 14), seed, g_penalty=g_penalty, penalty="none", **MLP)
    play(gan, Batches(digits_data()[0], 64), steps(number))
    z = gan.noise(500, "preview").requires_grad_()
    images = gan.G(z)
    (gradient,) = grad((images * Tensor(random.normal(images.shape, "preview"))).sum(), z)
    lengths = np.sqrt((gradient.numpy() ** 2).sum(1)) / 14
    return {"std": float(lengths.std()), "mean": float(lengths.mean()), **digits_report(gan.sample(2000))}


@system("R15", "Path-length regularisation evens out the map", seeds=3, minutes=0.8)
def path_length(found, seed):
    even, plain = path_spread(seed, "every(4, path_length(2))"), path_spread(seed, "none")
    found.at_most("std of path lengths / without it", even["std"] / plain["std"], 0.75, "CAL")
    found.note("FID_J / without it", even["fid_j"] / plain["fid_j"])


@system("R16", "Lazy regularisation: R1 every 16th step", first=20, minutes=1.3)
def lazy(found, seed):
    each, rare = settling(seed, "r1(0.1)"), settling(seed, "every(16, r1(0.1))")
    found.within("sliced W1 in the last fifth / that of R1 in each step", rare["w1"] / each["w1"], 0.9, 1.1, "CAL")
    found.note("modes of 8", rare["captured"])
    found.at_least("speed / that of R1 in each step", speed("every(16, r1(0.1))", "r1(0.1)"), 1.3, "CAL")


def speed(rare: str, often: str) -> float:
    """How many times as fast a step with the penalty ``rare`` is: the least of 20 rounds of each, in turn.

    Other processes only add to a round, and by turns they meet both.
    """
    runs = {p: play(game("gan", (2,), 0, penalty=p, **ADAM), PointBatches(POINTS["ring8"], BATCH), 16)
            for p in (rare, often)}
    least = dict.fromkeys(runs, np.inf)
    for _ in range(20):
        for penalty, run in runs.items():
            started = time.perf_counter()
            for _ in range(32):
                run.step()
            least[penalty] = min(least[penalty], time.perf_counter() - started)
    return least[often] / least[rare]


@shared
def truncated_confidence(seed: int, g_penalty: str, number: int = 4000) -> dict:
    """The judge's mean confidence in digits, as trained and with noise truncated at 0.5."""
    gan = game("orthogonal-gan", (1, 14, 14), seed, g_penalty=g_penalty, **MLP)
    play(gan, Batches(digits_data()[0], 64), steps(number))
    whole, cut = [digits_report(gan.sample(2000, truncation=t))["confidence"] for t in (None, 0.5)]
    return {"whole": whole, "cut": cut}


@system("R18", "Orthogonal regularisation, two forms: truncation", seeds=3, minutes=1)
def orthogonal(found, seed):
    drops = {}
    for form in ("full", "off_diagonal"):
        got = truncated_confidence(seed, f"orthogonal(1e-4, {form!r})")
        drops[form] = got["whole"] - got["cut"]
        found.note(f"confidence lost by truncation at 0.5, {form}", drops[form])
    found.at_most("lost with the second form - with the first", drops["off_diagonal"] - drops["full"], 0, "CAL")


class NoiseInside(nn.Module):
    """A generator whose input is a constant: its only randomness is noise concatenated to a hidden layer, [h, e]."""

    z_dim = 1

    def __init__(self):
        super().__init__()
        self.main = nn.Sequential(nn.Linear(1, 16), nn.Noise(1.0, "concatenated", 2), nn.Linear(18, 128), nn.ReLU(),
                                  nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 2))

    def forward(self, z):
        return self.main(z * 0.0 + 1.0)


@shared
def hidden_noise(seed: int, number: int = GRID["number"]) -> dict:
    """A GAN on ring8 without any input z, with R1 and rates that fall."""
    random.manual_seed(seed)
    gan = gans.GAN(NoiseInside(), models.MLPDiscriminator((2,)), penalty="r1(0.1)", lr=1e-3, betas=(0.5, 0.9))
    play(gan, PointBatches(POINTS["ring8"], GRID["batch"]), steps(number), decay=True)
    state, samples = random.get_state(), []
    for _ in range(2):
        random.set_state(state)
        samples.append(gan.sample(100))
    return {**points_report(gan.sample, POINTS["ring8"]), "same": bool((samples[0] == samples[1]).all())}


@system("R19", "Noise in hidden layers instead of an input", first=15, minutes=0.8)
def noise_inside(found, seed):
    trained = hidden_noise(seed)
    found.at_least("ring8: modes of 8", trained["captured"], 7, "CAL")
    found.equal("the same seed gives the same samples (1: yes)", trained["same"], 1, 0)


@system("R20", "Gradient clipping is no Lipschitz constraint", minutes=0.2)
def gradient_clipping(found, seed, number=3000):
    D = critic("gradient", steps(number), 0.01)
    true = true_w1()
    found.at_least("estimate / true W1, gradients clipped at 0.01", mean_gap(D, REAL, FAKE) / true, 10, "CAL")
    found.at_least("largest slope on segments", gradient_norm(D, between(5000)).numpy().max(), 5, "CAL")
    boxed = critic("clip", steps(number), 0.01)
    found.at_most("estimate / true W1, weights clipped at 0.01", abs(mean_gap(boxed, REAL, FAKE)) / true, 1, "CAL")
