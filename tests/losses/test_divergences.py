"""Divergences of probabilities and of samples: closed forms, identities, other routes, derivatives."""
import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from tinygan import random, tensor
from tinygan.losses import divergences as dv
from tinygan.testing import gradcheck

F_DIVERGENCES = [dv.kl, dv.reverse_kl, dv.jensen_shannon, dv.total_variation, dv.pearson, dv.squared_hellinger]
RNG = np.random.default_rng(0)


def simplex(shape, rng=RNG):
    return rng.dirichlet(np.ones(shape[-1]), shape[:-1])


# zeros are wanted, subnormal numbers are not: their quotients overflow in any formula
masses = arrays(np.float64, 6, elements=st.integers(0, 10 ** 6)).filter(np.any).map(lambda a: a / a.sum())
samples = st.integers(1, 9).flatmap(lambda n: arrays(np.float64, n, elements=st.floats(-5, 5)))


@pytest.mark.parametrize("f", F_DIVERGENCES)
def test_zero_only_for_equal_probabilities(f):
    p, q = simplex((7, 5)), simplex((7, 5))
    assert np.abs(f(p, p)).max() < 1e-15 and f(p, q).min() > 1e-3  # random pairs are nowhere near each other
    assert f(p[0], q[0]) == pytest.approx(f(p, q)[0]) and isinstance(f(p[0], q[0]), float)


def gauss(x, mean):
    return np.exp(-(x - mean) ** 2 / 2) / np.sqrt(2 * np.pi)


@pytest.mark.parametrize("f, true", [
    (dv.kl, 0.5), (dv.reverse_kl, 0.5), (dv.pearson, math.e - 1), (dv.squared_hellinger, 2 * (1 - math.exp(-1 / 8))),
    (dv.total_variation, 2 * stats.norm.cdf(0.5) - 1), (dv.jensen_shannon, 0.11142)])
def test_densities_on_a_grid_give_the_closed_forms_of_two_gaussians(f, true):
    # the trapezoidal sum of Gaussians is exact beyond rounding; the JSD has five published digits
    x = np.linspace(-12, 13, 4001)
    assert f(gauss(x, 0), gauss(x, 1), x[1] - x[0]) == pytest.approx(true, abs=2e-6)


def test_supports():
    p, q, both = [1.0, 0.0, 0.0], [0.0, 0.5, 0.5], [0.5, 0.5, 0.0]
    assert [f(p, q) for f in F_DIVERGENCES] == [math.inf, math.inf, pytest.approx(math.log(2)), 1.0, math.inf, 2.0]
    # overlapping supports are not enough: all of the second argument's mass must lie in the first one's
    assert dv.kl(both, p) == math.inf and dv.kl(p, both) == pytest.approx(math.log(2))
    middle = [0.75, 0.25, 0]
    assert dv.jensen_shannon(p, both) == pytest.approx((stats.entropy(p, middle) + stats.entropy(both, middle)) / 2)
    assert dv.jensen_shannon(p, both) == pytest.approx(0.2157615543)


@settings(max_examples=50)
@given(masses, masses)
def test_bounds_and_inequalities(p, q):
    jsd, tv, h2 = dv.jensen_shannon(p, q), dv.total_variation(p, q), dv.squared_hellinger(p, q)
    eps = 1e-12  # rounding
    assert -eps <= jsd <= math.log(2) + eps and 0 <= tv <= 1 + eps
    assert h2 / 2 <= tv + eps and tv <= math.sqrt(h2) + eps                      # Le Cam
    assert tv <= math.sqrt(dv.kl(p, q) / 2) + 1e-7                               # Pinsker; the root doubles digits lost
    assert dv.kl(p, q) <= math.log1p(dv.pearson(p, q)) + 1e-9
    assert jsd == pytest.approx(dv.jensen_shannon(q, p), abs=eps)


@pytest.mark.parametrize("f", F_DIVERGENCES)
def test_derivatives(f):
    p, q = simplex((2, 4)), simplex((2, 4))
    gradcheck(f, [p, q], order=2)


def test_gradients_stay_finite_where_the_conventions_speak():
    for f in F_DIVERGENCES:
        p = tensor(np.array([0.5, 0.5, 0.0, 0.0]), requires_grad=True)
        q = tensor(np.array([0.25, 0.0, 0.75, 0.0]), requires_grad=True)
        f(p, q).backward()
        assert np.isfinite(p.grad.numpy()).all() and np.isfinite(q.grad.numpy()).all()


def test_dtypes_and_errors():
    p = tensor(np.float32([0.5, 0.5]))
    assert dv.kl(p, p).dtype == np.float32 and dv.kl(p, np.array([0.25, 0.75])).dtype == np.float32
    assert dv.kl(np.float32([0.5, 0.5]), [1, 0]) == math.inf
    with pytest.raises(ValueError, match=r"kl: expected p and q \(..., K\) and a cell that broadcast"):
        dv.kl([0.5, 0.5], [0.2, 0.3, 0.5])
    with pytest.raises(ValueError, match=r"pearson: expected q \(..., K\) with entries >= 0, .*-0.5"):
        dv.pearson([0.5, 0.5], [1.5, -0.5])
    with pytest.raises(ValueError, match="kl: expected p"):
        dv.kl([math.nan, 1.0], [0.5, 0.5])


# Moving mass along a line

@given(samples, samples)
def test_w1_is_that_of_scipy_for_any_numbers_of_samples(x, y):
    assert dv.wasserstein_1d(x, y) == pytest.approx(stats.wasserstein_distance(x, y), abs=1e-12)


@settings(max_examples=30)
@given(samples, samples, samples)
def test_wp_is_a_distance_and_grows_with_p(x, y, z):
    for p in (1, 2, 3):
        w = [dv.wasserstein_1d(a, b, p) for a, b in ((x, y), (y, x), (x, z), (z, y))]
        assert w[0] == pytest.approx(w[1], abs=1e-9) and w[0] <= w[2] + w[3] + 1e-9
    assert dv.wasserstein_1d(x, y, 1) <= dv.wasserstein_1d(x, y, 2) + 1e-9
    assert dv.wasserstein_1d(x, x, 2) == 0


def test_unequal_sizes_couple_quantiles():
    # repeating every sample changes no distribution: 2 against 3 is 6 against 6
    x, y = RNG.normal(size=(4, 2)), RNG.normal(size=(4, 3))
    for p in (1, 2, 2.5):
        assert dv.wasserstein_1d(x, y, p) == pytest.approx(
            dv.wasserstein_1d(np.repeat(x, 3, 1), np.repeat(y, 2, 1), p), abs=1e-12)


@pytest.mark.parametrize("n, m", [(5, 5), (3, 5)])
@pytest.mark.parametrize("p", [1, 2])
def test_derivatives_of_sorting(n, m, p):
    gradcheck(lambda x, y: dv.wasserstein_1d(x, y, p), [RNG.normal(size=(2, n)), RNG.normal(size=(2, m))], order=2)


def test_moving_equal_samples_has_gradient_zero():
    x = tensor(np.array([1.0, 2.0]), requires_grad=True)
    dv.wasserstein_1d(x, tensor(np.array([2.0, 1.0])), 2).backward()
    assert (x.grad.numpy() == 0).all()


def test_the_worked_example_of_discrete_masses():
    p, q = [3, 2, 1, 4], [1, 2, 4, 3]
    assert list(dv.cumulative_excess(p, q)) == [2, 2, -1, 0] and dv.earth_mover_1d(p, q) == 5


@settings(max_examples=50)
@given(masses, masses)
def test_masses_on_a_line_by_cumulative_sums(p, q):
    places = np.array([-2.0, -1.5, 0.0, 0.1, 3.0, 3.5])
    true = stats.wasserstein_distance(places, places, p, q)
    assert dv.earth_mover_1d(p, q, places) == pytest.approx(true, abs=1e-12)


def test_errors_of_moving_mass():
    with pytest.raises(ValueError, match="expected a finite p >= 1, got 0.5"):
        dv.wasserstein_1d([0.0], [1.0], p=0.5)
    with pytest.raises(ValueError, match=r"expected samples \(..., N\) and \(..., M\)"):
        dv.wasserstein_1d(np.zeros((2, 3)), np.zeros((3, 3)))
    with pytest.raises(ValueError, match="expected as much mass"):
        dv.earth_mover_1d([1, 0], [1, 1])
    with pytest.raises(ValueError, match="expected 2 increasing positions"):
        dv.earth_mover_1d([1, 0], [0, 1], [1, 0])


def test_sliced_distance_of_a_shift():
    # every projection of x + s is a shift by s . u, so SW_p^p is the mean of |s . u|^p
    random.manual_seed(0)
    x, u = RNG.normal(size=(50, 3)), dv.random_directions(3, 20, dtype=np.float64)
    assert np.abs((u ** 2).sum(1) - 1).max() < 1e-12
    s = np.array([1.0, -2.0, 0.5])
    for p in (1, 2):
        true = (np.abs(u @ s) ** p).mean() ** (1 / p)
        assert dv.sliced_wasserstein(x, x + s, u, p) == pytest.approx(true, abs=1e-12)
    # in the plane E |s . u| = 2 |s| / pi; the standard error with 20,000 directions is 0.3 %
    assert dv.sliced_wasserstein(x[:, :2], x[:, :2] + s[:2], 20000) == pytest.approx(
        2 * np.linalg.norm(s[:2]) / np.pi, rel=0.015)
    with pytest.raises(ValueError, match=r"expected directions \(L, 2\), got \(20, 3\)"):
        dv.sliced_wasserstein(x[:, :2], x[:, :2], u)


def test_derivatives_of_the_sliced_distance():
    u = np.array([[0.6, 0.8], [1.0, 0.0]])
    gradcheck(lambda x, y: dv.sliced_wasserstein(x, y, u, 2), [RNG.normal(size=(4, 2)), RNG.normal(size=(3, 2))], 2)


# Kernels

def naive_mmd(x, y, s, unbiased):
    def k(a, b):
        return math.exp(-((a - b) ** 2).sum() / (2 * s ** 2))
    off = 1 if unbiased else 0
    n, m = len(x), len(y)
    xx = sum(k(x[i], x[j]) for i in range(n) for j in range(n) if i != j or not unbiased) / (n * (n - off))
    yy = sum(k(y[i], y[j]) for i in range(m) for j in range(m) if i != j or not unbiased) / (m * (m - off))
    return xx + yy - 2 * sum(k(a, b) for a in x for b in y) / (n * m)


@pytest.mark.parametrize("unbiased", [True, False])
def test_mmd_against_loops(unbiased):
    x, y = RNG.normal(size=(4, 2)), RNG.normal(size=(5, 2)) + 1
    true = naive_mmd(x, y, 0.7, unbiased) + naive_mmd(x, y, 2.0, unbiased)
    kernel = dv.gaussian_mixture((0.7, 2.0))
    assert dv.squared_mmd(x, y, kernel, unbiased) == pytest.approx(true, abs=1e-12)
    gradcheck(lambda a, b: dv.squared_mmd(a, b, kernel, unbiased), [x, y], order=2)


def test_mmd_of_two_gaussians():
    # E k = (1 + 2 / s^2)^(-1/2) exp(-d^2 / (2 (s^2 + 2))) for N(0, 1), N(d, 1): MMD^2 = 2 E k(0) - 2 E k(d)
    rng, s, d = np.random.default_rng(1), 1.0, 1.0
    true = 2 * (1 + 2 / s ** 2) ** -0.5 * (1 - math.exp(-d ** 2 / (2 * (s ** 2 + 2))))
    x, y = rng.normal(size=(1500, 1)), rng.normal(size=(1500, 1)) + d
    kernel = dv.gaussian_mixture((s,))
    # its standard error is about 2 sqrt(0.05 / 1500) = 0.012: 3 of them
    assert dv.squared_mmd(x, y, kernel) == pytest.approx(true, abs=0.036)
    # equal distributions: the U-statistic has mean 0, with standard error about 1 / 1500 per set of this size
    draws = [dv.squared_mmd(rng.normal(size=(60, 1)), rng.normal(size=(60, 1)), kernel) for _ in range(200)]
    assert abs(np.mean(draws)) < 3 * np.std(draws) / math.sqrt(200) and min(draws) < 0
    assert dv.squared_mmd(x[:5], x[:5], kernel, unbiased=False) == pytest.approx(0, abs=1e-15)


def test_errors_of_mmd():
    with pytest.raises(ValueError, match="with N, M >= 2"):
        dv.squared_mmd([[0.0]], [[1.0]])
    with pytest.raises(ValueError, match="expected bandwidths > 0"):
        dv.gaussian_mixture((1.0, 0.0))


# Linear programs

def distances(a, b):
    return np.linalg.norm(a[:, None] - b[None], axis=2)


def test_plan_and_potentials_prove_each_other():
    p, q, cost = simplex((6,)), simplex((4,)), distances(RNG.normal(size=(6, 2)), RNG.normal(size=(4, 2)))
    found = dv.optimal_transport(p, q, cost)
    assert np.abs(found.plan.sum(1) - p).max() < 1e-9 and np.abs(found.plan.sum(0) - q).max() < 1e-9
    assert found.plan.min() >= 0 and (found.plan * cost).sum() == pytest.approx(found.value, abs=1e-9)
    slack = cost - found.f[:, None] - found.g
    assert slack.min() > -1e-9 and np.abs(slack[found.plan > 1e-12]).max() < 1e-9
    assert p @ found.f + q @ found.g == pytest.approx(found.value, abs=1e-9)


def test_programs_agree_with_cumulative_sums_on_a_line():
    p, q, places = simplex((8,)), simplex((8,)), np.sort(RNG.normal(size=8))
    d = np.abs(places[:, None] - places)
    true = dv.earth_mover_1d(p, q, places)
    value, f = dv.kantorovich_potential(p, q, d)
    assert dv.optimal_transport(p, q, d).value == pytest.approx(true, abs=1e-9)
    assert value == pytest.approx(true, abs=1e-9) == (p - q) @ f and (f[:, None] - f <= d + 1e-9).all()
    assert dv.kantorovich_potential(p, q, d, lipschitz=3)[0] == pytest.approx(3 * true, abs=1e-9)


def test_errors_of_programs():
    with pytest.raises(ValueError, match=r"expected masses \(N,\) and \(M,\) and a cost \(N, M\)"):
        dv.optimal_transport([1.0], [0.5, 0.5], [[1.0]])
    with pytest.raises(ValueError, match="with one total, got totals 1 and 2"):
        dv.optimal_transport([1.0], [2.0], [[1.0]])
    with pytest.raises(ValueError, match="a Lipschitz constant > 0"):
        dv.kantorovich_potential([1.0], [1.0], [[0.0]], lipschitz=0)
