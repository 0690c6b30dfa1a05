"""DESIGN 2.8: what passes between layers stays in channels-last memory; the copies of whole iterations are counted."""
import importlib

import numpy as np
import pytest

import tinygan
from tinygan import functional as F
from tinygan import backend, optim
from tinygan.kernels import layout
from tinygan.models.dcgan import DCGANDiscriminator, DCGANGenerator
from tinygan.models.sngan_resnet import SNGANDiscriminator, SNGANGenerator

BATCH = 4


class Game:
    """Small DCGAN networks with their optimisers and one batch of images in C order, as files hold them."""

    def __init__(self, image_channels, norm="batch", device="cpu"):
        tinygan.manual_seed(0)
        self.G = DCGANGenerator(16, 8, image_channels, 32, norm).to(device)
        self.D = DCGANDiscriminator(8, image_channels, 32, norm).to(device)
        self.g_opt, self.d_opt = [optim.Adam(net.parameters()) for net in (self.G, self.D)]
        self.x = tinygan.tensor(tinygan.random.uniform((BATCH, image_channels, 32, 32), stream="data")).to(device)

    def fake(self):
        return self.G(tinygan.tensor(tinygan.random.normal((BATCH, 16))).to(self.x.device))

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
    shapes = []

    def watched(x):
        before = layout.copies
        y = layout.channels_last(x)
        shapes.extend([x.shape] * (layout.copies - before))
        return y

    for name in ("cpu.activation", "cpu.bias", "cpu.conv", "cpu.normalize", "cpu.pooling", "cuda.bias", "cuda.conv",
                 "cuda.pooling"):
        monkeypatch.setattr(importlib.import_module(f"tinygan.kernels.{name}"), "channels_last", watched)
    return shapes


@pytest.fixture(params=["cpu", "cuda"])
def device(request):
    """Both devices: CuPy's own functions return C-ordered memory, which the operations on it see to."""
    if request.param == "cuda":
        request.getfixturevalue("cupy_standin")
    return request.param


def test_an_iteration_on_grey_images_copies_nothing(copied, device):
    game = Game(1, device=device)
    game.step()
    assert copied == []  # one channel: C order and channels-last are the same memory


def test_an_iteration_on_colour_images_copies_the_real_images_alone(copied, device):
    game = Game(3, device=device)
    game.step()
    # the first layer of D reads the real batch, once for its output and once for the gradient of its weight
    assert copied == [game.x.shape] * 2


def test_a_critic_step_with_second_derivatives_copies_only_cotangents_of_scores(copied, device):
    Game(1, None, device).critic_step()
    # The cotangent of a sum is one number repeated without a copy, N numbers that the last layer lays out: in each of
    # the three passes through D once for the gradient of its input and once for that of its weight.
    assert set(copied) <= {(BATCH, 1, 1, 1)} and len(copied) <= 6


def test_residual_blocks_and_nearest_neighbours_copy_nothing_of_theirs(copied, device):
    G, D = SNGANGenerator(16, channels=4).to(device), SNGANDiscriminator(channels=4).to(device)
    F.softplus(-D(G(tinygan.tensor(tinygan.random.normal((BATCH, 16))).to(device)))).mean().backward()
    assert set(copied) <= {(BATCH, 4, 4, 4)}  # what the first, linear layer made: 4 channels of 4 x 4 pixels


def test_joined_channels_are_not_copied_again(copied, device):
    def channels_last(*shape):
        return tinygan.tensor(np.moveaxis(np.ones(shape), -1, 1), requires_grad=True).to(device)
    a, b, w = channels_last(2, 5, 4, 3), channels_last(2, 5, 4, 2), tinygan.tensor(np.ones((1, 5, 3, 3))).to(device)
    for parts, axis in (((a, b), 1), ((a, a), 0), ((a, a), 2), ((a, a), 3)):
        joined = F.cat(parts, axis)
        assert joined.data.transpose(0, 2, 3, 1).flags.c_contiguous
        expected = np.concatenate([backend.to_numpy(part.data) for part in parts], axis)
        np.testing.assert_array_equal(backend.to_numpy(joined.data), expected)
    F.conv2d(F.cat((a, b), 1), w)
    assert copied == []


def test_elementwise_results_are_channels_last_when_an_image_is(device):
    image = tinygan.tensor(np.moveaxis(np.arange(120.0).reshape(2, 5, 4, 3), -1, 1)).to(device)
    plain, per_channel = tinygan.tensor(np.ones((2, 3, 5, 4))).to(device), tinygan.tensor(np.ones((3, 1, 1))).to(device)
    for y in (image + image, image * per_channel, per_channel - image, F.exp(image), F.where(image > 3, image, 0.0),
              F.clamp(image, 1.0, 9.0), image / 2.0):
        assert y.data.transpose(0, 2, 3, 1).flags.c_contiguous
    assert (plain + plain).data.flags.c_contiguous


def test_a_copy_is_counted(copied):
    x = tinygan.tensor(np.ones((2, 3, 4, 4), np.float32))
    F.conv2d(x, tinygan.tensor(np.ones((5, 3, 3, 3), np.float32)))
    assert copied == [x.shape]


def test_padding_and_filtering_copy_nothing(copied, device):
    x = tinygan.tensor(np.zeros((BATCH, 9, 8, 3), np.float32).transpose(0, 3, 1, 2), requires_grad=True).to(device)
    f = tinygan.tensor(np.ones(3, np.float32)).to(device)
    y = F.upfirdn2d(F.pad(x, (1, 2, 0, 1), value=2.0), f, padding=(2, 2, 1, 1))
    tinygan.grad((F.upfirdn2d(y, f, padding=1) ** 2).sum(), x)
    assert copied == []
