"""Architectures and the tricks of training: entries A01, A02, A10, and the tables of A13 and A14 on 14 x 14 digits."""

from __future__ import annotations

import numpy as np
from results import shared, steps
from system import system
from trainings import MLP, digits, digits_data, digits_report, game, plain_digits, play

from tinygan import gans, metrics, nn, random
from tinygan.autograd import no_grad
from tinygan.data import Batches
from tinygan.functional import cat
from tinygan.gans.base import OPTIMIZERS, Player, leaf
from tinygan.tensor import Tensor


@system("A01", "A fully connected GAN gives the same bits again", seeds=3, minutes=0.3)
def same_bits(found, seed, number=300):
    def trained():
        gan = game("gan", (1, 14, 14), seed, **MLP)
        play(gan, Batches(digits_data()[0], 64), steps(number))
        return np.concatenate([v.ravel() for v in gan.G.state_dict().values()])
    found.equal("weights that differ between two runs", (trained() != trained()).sum(), 0, 0)


@system("A02", "DCGAN on 28 x 28 digits, beside a fully connected GAN of the same time", seeds=2, minutes=5)
def dcgan(found, seed, number=1200):
    conv = digits("dcgan", seed, number=number, size=28, z_dim=64)
    found.at_least("share with confidence > 0.9", conv["confident"], 0.7, "CAL")
    found.at_least("classes with 3 % (of 2 % asked for)", conv["classes"], 10, "CAL")
    wide = dict(size=28)
    each = plain_digits(seed, number=300, **wide)["seconds"] / 300
    equal = plain_digits(seed, number=max(300, round(conv["seconds"] / each / 1000) * 1000), **wide)
    found.at_most("FID_J / the fully connected one's after as many seconds", conv["fid_j"] / equal["fid_j"], 1, "CAL")


@shared
def truncations(seed: int, number: int = 4000) -> dict:
    """Confidence and within-class pixel variance of samples whose noise is truncated."""
    gan, judge, found = game("gan", (1, 14, 14), seed, **MLP), metrics.judge("digits", 14), {}
    play(gan, Batches(digits_data()[0], 64), steps(number))
    for limit in (0.5, 1.0, 2.0):
        images = gan.sample(2000, truncation=limit)
        probabilities = judge.probabilities(images)
        labels, pixels = probabilities.argmax(1), images.reshape(2000, -1)
        within = [pixels[labels == k].var(axis=0).mean() for k in range(10) if (labels == k).sum() > 1]
        found[str(limit)] = [float(probabilities.max(1).mean()), float(np.mean(within))]
    return found


@system("A10", "The truncation trick trades variety for confidence", seeds=3, minutes=0.4)
def truncation(found, seed):
    got = [truncations(seed)[str(limit)] for limit in (0.5, 1.0, 2.0)]
    for (low, high), before, after in zip(((0.5, 1), (1, 2)), got, got[1:]):
        found.at_least(f"confidence at {low} - at {high}", before[0] - after[0], 0, "CAL")
        found.at_least(f"pixel variance within classes at {high} / at {low}", after[1] / before[1], 1)


@system("A13", "Batch, updates of D and width on 14 x 14 digits", seeds=3, minutes=5)
def scaling(found, seed, number=3000):
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
    narrow, wide = [size(nn.Conv2d(c, c, 3, bias=False)) for c in (64, 96)]
    found.equal("parameters of a convolution 1.5 times as wide / as it was", wide / narrow, 2.25, 1e-12)


def size(module) -> int:
    return sum(p.size for p in module.parameters())


class Tricks(gans.GAN):
    """The plain GAN with switches for what no other class needs: D's optimiser, joint batches, noise, dropout in G.

    For the table of A14 ('How to train a GAN', Chintala, Denton, Arjovsky, Mathieu 2016; arXiv:1511.06434).
    """

    defaults = dict(d_optimizer="adam", joint_batch=False, input_noise=0.0, g_dropout=0.0, leaky=True)

    @classmethod
    def make_networks(cls, shape, settings):
        G, D = super().make_networks(shape, settings)
        if not settings["leaky"]:
            D.body = nn.Sequential(*[nn.ReLU() if isinstance(m, nn.LeakyReLU) else m for m in D.body])
        if settings["g_dropout"]:
            parts = [[m, nn.Dropout(settings["g_dropout"])] if isinstance(m, nn.ReLU) else [m] for m in G.main]
            G.main = nn.Sequential(*sum(parts, []))
        return G, D

    def players(self):
        d, g = super().players()
        rate = {"adam": self.lr, "sgd": 0.02}[self.d_optimizer]
        return [Player("D", d.networks, d.loss, lambda p: OPTIMIZERS[self.d_optimizer](p, rate, self)), g]

    def seen(self, v):
        """What D is shown: ``v`` with noise that fades."""
        sigma = self.input_noise * (1 - self.progress)
        return v + Tensor(random.normal(v.shape, "augment", v.dtype)) * sigma if sigma else v

    def d_loss(self, x):
        x, fake = self.seen(leaf(x)), self.seen(leaf(self.fake(x)))
        if not self.joint_batch:
            return self.loss.d(self.D(x), self.D(fake))
        both = self.D(cat([x, fake], 0))
        return self.loss.d(both[:len(x)], both[len(x):])

    def g_loss(self, x):
        return self.loss.g(self.D(self.seen(self.G(self.noise(x)))))


SWITCHES = {
    "all as advised": {}, "minimax loss": dict(loss="minimax"), "uniform noise": dict(prior="uniform"),
    "real and generated samples in one batch of D": dict(joint_batch=True), "ReLU in D": dict(leaky=False),
    "hard labels": dict(loss="non_saturating"), "Adam for D": dict(d_optimizer="adam"),
    "no noise on D's input": dict(input_noise=0.0), "no dropout in G": dict(g_dropout=0.0),
    "no batch norm": dict(g_norm=None, d_norm=None),
}
ADVISED = dict(loss="non_saturating_smoothed", prior="normal", d_optimizer="sgd", input_noise=0.1, g_dropout=0.2,
               g_norm="batch", d_norm="batch", networks="mlp", hidden=(256, 256), lr=1e-3)


@shared
def with_tricks(seed: int, number: int = 3000, **settings) -> dict:
    random.manual_seed(seed)
    gan = Tricks.build((1, 14, 14), **settings)
    play(gan, Batches(digits_data()[0], 64), steps(number))
    with no_grad():
        return digits_report(gan.sample(2000))


@system("A14", "The list of tricks, one switched off at a time, on 14 x 14 digits", seeds=3, minutes=4)
def tricks(found, seed):
    advised = None
    for name, change in SWITCHES.items():
        fid = with_tricks(seed, **{**ADVISED, **change})["fid_j"]
        advised = advised or fid
        found.note(f"FID_J with {name} / as advised" if change else f"FID_J, {name}", fid / advised if change else fid)
