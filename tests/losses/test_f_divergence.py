"""f-GAN: the table of the paper against its definitions, bounds by quadrature, and the best tables of scores."""
import numpy as np
import pytest

import tinygan
from tinygan import losses
from tinygan.losses import ADVERSARIAL, DIVERGENCES, divergences

ROWS = {row.name: row for row in DIVERGENCES}
SMOOTH = [row for row in DIVERGENCES if row.name != "tv"]
P, Q = np.array([2, 4, 14]) / 20, np.array([6, 6, 8]) / 20  # one atom per symbol; shares in 20ths
COPIES = [np.repeat(np.arange(3), [2, 4, 14]), np.repeat(np.arange(3), [6, 6, 8])]
by_name = pytest.mark.parametrize("row", DIVERGENCES, ids=ROWS)


def t(values, **options):
    return tinygan.tensor(np.asarray(values, dtype=np.float64), **options)


def score_of(row, value):
    """The raw score a with g_f(a) = value, by inverting table 2 of the paper."""
    inverse = {"kl": lambda v: v, "reverse_kl": lambda v: -np.log(-v), "pearson": lambda v: v,
               "hellinger": lambda v: -np.log(1 - v), "js": lambda v: -np.log(2 * np.exp(-v) - 1),
               "gan": lambda v: -np.log(np.exp(-v) - 1), "tv": lambda v: np.sign(v) * 20.0}
    return inverse[row.name](value)


def d_loss(loss, table):
    return loss.d(table[COPIES[0]], table[COPIES[1]])


@by_name
def test_the_conjugate_is_the_supremum_of_u_t_minus_f(row):
    u = np.exp(np.linspace(-25, 25, 400_001))  # a grid in log u, step 1.25e-4
    for value in row.activation(t([-1.0, -0.3, 0.2, 0.9])).numpy():
        if row.name == "pearson" and value < -2:
            continue
        # the grid misses the maximum by half a step: an error of order (1e-4)^2 in the value
        assert row.conjugate(value) == pytest.approx((u * value - row.f(u)).max(), rel=1e-6, abs=1e-6)


@by_name
def test_the_simplified_loss_is_the_conjugate_of_the_activation(row):
    a = np.linspace(-4, 4, 41)
    assert row.loss(t(a)).numpy() == pytest.approx(row.conjugate(row.activation(t(a)).numpy()), rel=1e-9, abs=1e-12)


@by_name
def test_the_slope_is_the_derivative_of_f(row):
    u, h = np.array([0.2, 0.7, 1.9, 6.0]), 1e-6
    assert row.slope(u) == pytest.approx((row.f(u + h) - row.f(u - h)) / (2 * h), rel=1e-8, abs=1e-8)


# D_f of N(0, 1) and N(1, 1): closed forms, and for JS the number of the errata; the row named "js" is 2 JSD.
JSD = 0.11142
TRUE = {"kl": 0.5, "reverse_kl": 0.5, "pearson": np.e - 1, "hellinger": 2 - 2 * np.exp(-1 / 8), "tv": 0.382925,
        "js": 2 * JSD, "gan": 2 * JSD - np.log(4)}


@by_name
def test_the_bound_at_the_best_critic_is_the_divergence(row):
    x = np.linspace(-12, 13, 200_001)  # the trapezium rule of smooth functions that vanish at both ends
    p, q = [np.exp(-(x - m) ** 2 / 2) / np.sqrt(2 * np.pi) for m in (0, 1)]
    best = row.slope(p / q)
    bound = np.trapezoid(p * best - q * row.conjugate(best), x)
    # JSD is known to five digits here; TV's kink costs one step, 1.25e-4, squared
    assert bound == pytest.approx(TRUE[row.name], abs=1e-5)


@by_name
def test_the_best_table_of_scores_reaches_the_divergence_and_no_other_does(row):
    loss, best = ADVERSARIAL[f"f_{row.name}"], score_of(row, row.slope(P / Q))
    true = float(Q @ row.f(P / Q))
    # tanh(20) is 1 up to 1e-17
    assert -d_loss(loss, t(best)).item() == pytest.approx(true, rel=1e-12)
    rng = np.random.default_rng(0)
    for scale in (0.01, 0.3, 2.0):
        for _ in range(50):
            assert -d_loss(loss, t(best + scale * rng.standard_normal(3))).item() <= true + 1e-12


@pytest.mark.parametrize("row", SMOOTH, ids=[row.name for row in SMOOTH])
def test_the_best_table_has_no_gradient(row):
    table = t(score_of(row, row.slope(P / Q)), requires_grad=True)
    (gradient,) = tinygan.grad(d_loss(ADVERSARIAL[f"f_{row.name}"], table), table)
    assert abs(gradient.numpy()).max() < 1e-12


def test_the_divergences_are_those_computed_from_probabilities():
    f = {name: float(Q @ row.f(P / Q)) for name, row in ROWS.items()}
    assert f["kl"] == pytest.approx(divergences.kl(P, Q), rel=1e-12)
    assert f["reverse_kl"] == pytest.approx(divergences.kl(Q, P), rel=1e-12)
    assert f["tv"] == pytest.approx(divergences.total_variation(P, Q), rel=1e-12)
    assert f["js"] == pytest.approx(2 * divergences.jensen_shannon(P, Q), rel=1e-12)
    assert f["gan"] == pytest.approx(2 * divergences.jensen_shannon(P, Q) - np.log(4), rel=1e-12)


def test_the_row_gan_is_the_gan():
    rng = np.random.default_rng(1)
    real, fake = t(rng.standard_normal(7)), t(rng.standard_normal(5))
    assert losses.ADVERSARIAL["f_gan"].d(real, fake).item() == losses.minimax.d(real, fake).item()
    assert losses.ADVERSARIAL["f_gan"].g(fake).item() == losses.minimax.g(fake).item()
    assert losses.ADVERSARIAL["f_gan_ns"].g(fake).item() == losses.non_saturating.g(fake).item()


@by_name
def test_the_two_forms_for_g_share_d_and_differ_as_the_paper_says(row):
    first, trick = ADVERSARIAL[f"f_{row.name}"], ADVERSARIAL[f"f_{row.name}_ns"]
    a, real = t([-2.5, 0.3]), t([0.4, 1.2])
    assert first.d(real, a).item() == trick.d(real, a).item()
    activation = row.activation(a).numpy()
    assert trick.g(a).item() == pytest.approx(-activation.mean(), rel=1e-12)
    assert first.g(a).item() == pytest.approx(-row.conjugate(activation).mean(), rel=1e-12)
