"""The pairs of losses: values and gradients against closed forms, extremes, shapes, and the roles of the players."""
import numpy as np
import pytest

import tinygan
from tinygan import losses
from tinygan.losses import (ADVERSARIAL, hinge, least_squares, least_squares_pearson, minimax, non_saturating,
                            relativistic, wasserstein)

ROWS = list(ADVERSARIAL.values())
IDS = list(ADVERSARIAL)


def t(values, **options):
    return tinygan.tensor(np.asarray(values, dtype=np.float64), **options)


def slope(f, a):
    """The derivative of the scalar f at the score a, by the engine."""
    x = t([a], requires_grad=True)
    return tinygan.grad(f(x), x)[0].item()


def g_loss(loss, fake):
    """G's loss, with real scores of 0 for the pairs that compare."""
    return loss.g(fake, tinygan.functional.zeros_like(fake) if loss.g_needs_real else None)


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


# One atom per symbol of a categorical pair (p, q), repeated as often as p and q say in 20ths: so a mean over the batch
# is an expectation, and a critic is a table of scores.
P = np.array([2, 4, 14]) / 20
Q = np.array([6, 6, 8]) / 20


def d_loss(loss, table, p=P, q=Q):
    real, fake = [np.repeat(np.arange(3), np.rint(share * 20).astype(int)) for share in (p, q)]
    return loss.d(table[real], table[fake])


def jensen_shannon(p, q):
    m = (p + q) / 2
    return 0.5 * np.sum(p * np.log(p / m)) + 0.5 * np.sum(q * np.log(q / m))


# The values are sums of about 40 float64 terms of order 1: 1e-12 leaves room for rounding and for nothing else.
EXACT = dict(rel=0, abs=1e-12)


@pytest.mark.parametrize("loss", [minimax, non_saturating], ids=repr)
def test_d_loss_at_the_best_table_is_log4_minus_two_js(loss):
    best = t(np.log(P / Q))
    bound = 2 * np.log(2) - 2 * jensen_shannon(P, Q)
    assert d_loss(loss, best).item() == pytest.approx(bound, **EXACT)
    assert -bound == pytest.approx(-1.28247, abs=5e-6)  # the value of the game, a published example
    rng = np.random.default_rng(0)
    for scale in (0.01, 0.3, 3.0):
        for _ in range(100):
            assert d_loss(loss, t(best.numpy() + scale * rng.standard_normal(3))).item() > bound


def test_value_of_the_game_at_equal_distributions_is_minus_log4():
    for p in (P, Q):
        assert -d_loss(minimax, t(np.zeros(3)), p, p).item() == pytest.approx(-np.log(4), **EXACT)


def test_a_critic_with_a_bias_only_reaches_log4_for_different_distributions():
    values = [d_loss(minimax, t(np.full(3, a))).item() for a in np.linspace(-2, 2, 401)]
    assert min(values) == pytest.approx(np.log(4), **EXACT)
    assert np.linspace(-2, 2, 401)[int(np.argmin(values))] == pytest.approx(0, abs=1e-12)


def test_hinge_d_loss_is_least_at_the_sign_and_equals_two_times_one_minus_tv():
    bound = 2 * (1 - 0.5 * np.abs(P - Q).sum())
    assert d_loss(hinge, t(np.sign(P - Q))).item() == pytest.approx(bound, **EXACT)
    rng = np.random.default_rng(1)
    for _ in range(300):
        assert d_loss(hinge, t(rng.uniform(-3, 3, 3))).item() >= bound - 1e-12


def test_hinge_punishes_a_constant_score():
    assert d_loss(hinge, t(np.full(3, 5.0))).item() == 6.0  # with the sign of the slides, 1 - a(G), it would be 0


def test_hinge_d_has_no_gradient_outside_the_margin():
    real, fake = t([1.5, 0.5], requires_grad=True), t([-1.5, 0.5, -0.5], requires_grad=True)
    g_real, g_fake = tinygan.grad(hinge.d(real, fake), (real, fake))
    assert g_real.tolist() == [0.0, -0.5]
    assert g_fake.numpy() == pytest.approx([0.0, 1 / 3, 1 / 3], **EXACT)


@pytest.mark.parametrize("a", [-10.0, -1.0, 0.0, 3.0])
def test_g_gradients_in_the_logit(a):
    assert slope(minimax.g, a) == pytest.approx(-sigmoid(a), rel=1e-12)
    assert slope(non_saturating.g, a) == pytest.approx(-(1 - sigmoid(a)), rel=1e-12)
    assert slope(wasserstein.g, a) == slope(hinge.g, a) == -1.0


def test_the_saturating_loss_vanishes_on_rejected_samples_and_the_other_does_not():
    assert slope(minimax.g, -10.0) == pytest.approx(-4.5398e-5, rel=1e-4)
    assert slope(non_saturating.g, -10.0) == pytest.approx(-0.99995, abs=5e-6)


@pytest.mark.parametrize("loss", [minimax, non_saturating], ids=repr)
def test_d_loss_is_twice_the_binary_cross_entropy_over_both_halves(loss):
    rng = np.random.default_rng(2)
    real, fake = rng.standard_normal(7), rng.standard_normal(7)
    a, y = np.concatenate([real, fake]), np.repeat([1.0, 0.0], 7)
    bce = -np.mean(y * np.log(sigmoid(a)) + (1 - y) * np.log(1 - sigmoid(a)))
    assert loss.d(t(real), t(fake)).item() == pytest.approx(2 * bce, rel=1e-12)


def test_minimax_is_a_zero_sum_game_in_the_fake_scores():
    fake = t([-2.0, 0.3, 4.0], requires_grad=True)
    (d,) = tinygan.grad(minimax.d(t([1.0]), fake), fake)
    (g,) = tinygan.grad(minimax.g(fake), fake)
    assert (d.numpy() == -g.numpy()).all()


def test_wasserstein_is_the_difference_of_the_means():
    assert wasserstein.d(t([1.0, 2.0, 6.0]), t([-1.0, 2.0])).item() == pytest.approx(0.5 - 3.0, **EXACT)
    assert wasserstein.g(t([-1.0, 2.0])).item() == -0.5


# Each loss is minimised by its owner. The slides print three of them with the wrong sign (errata 3.2, 3.3, 3.5).
@pytest.mark.parametrize("loss", ROWS, ids=IDS)
def test_a_step_down_d_loss_separates_the_scores(loss):
    real, fake = t([0.2, -0.4], requires_grad=True), t([0.3, 0.1], requires_grad=True)
    g_real, g_fake = tinygan.grad(loss.d(real, fake), (real, fake))
    assert (g_real.numpy() < 0).all() and (g_fake.numpy() > 0).all()


# Where G's loss falls with the score: some pairs want it at a target (c = 1 or 0, D = 1/2, a ratio of 1) and no
# further, the hinge is blind beyond the margin, and Pearson's conjugate t^2 / 4 + t has its minimum at t = -2.
FALLING = {**dict.fromkeys(("least_squares", "least_squares_pearson", "boundary_seeking"), (-3.0, -1.0, -0.1)),
           "b_pearson": (-3.0, -1.0, 0.4), "hinge_both": (-3.0, 0.0, 0.9), "f_pearson": (-1.9, 0.0, 3.0)}


@pytest.mark.parametrize("loss", ROWS, ids=IDS)
def test_a_step_down_g_loss_raises_the_score_of_its_samples(loss):
    assert all(slope(lambda fake: g_loss(loss, fake), a) < 0 for a in FALLING.get(loss.name, (-3.0, 0.0, 3.0)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("loss", ROWS, ids=IDS)
def test_extreme_scores_overflow_nowhere(loss, dtype):
    for a in (-1e4, -100.0, 100.0, 1e4):
        x = tinygan.tensor(np.full(2, a, dtype), requires_grad=True)
        y = tinygan.tensor(np.full(2 if loss.g_needs_real else 3, -a, dtype), requires_grad=True)
        with np.errstate(over="raise", invalid="raise", divide="raise"):  # underflow to 0 is right
            d, g = loss.d(x, y), g_loss(loss, y)
            gradients = (*tinygan.grad(d, (x, y)), *tinygan.grad(g, y))
        assert d.dtype == g.dtype == dtype
        assert np.isfinite([d.item(), g.item()]).all()
        assert all(np.isfinite(k.numpy()).all() for k in gradients)


@pytest.mark.parametrize("loss", [minimax, non_saturating], ids=repr)
def test_large_scores_keep_their_exact_loss(loss):
    assert loss.d(t([-1000.0]), t([1000.0])).item() == 2000.0
    assert loss.d(t([50.0]), t([-50.0])).item() == pytest.approx(2 * np.exp(-50.0), rel=1e-12)


@pytest.mark.parametrize("loss", ROWS, ids=IDS)
@pytest.mark.parametrize("shape", [(4, 1), (4, 1, 1, 1)])
def test_trailing_ones_change_nothing(loss, shape):
    rng = np.random.default_rng(3)
    real, fake = rng.standard_normal(4), rng.standard_normal(4 if loss.g_needs_real else 6)
    expected = loss.d(t(real), t(fake)).item()
    assert loss.d(t(real.reshape(shape)), t(fake)).item() == expected
    assert loss.g(t(real.reshape(shape)), t(real)).item() == loss.g(t(real), t(real)).item()


@pytest.mark.parametrize("shape", [(), (0,), (0, 1), (4, 2), (1, 4), (4, 1, 3, 3)])
@pytest.mark.parametrize("loss", ROWS, ids=IDS)
def test_other_shapes_are_one_clear_error(loss, shape):
    good, bad = t(np.zeros(4)), t(np.zeros(shape))
    for call, name in ((lambda: loss.d(bad, good), "d: real"), (lambda: loss.d(good, bad), "d: fake"),
                       (lambda: loss.g(bad, good), "g: fake")):
        with pytest.raises(ValueError, match=f"{loss.name}.{name}: expected one score per sample"):
            call()


def test_arrays_and_integers_are_not_scores():
    with pytest.raises(TypeError, match="hinge.d: real: expected scores in a Tensor of a floating dtype, got ndarray"):
        hinge.d(np.zeros(3), t(np.zeros(3)))
    with pytest.raises(TypeError, match="hinge.g: fake: .*int64"):
        hinge.g(tinygan.tensor(np.arange(3)))


def test_the_relativistic_pair_compares_pairs_of_scores():
    real, fake = np.array([1.0, -2.0]), np.array([0.5, 3.0])
    assert relativistic.d(t(real), t(fake)).item() == pytest.approx(np.log1p(np.exp(fake - real)).mean(), rel=1e-12)
    assert relativistic.g(t(fake), t(real)).item() == pytest.approx(np.log1p(np.exp(real - fake)).mean(), rel=1e-12)
    with pytest.raises(ValueError, match="relativistic.g: expected scores of real samples"):
        relativistic.g(t(fake))
    with pytest.raises(ValueError, match="as many real as generated samples.* got 2 and 1"):
        relativistic.d(t(real), t([0.0]))


@pytest.mark.parametrize("loss, a0, b", [(least_squares, 0, 1), (least_squares_pearson, -1, 1)], ids=["01", "pearson"])
def test_the_best_table_of_least_squares(loss, a0, b):
    table = t(np.zeros(3), requires_grad=True)
    best = t((b * P + a0 * Q) / (P + Q), requires_grad=True)
    assert abs(tinygan.grad(d_loss(loss, best), best)[0].numpy()).max() < 1e-12
    assert d_loss(loss, best).item() < d_loss(loss, table).item()


def test_the_pearson_targets_give_half_the_divergence():
    # E_q(a*)^2/2 + E_p(a*)^2/2 at D* is the Pearson chi^2 of (p + q) against 2q, halved (Mao et al. 2016, theorem 1)
    best = (P - Q) / (P + Q)
    criterion = 0.5 * (P @ best ** 2) + least_squares_pearson.g(t(best[np.repeat(np.arange(3), [6, 6, 8])])).item()
    chi2 = np.sum((2 * Q - (P + Q)) ** 2 / (P + Q))
    assert criterion == pytest.approx(chi2 / 2, rel=1e-12)


def test_least_squares_keeps_its_gradient_on_samples_that_are_far_on_the_right_side():
    assert slope(least_squares_pearson.g, 5.0) == 5.0
    assert abs(slope(non_saturating.g, 5.0)) == pytest.approx(0.0066929, rel=1e-4)


def test_every_row_names_its_paper_and_formula():
    for name, row in ADVERSARIAL.items():
        assert row.name == name and getattr(losses, name) is row
        assert "arXiv:" in row.source and "L_D = " in row.formula and "L_G = " in row.formula
