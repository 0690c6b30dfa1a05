"""EBGAN's margin and pulling-away term, MAGAN's rule for the margin."""
import numpy as np
import pytest

import tinygan
from tinygan import gans, random
from tinygan.data import PointBatches, ring8
from tinygan.gans.ebgan import pulling_away
from tinygan.tensor import Tensor
from tinygan.train import Play


def test_the_losses_of_ebgan():
    gan = gans.make("ebgan-pt", (2,), hidden=(16,), margin=1.5, z_dim=4).to(np.float64)
    x, start = Tensor(ring8(9, dtype=np.float64)), random.get_state()
    loss = gan.d_loss(x).item()
    random.set_state(start)
    fake = gan.G(gan.noise(x)).numpy()

    def energy(v):
        return ((v - gan.D(Tensor(v)).numpy()) ** 2).mean(axis=1)
    margin = np.maximum(0, 1.5 - energy(fake))
    assert loss == pytest.approx(energy(x.numpy()).mean() + margin.mean(), rel=1e-12) and margin.max() > 0
    random.set_state(start)
    s = gan.D.encode(Tensor(fake)).numpy()
    s = s / np.linalg.norm(s, axis=1, keepdims=True)
    cosines = [(s[i] @ s[j]) ** 2 for i in range(9) for j in range(9) if i != j]
    assert gan.g_loss(x).item() == pytest.approx(energy(fake).mean() + 0.1 * np.mean(cosines), rel=1e-9)


def test_d_of_ebgan_learns_nothing_from_samples_beyond_the_margin():
    gan = gans.make("ebgan", (2,), hidden=(8,), margin=0.0).to(np.float64)
    x = Tensor(ring8(6, dtype=np.float64))
    both = tinygan.grad(gan.d_loss(x), list(gan.D.parameters()))
    alone = tinygan.grad(gan.energy(x).mean(), list(gan.D.parameters()))
    assert all((a.numpy() == b.numpy()).all() for a, b in zip(both, alone))


def test_pulling_away_is_the_mean_squared_cosine():
    assert pulling_away(Tensor(np.array([[2.0, 0.0], [0.0, 3.0]]))).item() == pytest.approx(0, abs=1e-12)
    assert pulling_away(Tensor(np.array([[2.0, 1.0], [-4.0, -2.0]]))).item() == pytest.approx(1, abs=1e-11)
    # orthonormal codes and one more at 45 degrees to two of them: four of six ordered pairs have cosine^2 1/2
    s = Tensor(np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]))
    assert pulling_away(s).item() == pytest.approx(4 * 0.5 / 6, rel=1e-10)


def magan(**settings):
    return gans.make("magan", (2,), hidden=(8,), epoch=2, **settings)


def epochs(gan, energies):
    """Play epochs of two steps with these (real, fake) energies; the margin after each."""
    d, g = gan.players()
    margins = []
    for real, fake in energies:
        for _ in range(2):
            gan.report(e_real=Tensor(np.float32(real)), e_fake=Tensor(np.float32(fake)))
            gan.after_update(d)
            gan.after_update(g)
        margins.append(round(gan.state["m"].item(), 5))
    return margins


def test_the_margin_rule_of_magan():
    gan = magan()
    gan.state["m"] = gan.placed(0.5)
    # before: infinity, so the first epoch cannot count as growth; then real < m, real < fake and fake grew: m = real;
    # fake fell; real above m; real above fake; and again all three
    rows = [(0.4, 0.6), (0.4, 0.7), (0.3, 0.6), (0.45, 0.8), (0.35, 0.3), (0.2, 0.9)]
    assert epochs(gan, rows) == [0.5, 0.4, 0.4, 0.4, 0.4, 0.2]


def test_magan_begins_with_an_autoencoder_and_its_margin_never_grows():
    gan = magan(lr=5e-3, pretrain=10)
    play, margins, players = Play(gan, PointBatches(ring8, 32), steps=100), [], []
    for _ in range(100):
        before = {k: v.copy() for k, v in gan.G.state_dict().items()}
        play.step()
        margins.append(gan.state["m"].item())
        players.append(any((v != before[k]).any() for k, v in gan.G.state_dict().items()))
    assert players == [False] * 10 + [True] * 90
    assert 0 < margins[9] < margins[0] and np.all(np.diff(margins[10:]) <= 0) and margins[-1] < margins[9]
