"""b-GAN: the ratio that D learns, the divergence that G is given, and the GAN among them."""
import numpy as np
import pytest

import tinygan
from tinygan.losses import ADVERSARIAL, bregman_pair, minimax, relative_pair

P, Q = np.array([2, 4, 14]) / 20, np.array([6, 6, 8]) / 20
COPIES = [np.repeat(np.arange(3), [2, 4, 14]), np.repeat(np.arange(3), [6, 6, 8])]


def t(values, **options):
    return tinygan.tensor(np.asarray(values, dtype=np.float64), **options)


def score(ratio):
    """The score whose softplus is the ratio."""
    return np.log(np.expm1(ratio))


@pytest.mark.parametrize("loss, best", [
    (ADVERSARIAL["b_pearson"], P / Q), (relative_pair("r", 0.3), P / (0.3 * P + 0.7 * Q)),
    (ADVERSARIAL["b_relative"], P / (0.1 * P + 0.9 * Q))], ids=["pearson", "alpha=0.3", "alpha=0.1"])
def test_d_is_least_at_the_ratio(loss, best):
    table = t(score(best), requires_grad=True)
    value = loss.d(table[COPIES[0]], table[COPIES[1]])
    (gradient,) = tinygan.grad(value, table)
    assert abs(gradient.numpy()).max() < 1e-12
    rng = np.random.default_rng(0)
    for _ in range(100):
        other = t(table.numpy() + rng.standard_normal(3))
        assert loss.d(other[COPIES[0]], other[COPIES[1]]).item() > value.item()


def test_the_relative_ratio_is_bounded():
    assert (P / (0.1 * P + 0.9 * Q)).max() < 10
    assert (np.array([1.0]) / (0.1 * 1.0 + 0.9 * 0.0))[0] == 10  # where there are data and no samples
    with pytest.raises(ValueError, match="relative_pair: expected 0 < alpha < 1, got 1"):
        relative_pair("r", 1)


def test_g_gets_the_pearson_divergence():
    fakes = t(score(P / Q))[COPIES[1]]
    chi2 = np.sum((P - Q) ** 2 / Q)
    assert ADVERSARIAL["b_pearson"].g(fakes).item() == pytest.approx(chi2 / 2, rel=1e-12)


def test_g_follows_the_derivative_of_the_relative_divergence():
    def divergence(q):
        m = 0.3 * P + 0.7 * q
        return np.sum(m * (P / m - 1) ** 2) / 2

    r, step = P / (0.3 * P + 0.7 * Q), 1e-6
    given = [relative_pair("r", 0.3).g(t([score(v)])).item() for v in r]  # what a sample at each of the points costs G
    move = np.array([1.0, -2.0, 1.0])  # of mass between the points
    true = (divergence(Q + step * move) - divergence(Q - step * move)) / (2 * step)
    assert 0.7 * np.dot(move, given) == pytest.approx(true, rel=1e-8)  # errors: step^2, and 1e-16 / step


def test_the_f_of_the_gan_gives_the_discriminator_of_the_gan():
    # f(r) = r log r - (r + 1) log(r + 1) with r = exp a: L_D is softplus(a(G)) + softplus(-a(x)), and so its gradient
    pair = bregman_pair("logistic", lambda r: r * r.log() - (r + 1.0) * (r + 1.0).log(),
                        lambda r: r.log() - (r + 1.0).log(), ratio=lambda a: a.exp())
    rng = np.random.default_rng(2)
    real, fake = [t(rng.standard_normal(n), requires_grad=True) for n in (6, 4)]
    ours, theirs = pair.d(real, fake), minimax.d(real, fake)
    assert ours.item() == pytest.approx(theirs.item(), abs=1e-12)
    for a, b in zip(tinygan.grad(ours, (real, fake)), tinygan.grad(theirs, (real, fake))):
        assert a.numpy() == pytest.approx(b.numpy(), abs=1e-12)
