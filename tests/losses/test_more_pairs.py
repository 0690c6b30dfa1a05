"""Label smoothing of any pair, the average relativistic pair, and the generator's other forms."""
import numpy as np
import pytest

import tinygan
from tinygan import functional as F
from tinygan.losses import ADVERSARIAL, hinge, minimax, non_saturating, relativistic, smoothed


def t(values, **options):
    return tinygan.tensor(np.asarray(values, dtype=np.float64), **options)


def best(loss, p, q):
    """sigmoid(a) at the least of p R(a) + q F(a) for the parts of a smoothed pair, by bisection of the slope."""
    real, fake = loss.parts
    low, high = -30.0, 30.0
    for _ in range(80):
        a = t([(low + high) / 2], requires_grad=True)
        (slope,) = tinygan.grad((p * real(a) + q * fake(a)).sum(), a)
        low, high = (low, a.item()) if slope.item() > 0 else (a.item(), high)
    return 1 / (1 + np.exp(-low))


@pytest.mark.parametrize("p, q", [(0.01, 0.99), (0.3, 0.2), (0.9, 0.05)])
def test_the_best_discriminator_of_smoothed_labels(p, q):
    assert best(smoothed(non_saturating, 0.9), p, q) == pytest.approx(0.9 * p / (p + q), rel=1e-8)
    assert best(smoothed(minimax, 0.9, 0.1), p, q) == pytest.approx((0.9 * p + 0.1 * q) / (p + q), rel=1e-8)


def test_smoothing_generated_samples_too_rewards_them():
    assert best(smoothed(minimax, 0.9), 0.01, 0.99) == pytest.approx(0.009, rel=1e-8)
    assert best(smoothed(minimax, 0.9, 0.1), 0.01, 0.99) == pytest.approx(0.108, rel=1e-8)


def test_smoothed_loss_is_cross_entropy_with_soft_targets():
    rng = np.random.default_rng(0)
    real, fake = t(rng.standard_normal(6)), t(rng.standard_normal(4))
    expected = (F.binary_cross_entropy_with_logits(real, t(np.full(6, 0.9)))
                + F.binary_cross_entropy_with_logits(fake, t(np.zeros(4))))
    assert ADVERSARIAL["non_saturating_smoothed"].d(real, fake).item() == pytest.approx(expected.item(), rel=1e-12)
    assert ADVERSARIAL["non_saturating_smoothed"].g(fake).item() == non_saturating.g(fake).item()


def test_any_pair_can_be_smoothed():
    real, fake = t([0.3, -1.2]), t([0.8, -0.1])
    for loss in ADVERSARIAL.values():
        both = 0.8 * loss.d(real, fake) + 0.2 * loss.d(fake, real)
        one = smoothed(loss, 0.8)
        if loss.parts is None:
            assert one.d(real, fake).item() == pytest.approx(both.item(), rel=1e-12)
        else:  # the generated side keeps its target of 0
            R, S = loss.parts
            expected = 0.8 * R(real).mean() + 0.2 * S(real).mean() + S(fake).mean()
            assert one.d(real, fake).item() == pytest.approx(expected.item(), rel=1e-12)
    assert smoothed(hinge, 1.0).d(real, fake).item() == hinge.d(real, fake).item()


@pytest.mark.parametrize("targets, message", [
    ((1.2,), "expected targets 0 <= fake < real <= 1"), ((0.5, 0.5), "0 <= fake < real"),
    ((0.9, -0.1), "got fake -0.1")])
def test_targets_that_are_none(targets, message):
    with pytest.raises(ValueError, match=message):
        smoothed(non_saturating, *targets)


def test_a_pair_that_compares_has_one_target():
    with pytest.raises(ValueError, match="smoothed: expected one target, for relativistic compares samples"):
        smoothed(relativistic, 0.9, 0.1)


def test_the_average_pair_compares_each_score_with_the_mean_of_the_other_side():
    real, fake = np.array([1.0, -2.0, 0.4]), np.array([0.5, 3.0])
    loss = ADVERSARIAL["relativistic_average"]

    def expected(x, g):
        return np.log1p(np.exp(-(x - g.mean()))).mean() + np.log1p(np.exp(g - x.mean())).mean()
    assert loss.d(t(real), t(fake)).item() == pytest.approx(expected(real, fake), rel=1e-12)
    assert loss.g(t(fake), t(real)).item() == pytest.approx(expected(fake, real), rel=1e-12)


@pytest.mark.parametrize("name", ["relativistic", "relativistic_average"])
def test_relativistic_losses_see_differences_only(name):
    real, fake = t([1.0, -2.0]), t([0.5, 3.0])
    loss = ADVERSARIAL[name]
    assert loss.d(real + 5.0, fake + 5.0).item() == pytest.approx(loss.d(real, fake).item(), rel=1e-12)
    equal = t([0.7, 0.7])
    pairs = 1 if name == "relativistic" else 2
    assert loss.d(equal, equal).item() == pytest.approx(pairs * np.log(2), rel=1e-12)


def test_the_hinge_for_both_is_blind_beyond_the_margin_and_the_other_never_is():
    fake = t([1.5, 0.5], requires_grad=True)
    assert tinygan.grad(ADVERSARIAL["hinge_both"].g(fake), fake)[0].tolist() == [0.0, -0.5]
    assert tinygan.grad(hinge.g(fake), fake)[0].tolist() == [-0.5, -0.5]


def test_boundary_seeking_is_least_where_d_is_undecided():
    fake = t([-2.0, 0.0, 3.0], requires_grad=True)
    (gradient,) = tinygan.grad(ADVERSARIAL["boundary_seeking"].g(fake), fake)
    assert gradient.numpy() == pytest.approx(fake.numpy() / 3, rel=1e-12)
