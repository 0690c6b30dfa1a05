"""Growth: two resolutions, a fade, three stages, written with nothing but the contract."""
import numpy as np
import pytest

from tinygan import functional as F
from tinygan import nn, random
from tinygan.data import Batches
from tinygan.gans import GAN, Objective, Stage
from tinygan.losses import gp
from tinygan.tensor import Tensor
from tinygan.testing import gradcheck
from tinygan.train import Play, Trainer


def doubled(x):
    return F.interpolate(x, scale_factor=2, mode="nearest")


class Grower(nn.Module):
    """z, level, alpha -> images 4x4 (level 0) or 8x8 (level 1), the latter alpha new + (1 - alpha) doubled old."""

    def __init__(self, z_dim, channels):
        super().__init__()
        self.z_dim = z_dim
        self.base = nn.Sequential(nn.ConvTranspose2d(z_dim, channels, 4), nn.LeakyReLU(0.2))
        self.block = nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1), nn.LeakyReLU(0.2))
        self.to_image = nn.ModuleList([nn.Conv2d(channels, 1, 1) for _ in range(2)])

    def forward(self, z, level, alpha):
        h = self.base(z.reshape(z.shape + (1, 1)))
        old = self.to_image[0](h)
        if level == 0:
            return old
        return self.to_image[1](self.block(doubled(h))) * alpha + doubled(old) * (1.0 - alpha)


class GrowingCritic(nn.Module):
    """The mirror image: 8x8 images enter by the new layers with weight alpha, halved by the old ones with the rest."""

    def __init__(self, channels):
        super().__init__()
        self.from_image = nn.ModuleList([nn.Conv2d(1, channels, 1) for _ in range(2)])
        self.block = nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1), nn.LeakyReLU(0.2))
        self.last = nn.Conv2d(channels, 1, 4)

    def forward(self, x, level, alpha):
        if level == 0:
            h = F.leaky_relu(self.from_image[0](x), 0.2)
        else:
            new = F.avg_pool2d(self.block(F.leaky_relu(self.from_image[1](x), 0.2)), 2)
            old = F.leaky_relu(self.from_image[0](F.avg_pool2d(x, 2)), 0.2)
            h = new * alpha + old * (1.0 - alpha)
        return self.last(h).reshape((x.shape[0],))


class ProGAN(GAN):
    """Progressive growing, one stage of it (Karras et al. 2017, arXiv:1710.10196, section 2 and figure 2)."""

    defaults = dict(loss="wasserstein", penalty=gp(10), lr=1e-3, betas=(0.0, 0.99), channels=4, drift=0.001)

    @classmethod
    def make_networks(cls, shape, settings):
        return Grower(settings["z_dim"], settings["channels"]), GrowingCritic(settings["channels"])

    def setup(self):
        self.level, self.fading = 0, False

    def stages(self, steps):
        third = steps // 3
        return [Stage(third, "4x4", lambda: self.at(0, False)), Stage(third, "8x8 fade", lambda: self.at(1, True)),
                Stage(steps - 2 * third, "8x8", lambda: self.at(1, False))]

    def at(self, level, fading):
        self.level, self.fading = level, fading

    @property
    def alpha(self):
        return self.progress if self.fading else 1.0

    def real(self, x):
        """Images at the present resolution, faded as the networks are."""
        if self.level == 0:
            return F.avg_pool2d(x, 2)
        return x * self.alpha + doubled(F.avg_pool2d(x, 2)) * (1.0 - self.alpha)

    def generate(self, z):
        return self.G(z, self.level, self.alpha)

    def judge(self, x):
        return self.D(x, self.level, self.alpha)

    def d_loss(self, x):
        x, fake = self.real(x), self.generate(self.noise(x)).detach()
        real = self.judge(x)
        return (self.loss.d(real, self.judge(fake)) + self.penalty(self.judge, x, fake)
                + self.drift * (real * real).mean())

    def g_loss(self, x):
        return self.loss.g(self.judge(self.generate(self.noise(x))))

    def scores(self, x):
        x, fake = self.real(x), self.generate(self.noise(x))
        return self.judge(x), self.judge(fake), x, fake


def build(**settings):
    return ProGAN.build((1, 8, 8), z_dim=3, **settings)


def data(n=16):
    return Batches(np.random.default_rng(0).uniform(-1, 1, (64, 1, 8, 8)).astype(np.float32), n)


def test_at_alpha_0_the_grown_networks_are_the_old_ones():
    gan = build()
    z = gan.noise(3)
    small, x = gan.generate(z), Tensor(data().next_batch())
    before = gan.judge(gan.real(x)).numpy()
    gan.at(1, True)
    gan.progress = 0.0
    # one rounding per operation between the two forms
    np.testing.assert_allclose(gan.generate(z).numpy(), doubled(small).numpy(), rtol=0, atol=1e-6)
    np.testing.assert_allclose(gan.judge(gan.real(x)).numpy(), before, rtol=0, atol=1e-6)
    gan.at(1, False)
    np.testing.assert_array_equal(gan.real(x).numpy(), x.numpy())
    assert abs(gan.generate(z).numpy() - doubled(small).numpy()).max() > 1e-3


def test_stages_follow_each_other_with_new_optimisers_and_a_rising_alpha():
    gan = build()
    play, seen = Play(gan, data(), steps=9), []
    for _ in range(9):
        optimizers = [optimizer for _, optimizer in play.seats]
        play.step()
        seen.append((gan.level, round(gan.alpha, 3), optimizers[0] is play.seats[0][1]))
    assert [s[:2] for s in seen] == [(0, 1.0)] * 3 + [(1, 0.0), (1, 0.333), (1, 0.667)] + [(1, 1.0)] * 3
    assert [k for k, s in enumerate(seen) if not s[2]] == [3, 6]


def test_what_is_not_reached_yet_does_not_move():
    gan = build()
    new = [p.numpy().copy() for p in gan.G.block.parameters()]
    play = Play(gan, data(), steps=9)
    for _ in range(3):
        play.step()
    assert all((p.numpy() == q).all() for p, q in zip(gan.G.block.parameters(), new))
    play.step()
    play.step()
    assert any((p.numpy() != q).any() for p, q in zip(gan.G.block.parameters(), new))


@pytest.mark.parametrize("stop", [2, 3, 4, 7])
def test_a_run_resumed_in_any_stage_ends_with_the_same_bits(tmp_path, stop):
    def trained(folder, resume=False, last=9):
        random.manual_seed(4)
        trainer = Trainer(build(ema=0.9), data(), 9, folder, resume=resume, log_every=1, sample_every=9, save_every=1,
                          quiet=True)
        while trainer.play.done < last:
            trainer._advance(Silent())
        return trainer
    whole = trained(tmp_path / "a").play.state_dict()
    trained(tmp_path / "b", last=stop)
    again = trained(tmp_path / "b", resume=True).play.state_dict()
    for role in ("G", "D"):
        for key, value in whole["gan"]["networks"][role].items():
            assert (again["gan"]["networks"][role][key] == value).all()
    assert again["stage"] == whole["stage"] == 2


class Silent:
    total, disable = 1, True

    def update(self, n):
        pass

    def set_postfix(self, *values, **options):
        pass

    def set_description_str(self, *values, **options):
        pass


@pytest.mark.parametrize("who", [0, 1])
def test_gradients_in_the_middle_of_a_fade(who):
    gan = build().to(np.float64)
    gan.at(1, True)
    gan.progress = 0.4
    objective = Objective(gan, gan.players()[who], Tensor(random.normal((3, 1, 8, 8), "data", np.float64)))
    gradcheck(objective, objective.inputs)
