"""Two generators and two discriminators that share layers: a coupled GAN, written with nothing but the contract."""
import numpy as np
import pytest

from tinygan import functional as F
from tinygan import nn, random
from tinygan.data import GaussianMixture, PointBatches, Unpaired
from tinygan.gans import GAN, Objective
from tinygan.gans.base import leaf
from tinygan.tensor import Tensor
from tinygan.testing import gradcheck
from tinygan.train import Play, Trainer, load_gan


class CoGAN(GAN):
    """Coupled GAN (Liu & Tuzel 2016, arXiv:1606.07536, eq. 4): two GANs for two domains, one noise for both.

    The first layers of G1 and G2 are the same, and the last ones of D1 and D2; x is a pair of unpaired batches.
    """

    roles = ("G1", "G2", "D1", "D2")
    sampled = ("G1", "G2")

    @classmethod
    def make_networks(cls, shape, settings):
        z, n = settings["z_dim"], 16
        first = nn.Sequential(nn.Linear(z, n), nn.ReLU(), nn.Linear(n, n), nn.ReLU())
        last = nn.Sequential(nn.Linear(n, n), nn.LeakyReLU(0.2), nn.Linear(n, 1))
        return (*[nn.Sequential(first, nn.Linear(n, *shape)) for _ in range(2)],
                *[nn.Sequential(nn.Linear(*shape, n), nn.LeakyReLU(0.2), last) for _ in range(2)])

    def players(self):
        return [self.player("D", self.d_loss, self.D1, self.D2),
                self.player("G", self.g_loss, self.G1, self.G2, fresh=False)]

    def pairs(self, z):
        return self.G1(z), self.G2(z)

    def d_loss(self, x):
        fakes = self.pairs(self.noise(x))
        return sum(self.loss.d(D(leaf(real)), D(fake.detach()))
                   for D, real, fake in zip((self.D1, self.D2), x, fakes))

    def g_loss(self, x):
        first, second = self.pairs(self.noise(x))
        return self.loss.g(self.D1(first)) + self.loss.g(self.D2(second))

    def generate(self, inputs):
        return F.cat(self.pairs(inputs), -1)

    def scores(self, x):
        first, second = self.pairs(self.noise(x))
        return (F.cat([self.D1(x[0]), self.D2(x[1])], 0), F.cat([self.D1(first), self.D2(second)], 0),
                F.cat(x, 0), F.cat([first, second], 0))


LEFT = GaussianMixture("left", [[-2.0, 1.0], [-2.0, -1.0]], 0.1)
RIGHT = GaussianMixture("right", [[2.0, 1.0], [2.0, -1.0]], 0.1)


def batches(n=32, dtype=np.float32):
    return Unpaired(PointBatches(LEFT, n, dtype=dtype), PointBatches(RIGHT, n, dtype=dtype))


def test_shared_layers_are_learnt_once_and_stay_shared(tmp_path):
    gan = CoGAN.build((2,), z_dim=4, ema=0.9)
    d, g = gan.players()
    assert len(g.parameters()) == 4 + 2 * 2 and len(d.parameters()) == 4 + 2 * 2  # 4 shared, 2 of each
    Trainer(gan, batches(), 6, tmp_path, log_every=3, quiet=True).run()
    for (_, a), (_, b) in zip(gan.G1[0].named_parameters(), gan.G2[0].named_parameters()):
        assert a is b
    assert gan.sample(5).shape == (5, 4)
    again = load_gan(tmp_path, gan=CoGAN.build((2,), z_dim=4, ema=0.9), raw=True)
    z = gan.noise(4, "preview")
    assert (again.sample(z) == gan.sample(z)).all()


def test_both_domains_are_learnt():
    gan = CoGAN.build((2,), z_dim=4, lr=2e-3)
    play = Play(gan, batches(64), steps=300)
    for _ in range(300):
        play.step()
    samples = gan.sample(500)
    assert abs(samples[:, 0].mean() + 2) < 0.5 and abs(samples[:, 2].mean() - 2) < 0.5


@pytest.mark.parametrize("who", [0, 1])
def test_gradients_of_shared_parameters(who):
    gan = CoGAN.build((2,), z_dim=3).to(np.float64)
    x = (Tensor(LEFT(5, dtype=np.float64)), Tensor(RIGHT(5, dtype=np.float64)))
    objective = Objective(gan, gan.players()[who], x)
    gradcheck(objective, objective.inputs)
    assert random.get_state()["counters"]["noise"] == 0
