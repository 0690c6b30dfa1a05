"""Moment matching: the statistic is unbiased, GMMN needs no critic, MMD GAN's critic is kept in its box."""
import numpy as np
import pytest

import tinygan
from tinygan import gans, random
from tinygan.data import PointBatches, ring8
from tinygan.tensor import Tensor
from tinygan.train import Play


def test_equal_distributions_have_a_mean_of_zero():
    gan = gans.make("gmmn", (2,), bandwidths=(0.5, 1.0)).to(np.float64)
    values = [gan.distance(Tensor(ring8(20, dtype=np.float64)), Tensor(ring8(20, dtype=np.float64))).item()
              for _ in range(400)]
    error = np.std(values) / 20
    assert abs(np.mean(values)) < 3 * error and np.mean(values) - 3 * error < 0 < max(values) and min(values) < 0


def test_gmmn_is_a_generator_alone_and_comes_nearer():
    gan = gans.make("gmmn", (2,), hidden=(32, 32), z_dim=4, bandwidths=(0.5, 1.0, 2.0), lr=5e-3)
    assert [player.name for player in gan.players()] == ["G"] and gan.roles == ("G",)
    play = Play(gan, PointBatches(ring8, 128), steps=120)
    first = None
    for _ in range(120):
        play.step()
        first = first or float(play.losses["g_loss"])
    assert float(play.losses["g_loss"]) < 0.2 * first


def test_the_witness_is_larger_where_the_data_are():
    gan = gans.make("gmmn", (2,), bandwidths=(0.5,))
    real, fake, _, _ = gan.scores(Tensor(ring8(200)))
    assert real.numpy().mean() > 0 > fake.numpy().mean()


def test_the_losses_of_mmd_gan():
    gan = gans.make("mmd-gan", (2,), hidden=(8,), z_dim=3).to(np.float64)
    for p in gan.D.parameters():
        p.assign(p.data + 0.5 * random.normal(p.shape, "init", np.float64))
    x, start = Tensor(ring8(7, dtype=np.float64)), random.get_state()
    value = gan.d_loss(x).item()
    random.set_state(start)
    fake = gan.G(gan.noise(x))
    f, g = gan.D.encode(x).numpy(), gan.D.encode(fake).numpy()

    def kernel(a, b):
        squares = ((a[:, None] - b[None]) ** 2).sum(axis=2)
        return sum(np.exp(-squares / (2 * s * s)) for s in (1, 2, 4, 8, 16))
    within = [(kernel(a, a).sum() - 5 * 7) / 42 for a in (f, g)]
    mmd = sum(within) - 2 * kernel(f, g).mean()
    error = ((x.numpy() - gan.D.decoder(Tensor(f)).numpy()) ** 2).mean()
    feasible = np.maximum(0, g.mean(axis=0) - f.mean(axis=0)).mean()
    assert value == pytest.approx(-mmd + 8 * error + 16 * feasible, rel=1e-10) and feasible > 0
    random.set_state(start)
    assert gan.g_loss(x).item() == pytest.approx(mmd, rel=1e-9)


def test_the_encoders_weights_stay_in_the_box_and_the_decoders_do_not():
    gan = gans.make("mmd-gan", (2,), hidden=(8,), lr=1e-2)
    play = Play(gan, PointBatches(ring8, 16), steps=3)
    for _ in range(3):
        play.step()
    assert max(abs(p.numpy()).max() for p in gan.D.encoder.parameters()) <= np.float32(0.01)
    assert max(abs(p.numpy()).max() for p in gan.D.decoder.parameters()) > 0.02


def test_the_gradient_of_mmd_reaches_every_parameter_of_both():
    gan = gans.make("mmd-gan", (2,), hidden=(8,)).to(np.float64)
    x = Tensor(ring8(7, dtype=np.float64))
    for player in gan.players():
        for gradient in tinygan.grad(player.loss(x), player.parameters()):
            assert abs(gradient.numpy()).max() > 0
