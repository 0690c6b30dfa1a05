"""DESIGN 2.8: what passes between layers stays in channels-last memory; the copies of whole iterations are counted."""
import numpy as np
import pytest

import tinygan
from tinygan import functional as F
from tinygan import optim
from tinygan.kernels import layout
from tinygan.models.dcgan import DCGANDiscriminator, DCGANGenerator

BATCH = 4


class Game:
    """Small DCGAN networks with their optimisers and one batch of images in C order, as files hold them."""

    def __init__(self, image_channels, norm="batch"):
        tinygan.manual_seed(0)
        self.G = DCGANGenerator(16, 8, image_channels, 32, norm)
        self.D = DCGANDiscriminator(8, image_channels, 32, norm)
        self.g_opt, self.d_opt = [optim.Adam(net.parameters()) for net in (self.G, self.D)]
        self.x = tinygan.tensor(tinygan.random.uniform((BATCH, image_channels, 32, 32), stream="data"))

    def fake(self):
        return self.G(tinygan.tensor(tinygan.random.normal((BATCH, 16))))

    def step(self):
        """One iteration of Goodfellow's game with the non-saturating loss."""
        fake = self.fake()
        self.d_opt.minimize(F.softplus(-self.D(self.x)).mean() + F.softplus(self.D(fake.detach())).mean())
        self.g_opt.minimize(F.softplus(-self.D(fake)).mean())

    def critic_step(self):
        """One step of a critic with a penalty on its gradient between real and fake images (WGAN-GP)."""
        fake = self.fake().detach()
        between = tinygan.tensor(0.5 * (self.x.data + fake.data), requires_grad=True)
        (g,) = tinygan.grad(self.D(between).sum(), between, create_graph=True)
        penalty = (((g * g).sum((1, 2, 3)) + 1e-12).sqrt() - 1.0) ** 2
        self.d_opt.minimize(self.D(fake).mean() - self.D(self.x).mean() + 10.0 * penalty.mean())


@pytest.fixture
def copied(monkeypatch):
    """The shapes of what is copied; the kernel modules took `channels_last` over by name, so it is replaced in each."""
    from tinygan.kernels.cpu import bias, conv, normalize, pooling
    shapes = []

    def watched(x):
        before = layout.copies
        y = layout.channels_last(x)
        shapes.extend([x.shape] * (layout.copies - before))
        return y

    for module in (bias, conv, normalize, pooling):
        if hasattr(module, "channels_last"):
            monkeypatch.setattr(module, "channels_last", watched)
    return shapes


def test_an_iteration_on_grey_images_copies_nothing(copied):
    game = Game(1)
    game.step()
    assert copied == []  # one channel: C order and channels-last are the same memory


def test_an_iteration_on_colour_images_copies_the_real_images_alone(copied):
    game = Game(3)
    game.step()
    # the first layer of D reads the real batch, once for its output and once for the gradient of its weight
    assert copied == [game.x.shape] * 2


def test_a_critic_step_with_second_derivatives_copies_only_cotangents_of_scores(copied):
    Game(1, None).critic_step()
    # The cotangent of a sum is one number repeated without a copy, N numbers that the last layer lays out: in each of
    # the three passes through D once for the gradient of its input and once for that of its weight.
    assert set(copied) <= {(BATCH, 1, 1, 1)} and len(copied) <= 6


def test_a_copy_is_counted(copied):
    x = tinygan.tensor(np.ones((2, 3, 4, 4), np.float32))
    F.conv2d(x, tinygan.tensor(np.ones((5, 3, 3, 3), np.float32)))
    assert copied == [x.shape]
