"""BEGAN's controller, and Q's share in InfoGAN."""
import numpy as np
import pytest

import tinygan
from tinygan import gans, random
from tinygan.data import PointBatches, ring8
from tinygan.tensor import Tensor
from tinygan.train import Play


def test_k_follows_the_controller_of_the_paper():
    gan = gans.make("began", (2,), hidden=(16,), z_dim=2, lambda_k=0.1, gamma=0.7)
    play, k = Play(gan, PointBatches(ring8, 32), steps=8), 0.0
    for _ in range(8):
        play.step()
        real, fake = gan.figures["e_real"].item(), gan.figures["e_fake"].item()
        k = min(max(k + 0.1 * (0.7 * real - fake), 0.0), 1.0)
        assert gan.state["k"].item() == pytest.approx(k, rel=1e-5)  # float32 arithmetic of three terms
        assert gan.figures["M"].item() == pytest.approx(real + abs(0.7 * real - fake), rel=1e-5)
    assert 0 < k < 1


def test_k_stays_between_0_and_1():
    gan = gans.make("began", (2,), hidden=(16,), lambda_k=100.0)
    play, seen = Play(gan, PointBatches(ring8, 32), steps=12), set()
    for _ in range(12):
        play.step()
        seen.add(gan.state["k"].item())
    assert 1.0 in seen and all(0 <= k <= 1 for k in seen)


def test_the_losses_of_began():
    gan = gans.make("began", (2,), hidden=(16,)).to(np.float64)
    gan.state["k"] = gan.placed(0.3)
    x, start = Tensor(ring8(9, dtype=np.float64)), random.get_state()
    loss = gan.d_loss(x).item()
    random.set_state(start)
    fake = gan.G(gan.noise(x)).numpy()

    def error(v):
        return abs(v - gan.D(Tensor(v)).numpy()).mean()
    assert loss == pytest.approx(error(x.numpy()) - 0.3 * error(fake), rel=1e-12)
    random.set_state(start)
    assert gan.g_loss(x).item() == pytest.approx(error(fake), rel=1e-12)


def test_infogans_noise_is_noise_a_category_and_numbers():
    gan = gans.make("infogan", (2,), hidden=(8,), z_dim=5, categories=4, continuous=3)
    z = gan.noise(4000).numpy()
    assert z.shape == (4000, 12) and z.dtype == np.float32
    category, numbers = z[:, 5:9], z[:, 9:]
    assert ((category == 0) | (category == 1)).all() and (category.sum(axis=1) == 1).all()
    # binomial(4000, 1/4): five standard deviations of 27.4
    assert abs(category.sum(axis=0) - 1000).max() < 5 * 27.4
    assert abs(numbers).max() <= 1 and abs(numbers.mean()) < 0.03


def test_infogans_bound_is_cross_entropy_and_gaussian_likelihood():
    gan = gans.make("infogan", (2,), hidden=(8,), z_dim=5, categories=4, continuous=1, info=2.0,
                    info_continuous=0.5).to(np.float64)
    z = gan.noise(6)
    features = gan.D.features(gan.G(z))
    logits, mean, log_sigma = [part.numpy() for part in gan.Q(features)]
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    surprise = -np.log(probabilities[z.numpy()[:, 5:9] == 1]).mean()
    c, sigma = z.numpy()[:, 9:], np.exp(log_sigma)
    likelihood = -0.5 * ((c - mean) / sigma) ** 2 - np.log(sigma)  # without log sqrt(2 pi), a constant
    assert gan.missing(z, features).item() == pytest.approx(2 * surprise - 0.5 * likelihood.mean(), rel=1e-10)


def test_q_is_learnt_by_ds_player_and_moves_g_as_well():
    gan = gans.make("infogan", (2,), hidden=(8,))
    d, g = gan.players()
    assert {id(p) for p in gan.Q.parameters()} < {id(p) for p in d.parameters()}
    assert not {id(p) for p in gan.Q.parameters()} & {id(p) for p in g.parameters()}
    with_q = tinygan.grad(gan.missing(z := gan.noise(6), gan.D.features(gan.G(z))), list(gan.G.parameters()))
    assert all(abs(gradient.numpy()).max() > 0 for gradient in with_q)


def test_infogan_learns_a_code_on_points():
    """Two categories and two far apart points: Q knows which point it sees after a few hundred steps."""
    gan = gans.make("infogan", (2,), hidden=(32, 32), z_dim=2, categories=2, continuous=0, lr=2e-3, d_lr=2e-3)
    play = Play(gan, PointBatches(ring8, 64), steps=150)
    first = None
    for _ in range(150):
        play.step()
        first = first or gan.figures["category_surprise"].item()
    assert first == pytest.approx(np.log(2), abs=0.1)  # it starts at H(c) and falls by the information
    assert gan.figures["category_surprise"].item() < 0.1
