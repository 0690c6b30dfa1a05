"""The Frechet distance: closed forms and identities, another algorithm (SciPy's matrix square root), clear errors."""
import numpy as np
import pytest

import tinygan
from tinygan.metrics import frechet_distance, statistics


def covariance(rng, d, rank=None):
    a = rng.standard_normal((d, rank or 2 * d))
    return a @ a.T / a.shape[1]


def gaussian(rng, d):
    return rng.standard_normal(d), covariance(rng, d)


def orthogonal(rng, d):
    return np.linalg.qr(rng.standard_normal((d, d)))[0]


# Rounding in eigh of matrices of norm about 5 and d <= 24: a few 1e-15 per eigenvalue, whose roots add up.
CLOSE = dict(rel=1e-11, abs=1e-11)


@pytest.mark.parametrize("d", [1, 2, 7, 24])
def test_equal_gaussians_have_distance_0(d):
    mu, sigma = gaussian(np.random.default_rng(d), d)
    assert frechet_distance(mu, sigma, mu, sigma) == pytest.approx(0, abs=1e-12 * d)


@pytest.mark.parametrize("n, d", [(200, 16), (10, 16)])  # the second covariance is singular
def test_the_same_features_have_distance_0(n, d):
    mu, sigma = statistics(np.random.default_rng(0).exponential(size=(n, d)))
    # sigma has eigenvalues near 1e-17 when singular; their roots, 3e-9, are the error: it was 2e-7 at 256 dimensions
    assert 0 <= frechet_distance(mu, sigma, mu, sigma) < (1e-12 if n > d else 1e-6)


@pytest.mark.parametrize("m1, s1, m2, s2", [(0, 1, 0, 1), (0, 1, 3, 1), (0, 1, 0, 4), (1, 0.25, -2, 9), (0, 0, 2, 4)])
def test_one_dimension(m1, s1, m2, s2):
    expected = (m1 - m2) ** 2 + (np.sqrt(s1) - np.sqrt(s2)) ** 2
    assert frechet_distance(m1, s1, m2, s2) == pytest.approx(expected, **CLOSE)


def test_it_is_a_squared_distance():
    d = [[frechet_distance(a, 1.0, b, 1.0) for a in (0, 1, 2)] for b in (0, 1, 2)]
    assert d[0][1] == d[1][2] == 1 and d[0][2] == 4  # 1 + 1 < 4


def test_commuting_covariances():
    rng = np.random.default_rng(1)
    q, a, b, mu1, mu2 = orthogonal(rng, 12), rng.uniform(0, 3, 12), rng.uniform(0, 3, 12), *rng.standard_normal((2, 12))
    expected = ((mu1 - mu2) ** 2).sum() + ((np.sqrt(a) - np.sqrt(b)) ** 2).sum()
    assert frechet_distance(mu1, q * a @ q.T, mu2, q * b @ q.T) == pytest.approx(expected, **CLOSE)


def test_two_by_two_matrices_by_the_closed_form_of_the_root():
    # tr (ST)^(1/2) = sqrt(tr ST + 2 sqrt(det ST)) for 2 x 2 matrices (Cayley-Hamilton)
    rng = np.random.default_rng(2)
    for _ in range(20):
        s, t = covariance(rng, 2), covariance(rng, 2)
        root = np.sqrt(np.trace(s @ t) + 2 * np.sqrt(np.linalg.det(s) * np.linalg.det(t)))
        assert frechet_distance(np.zeros(2), s, np.zeros(2), t) == \
            pytest.approx(np.trace(s) + np.trace(t) - 2 * root, **CLOSE)


@pytest.mark.parametrize("d", [2, 5, 24])
def test_the_trace_equals_that_of_scipys_matrix_square_root(d):
    linalg = pytest.importorskip("scipy.linalg")
    rng = np.random.default_rng(d)
    (mu1, s), (mu2, t) = gaussian(rng, d), gaussian(rng, d)
    expected = ((mu1 - mu2) ** 2).sum() + np.trace(s) + np.trace(t) - 2 * np.trace(linalg.sqrtm(s @ t)).real
    # both are accurate to about the condition number (1e2) times 1e-16 times d
    assert frechet_distance(mu1, s, mu2, t) == pytest.approx(expected, rel=1e-10)


def test_symmetric_rotation_invariant_and_a_shift_adds_its_square():
    rng = np.random.default_rng(3)
    (mu1, s), (mu2, t), q, c = gaussian(rng, 9), gaussian(rng, 9), orthogonal(rng, 9), rng.standard_normal(9)
    d = frechet_distance(mu1, s, mu2, t)
    assert d > 1
    assert frechet_distance(mu2, t, mu1, s) == pytest.approx(d, **CLOSE)
    assert frechet_distance(q @ mu1 + c, q @ s @ q.T, q @ mu2 + c, q @ t @ q.T) == pytest.approx(d, **CLOSE)
    assert frechet_distance(mu1 + c, s, mu1, t) == pytest.approx(frechet_distance(mu1, s, mu1, t) + c @ c, **CLOSE)
    assert frechet_distance(2 * mu1, 4 * s, 2 * mu2, 4 * t) == pytest.approx(4 * d, **CLOSE)


def test_fewer_samples_than_dimensions_agrees_with_the_nuclear_norm():
    # tr (ST)^(1/2) is the sum of the singular values of A B^T, A = (X - mean) / sqrt(n - 1): no root of a tiny number
    rng = np.random.default_rng(4)
    x, y = rng.exponential(size=(20, 64)), rng.exponential(size=(30, 64)) * 1.3
    a, b = [(f - f.mean(0)) / np.sqrt(len(f) - 1) for f in (x, y)]
    expected = ((x.mean(0) - y.mean(0)) ** 2).sum() + (a ** 2).sum() + (b ** 2).sum() \
        - 2 * np.linalg.svd(a @ b.T, compute_uv=False).sum()
    assert frechet_distance(*statistics(x), *statistics(y)) == pytest.approx(expected, rel=1e-6)


def test_statistics_are_mean_and_unbiased_covariance():
    x = np.random.default_rng(5).standard_normal((9000, 5)) @ np.diag([1.0, 2, 3, 4, 5]) + 1e3  # more than two blocks
    mu, sigma = statistics(x)
    np.testing.assert_allclose(mu, x.mean(0), rtol=1e-13)
    np.testing.assert_allclose(sigma, np.cov(x, rowvar=False, ddof=1), rtol=1e-10, atol=1e-10)
    assert statistics(np.array([[1.0], [3.0]]))[1].tolist() == [[2.0]]


def test_statistics_are_float64_for_float32_features():
    x = np.random.default_rng(6).standard_normal((500, 3)).astype(np.float32) + np.float32(100)
    for given in (x, tinygan.tensor(x)):
        mu, sigma = statistics(given)
        assert mu.dtype == sigma.dtype == np.float64
        assert (mu == statistics(x.astype(np.float64))[0]).all()


@pytest.mark.parametrize("shape", [(4,), (4, 3, 2), (), (4, 0)])
def test_statistics_refuses_other_shapes(shape):
    with pytest.raises(ValueError, match="statistics: expected features of shape"):
        statistics(np.zeros(shape))


@pytest.mark.parametrize("n", [0, 1])
def test_statistics_refuses_too_few_samples(n):
    with pytest.raises(ValueError, match=f"statistics: expected at least two samples, got {n}"):
        statistics(np.zeros((n, 3)))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_statistics_names_the_sample_that_is_not_finite(value):
    x = np.zeros((5000, 3))
    x[4321, 1] = value
    with pytest.raises(ValueError, match="NaN or infinity in sample 4321"):
        statistics(x)


ZERO, ONE = np.zeros(3), np.eye(3)


@pytest.mark.parametrize("arguments, message", [
    ((ZERO, np.eye(2), ZERO, ONE), r"mu1 of shape \(D,\) and sigma1 of shape \(D, D\), got \(3,\) and \(2, 2\)"),
    ((ZERO, ONE, ZERO, np.ones(3)), "sigma2 of shape"),
    ((ZERO, ONE, np.zeros((3, 1)), ONE), "mu2 of shape"),
    ((ZERO, ONE, np.zeros(2), np.eye(2)), "equal dimension, got 3 and 2"),
    ((ZERO, ONE * np.nan, ZERO, ONE), "NaN or infinity in mu1 or sigma1"),
    ((ZERO, ONE, ZERO + np.inf, ONE), "NaN or infinity in mu2 or sigma2"),
    ((ZERO, ONE + np.triu(ONE + 1), ZERO, ONE), "expected a symmetric sigma1"),
    ((ZERO, ONE, ZERO, -ONE), "sigma2, got one with the negative eigenvalue -1"),
])
def test_statistics_that_make_no_sense_are_refused(arguments, message):
    with pytest.raises(ValueError, match=f"frechet_distance: .*{message}"):
        frechet_distance(*arguments)
