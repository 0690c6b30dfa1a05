"""Discrete boundary-seeking GAN: its draws, its estimator against enumeration, and what it is there for."""
import itertools

import numpy as np
import pytest

import tinygan
from tinygan import gans, nn, random
from tinygan.models import MLPGenerator
from tinygan.tensor import Tensor
from tinygan.train import Play

LOGITS = np.array([0.3, -0.8, 0.5])
SCORES = np.array([1.0, -0.5, 0.7])  # of D, for the three symbols


class Constant(MLPGenerator):
    """A generator that is a table of three logits, whatever the noise."""

    def __init__(self):
        super().__init__(1, (3,), hidden=())
        self.main[0].weight.assign(np.zeros((3, 1)))
        self.main[0].bias.assign(LOGITS)


class Table(nn.Module):
    def forward(self, x):
        return x @ Tensor(SCORES)


def game(samples):
    return gans.BSGAN(Constant().double(), Table(), samples=samples, categorical=True)


def softmax(a):
    return np.exp(a) / np.exp(a).sum()


@pytest.mark.parametrize("m", [2, 3])
def test_the_estimator_is_unbiased(m):
    """The mean gradient over many draws against the sum over all m-tuples of symbols."""
    g = softmax(LOGITS)
    exact = np.zeros(3)
    for symbols in itertools.product(range(3), repeat=m):
        w = softmax(SCORES[list(symbols)])
        score = sum(w_k * (np.eye(3)[k] - g) for w_k, k in zip(w, symbols))  # grad log g(x) = e_x - g
        exact += -np.prod(g[list(symbols)]) * score
    n = 40_000
    gan = game(m)
    bias = gan.G.main[0].bias
    (gradient,) = tinygan.grad(gan.g_loss(n), bias)
    # one tuple's gradient has components below 1: the standard error is below 1 / sqrt(n) = 0.005; 3 of them
    assert gradient.numpy() == pytest.approx(exact, abs=0.015) and abs(exact).max() > 0.05


def test_with_many_samples_it_follows_the_target_that_the_scores_define():
    # as M grows, the gradient becomes that of KL(p~ | g), p~ proportional to g exp(a)
    g = softmax(LOGITS)
    target = softmax(np.log(g) + SCORES)
    gan = game(500)
    (gradient,) = tinygan.grad(gan.g_loss(400), gan.G.main[0].bias)
    assert gradient.numpy() == pytest.approx(g - target, abs=0.015)  # 200,000 draws, and a bias of order 1 / M


@pytest.mark.parametrize("categorical", [True, False])
def test_samples_have_the_probabilities_of_the_logits(categorical):
    gan = game(1)
    gan.categorical = categorical
    draws = gan.draw(np.tile(LOGITS, (40_000, 1)), random.uniform((40_000, 3), dtype=np.float64))
    expected = softmax(LOGITS) if categorical else 2 / (1 + np.exp(-LOGITS)) - 1
    assert set(np.unique(draws)) == ({0, 1} if categorical else {-1, 1})
    assert draws.mean(axis=0) == pytest.approx(expected, abs=4 / 200)  # 4 standard errors of at most 1 / 200
    assert not categorical or (draws.sum(axis=1) == 1).all()


def test_log_probabilities_sum_to_one():
    gan = game(1)
    logits = Tensor(LOGITS[None])
    assert np.exp(gan.log_probability(Tensor(np.eye(3)), logits).numpy()).sum() == pytest.approx(1, rel=1e-12)
    gan.categorical = False
    every = np.array(list(itertools.product([-1.0, 1.0], repeat=3)))
    assert np.exp(gan.log_probability(Tensor(every), logits).numpy()).sum() == pytest.approx(1, rel=1e-12)


def test_a_sample_has_no_derivative_and_the_estimator_has_one():
    gan = gans.make("bs-gan", (1, 4, 4), hidden=(8,))
    shown = gan.generate(gan.noise(5))
    assert set(np.unique(shown.numpy())) <= {-1.0, 1.0} and shown.shape == (5, 1, 4, 4)
    with pytest.raises(RuntimeError):  # a plain GAN on hard samples: nothing of G is reached
        tinygan.grad(gan.loss.g(gan.D(shown)), list(gan.G.parameters()))
    found = tinygan.grad(gan.g_loss(5), list(gan.G.parameters()))
    assert all(abs(gradient.numpy()).max() > 0 for gradient in found)


class TwoPixels:
    """Pictures of two pixels that are always equal."""

    batch_size, n = 64, 0

    def next_batch(self):
        bits = random.bernoulli(0.5, (64, 1), "data") * 2 - 1
        return np.concatenate([bits, bits], axis=1).astype(np.float32)


def test_it_learns_that_two_pixels_are_equal():
    gan = gans.make("bs-gan", (2,), hidden=(16,), z_dim=2, samples=10, lr=1e-2)
    play = Play(gan, TwoPixels(), steps=250)
    equal = np.mean(np.prod(gan.sample(2000), axis=1) > 0)
    for _ in range(250):
        play.step()
    learnt = gan.sample(2000)
    assert np.mean(np.prod(learnt, axis=1) > 0) > 0.95 > equal + 0.3 and abs(learnt.mean()) < 0.3
