"""Architectures and the tricks of training: entries A01, A02, A10, and the tables of A13 and A14 on 14 x 14 digits."""

from __future__ import annotations

import numpy as np
from results import shared, steps
from system import system
from trainings import MLP, digits, digits_data, digits_report, game, plain_digits, play

from tinygan import gans, metrics, nn, random
from tinygan.data import Batches
from tinygan.functional import cat, where
from tinygan.gans.base import Player, leaf
from tinygan.optim import SGD, Adam, RMSprop
from tinygan.tensor import Tensor


@system("A01", "A fully connected GAN gives the same bits again", seeds=3, minutes=0.3)
def same_bits(found, seed, number=300):
    def trained():
        gan = game("gan", (1, 14, 14), seed, **MLP)
        play(gan, Batches(digits_data()[0], 64), steps(number))
        return np.concatenate([v.ravel() for v in gan.G.state_dict().values()])
    found.equal("weights that differ between two runs", (trained() != trained()).sum(), 0, 0)


@system("A02", "DCGAN on 16 x 16 digits, beside a fully connected GAN of the same time", seeds=2, first=10, minutes=4)
def dcgan(found, seed, number=3000, size=16):
    # equal seconds by the clock mean something where nothing else runs: this one is for a quiet machine
    conv = digits("dcgan", seed, number=number, size=size, z_dim=64, lr=1e-3, d_lr=2e-3, ema=0.998)
    found.at_least("share with confidence > 0.9", conv["confident"], 0.7, "CAL")
    found.at_least("classes with 3 % (of 2 % asked for)", conv["classes"], 10, "CAL")
    each = plain_digits(seed, number=300, size=size)["wall"] / 300
    equal = plain_digits(seed, number=max(300, round(conv["wall"] / each / 1000) * 1000), size=size)
    found.at_most("FID_J / the fully connected one's after as many seconds", conv["fid_j"] / equal["fid_j"],
                  1, "CAL")
    found.note("share with confidence > 0.9 of the fully connected one", equal["confident"])


LIMITS = (0.25, 0.5, 1.0, 2.0)  # of truncation


@shared
def truncations(seed: int, number: int = 4000) -> dict:
    """Confidence and within-class pixel variance of samples whose noise is truncated, as far as the code is not noise.

    BigGAN is told the class; here it is a code of ten values (InfoGAN, 1606.03657), which truncation leaves alone.
    """
    gan = game("infogan", (1, 14, 14), seed, continuous=0, d_lr=MLP["lr"], **MLP)
    judge, found = metrics.judge("digits", 14), {}
    play(gan, Batches(digits_data()[0], 64), steps(number))
    for limit in LIMITS:
        images = gan.sample(2000, truncation=limit)
        probabilities = judge.probabilities(images)
        labels, pixels = probabilities.argmax(1), images.reshape(2000, -1)
        within = [pixels[labels == k].var(axis=0).mean() for k in range(10) if (labels == k).sum() > 1]
        found[str(limit)] = [float(probabilities.max(1).mean()), float(np.mean(within))]
    return found


@system("A10", "The truncation trick trades variety for confidence", seeds=3, first=10, minutes=0.6)
def truncation(found, seed):
    got = truncations(seed)
    for low, high in zip(LIMITS, LIMITS[1:]):
        (confident, within), (less, wider) = got[str(low)], got[str(high)]
        found.at_least(f"confidence at {low} - at {high}", confident - less, 0, "CAL")
        found.at_least(f"pixel variance within classes at {high} / at {low}", wider / within, 1)


# Algorithm 1 of the first GAN has momentum. With 0.5 a rate goes twice as far; at 0.3 SGD overflows.
UPDATES = {"adam": lambda p: Adam(p, 1e-3, (0.5, 0.999)), "rmsprop": lambda p: RMSprop(p, 5e-4),
           "sgd": lambda p: SGD(p, 0.05), "momentum": lambda p: SGD(p, 0.025, momentum=0.5)}


class Tricks(gans.GAN):
    """The plain GAN with switches for what no other class needs, each off as it stands.

    d_updates, g_updates: the optimisers, out of UPDATES. joint_batch: D sees real and generated samples in one batch.
    input_noise: sigma of noise on D's input, which fades. flips: the share of D's labels that are wrong. g_dropout:
    after G's hidden layers. leaky: D's activation. unit_range: pixels in [0, 1] from a sigmoid instead of [-1, 1] from
    tanh. For the tables of A13 and A14 ('How to train a GAN', Chintala, Denton, Arjovsky, Mathieu 2016).
    """

    defaults = dict(d_updates="adam", g_updates="adam", joint_batch=False, input_noise=0.0, flips=0.0, g_dropout=0.0,
                    leaky=True, unit_range=False)

    @classmethod
    def make_networks(cls, shape, settings):
        G, D = super().make_networks(shape, settings)
        if not settings["leaky"]:
            D.body = nn.Sequential(*[nn.ReLU() if isinstance(m, nn.LeakyReLU) else m for m in D.body])
        if settings["g_dropout"]:
            parts = [[m, nn.Dropout(settings["g_dropout"])] if isinstance(m, nn.ReLU) else [m] for m in G.main]
            G.main = nn.Sequential(*sum(parts, []))
        if settings["unit_range"]:
            G.main = nn.Sequential(*[nn.Sigmoid() if isinstance(m, nn.Tanh) else m for m in G.main])
        return G, D

    def players(self):
        d, g = super().players()
        return [Player("D", d.networks, d.loss, UPDATES[self.d_updates]),
                Player("G", g.networks, g.loss, UPDATES[self.g_updates], fresh=False)]

    def generate(self, inputs):
        return 2 * self.G(inputs) - 1 if self.unit_range else self.G(inputs)

    def seen(self, v):
        """What D is shown: ``v`` with noise that fades."""
        sigma = self.input_noise * (1 - self.progress)
        return v + Tensor(random.normal(v.shape, "augment", v.dtype)) * sigma if sigma else v

    def d_loss(self, x):
        x, fake = self.seen(leaf((x + 1) / 2 if self.unit_range else x)), self.seen(leaf(self.fake(x)))
        n = len(x)
        both = self.D(cat([x, fake], 0)) if self.joint_batch else None
        real, made = (both[:n], both[n:]) if self.joint_batch else (self.D(x), self.D(fake))
        if self.flips:
            wrong = random.bernoulli(self.flips, (n,), "augment") > 0
            real, made = where(wrong, made, real), where(wrong, real, made)
        return self.loss.d(real, made)

    def g_loss(self, x):
        return self.loss.g(self.D(self.seen(self.G(self.noise(x)))))


PLAIN = dict(networks="mlp", hidden=(256, 256))  # Adam for both, no norm: the baseline of digits
NORMS = dict(g_norm="batch", d_norm="batch")
TRICKS = {  # a trick of the list: (what the plain GAN becomes with it, and without it)
    "inputs in [-1, 1] and tanh": ({}, dict(unit_range=True)), "the non-saturating loss": ({}, dict(loss="minimax")),
    "normal z": ({}, dict(prior="uniform")), "leaky ReLU in D": ({}, dict(leaky=False)), "batch norm": (NORMS, {}),
    "batches of D either real or generated": (NORMS, dict(**NORMS, joint_batch=True)),
    "soft labels": (dict(loss="non_saturating_smoothed"), {}), "noisy labels": (dict(flips=0.05), {}),
    "SGD for D, Adam for G": (dict(d_updates="sgd"), {}), "noise on D's input": (dict(input_noise=0.1), {}),
    "dropout in G": (dict(g_dropout=0.2), {}),
}
TRICKS["all of them"] = {key: value for on, _ in TRICKS.values() for key, value in on.items()}, {}


@shared
def with_tricks(seed: int, number: int = 1500, **settings) -> dict:
    random.manual_seed(seed)
    gan = Tricks.build((1, 14, 14), **settings)
    play(gan, Batches(digits_data()[0], 64), steps(number))
    return digits_report(gan.sample(2000))


def size(module) -> int:
    return sum(p.size for p in module.parameters())


@system("A13", "Batch, updates of D, width and optimiser on 14 x 14 digits", seeds=3, minutes=3.5)
def scaling(found, seed, number=1500):
    cells = {}
    for batch in (32, 256):
        for n_critic in (1, 2):
            for width in (128, 192):
                wide = {**MLP, "hidden": (width, width)}
                report = digits("gan", seed, number=number, batch=batch, n_critic=n_critic, **wide)
                cells[batch, n_critic, width] = report["fid_j"]
                found.note(f"FID_J, batch {batch}, {n_critic} of D, width {width}", report["fid_j"])
    ratio = np.median([cells[256, n, w] / cells[32, n, w] for n in (1, 2) for w in (128, 192)])
    found.at_most("FID_J at batch 256 / at 32, median of four", ratio, 1, "CAL")
    for name in UPDATES:
        fid = with_tricks(seed, number, **PLAIN, d_updates=name, g_updates=name)["fid_j"]
        found.note(f"FID_J, {name} for both players", fid)
    narrow, wide = [size(nn.Conv2d(c, c, 3, bias=False)) for c in (64, 96)]
    found.equal("parameters of a convolution 1.5 times as wide / as it was", wide / narrow, 2.25, 1e-12)


@system("A14", "The list of tricks, one at a time, on 14 x 14 digits", seeds=3, minutes=2.5)
def tricks(found, seed):
    """One trick at a time, since all of them together do not learn here. A trick helps where the ratio is above 1."""
    found.note("FID_J of the plain GAN", with_tricks(seed, **PLAIN)["fid_j"])
    for name, change in TRICKS.items():
        on, off = [with_tricks(seed, **PLAIN, **settings)["fid_j"] for settings in change]
        found.note(f"FID_J without / with {name} (> 1: it helps)", off / on)
