"""Fisher GAN: the augmented Lagrangian finds the Fisher distance of two tables, the multiplier follows its rule."""
import numpy as np
import pytest

import tinygan
from tinygan import gans, nn
from tinygan.models import MLPGenerator
from tinygan.tensor import Tensor

P, Q = np.array([2, 4, 14]) / 20, np.array([6, 6, 8]) / 20
ROWS = [np.eye(3)[np.repeat(np.arange(3), counts)] for counts in ([2, 4, 14], [6, 6, 8])]
DISTANCE = np.sqrt(np.sum((P - Q) ** 2 / ((P + Q) / 2)))


class Table(nn.Module):
    """A critic that is a table of three scores."""

    def __init__(self):
        super().__init__()
        self.f = nn.Linear(3, 1, bias=False)

    def forward(self, x):
        return self.f(x).reshape(-1)


def tabular(rho):
    """Fisher GAN between P and Q, whose batches are exact: a mean over the 20 rows is an expectation."""
    gan = gans.FisherGAN(MLPGenerator(2, (3,)), Table(), rho=rho, optimizer="sgd", lr=0.1).to(np.float64)
    gan.fake = lambda x: Tensor(ROWS[1])
    return gan


def test_the_tabular_value_is_the_fisher_distance():
    gan, x = tabular(rho=0.5), Tensor(ROWS[0])
    player = gan.players()[0]
    optimizer = player.optimizer(player.parameters())
    for _ in range(1500):
        optimizer.minimize(gan.d_loss(x))
        gan.after_update(player)
    assert -gan.d_loss(x).item() == pytest.approx(DISTANCE, rel=1e-6)
    assert gan.figures["omega"].item() == pytest.approx(1, abs=1e-6)
    f = gan.D.f.weight.numpy()[0]
    expected = (P - Q) / ((P + Q) / 2)
    assert f == pytest.approx(expected / np.sqrt(((P + Q) / 2) @ expected ** 2), abs=1e-5)
    # at the optimum L = 2 lambda, as the derivative in the scale of f vanishes
    assert gan.state["lambda"].item() == pytest.approx(DISTANCE / 2, rel=1e-4)


def test_the_lagrangian_is_stationary_at_the_optimum():
    gan = tabular(rho=0.3)
    f = (P - Q) / ((P + Q) / 2)
    gan.D.f.weight.assign(f[None] / np.sqrt(((P + Q) / 2) @ f ** 2))
    gan.state["lambda"] = gan.placed(DISTANCE / 2)
    (gradient,) = tinygan.grad(gan.d_loss(Tensor(ROWS[0])), list(gan.D.parameters()))
    assert abs(gradient.numpy()).max() < 1e-12


def test_the_multiplier_rises_while_omega_is_above_one():
    gan = tabular(rho=0.1)
    d, g = gan.players()
    for omega, step in ((3.0, 0.2), (0.5, -0.05)):
        gan.report(omega=tinygan.tensor(omega, dtype=np.float64))
        before = gan.state["lambda"].item()
        gan.after_update(g)
        assert gan.state["lambda"].item() == before
        gan.after_update(d)
        assert gan.state["lambda"].item() - before == pytest.approx(step, abs=1e-12)
