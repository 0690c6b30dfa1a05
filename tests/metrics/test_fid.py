"""FID of features: which form it takes, that a set against itself is 0, and the arithmetic of other libraries."""
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinygan.metrics import fid, frechet_distance, statistics


def positive(n, d, seed, scale=1.0):
    """Positive correlated features, as those after a ReLU are."""
    rng = np.random.default_rng(seed)
    return np.abs(rng.standard_normal((n, d)) @ np.random.default_rng(99).standard_normal((d, d)) / np.sqrt(d)) * scale


@pytest.mark.parametrize("n, m, d", [(50, 60, 8), (8, 60, 8), (5, 6, 8), (60, 5, 8), (2, 2, 1), (40, 30, 64)])
def test_every_form_is_the_formula(n, m, d):
    x, y = positive(n, d, 0), positive(m, d, 1, 1.3)
    # the root of S T has the trace of the roots of the eigenvalues; general eigenvalues of singular matrices are good
    # to 1e-8 (the root of 1e-16), the two forms that are compared with them to 1e-14
    (mu1, s), (mu2, t) = statistics(x), statistics(y)
    roots = np.sqrt(np.linalg.eigvals(s @ t).astype(complex)).real.sum()
    expected = ((mu1 - mu2) ** 2).sum() + np.trace(s) + np.trace(t) - 2 * roots
    assert fid(x, y) == pytest.approx(expected, rel=1e-6)
    assert fid(y, x) == pytest.approx(fid(x, y), rel=1e-12)


@pytest.mark.parametrize("n, d", [(200, 16), (17, 16), (16, 16), (10, 64), (2, 5)])
def test_a_set_against_itself_is_0(n, d):
    x = positive(n, d, 2)
    # a few hundred eigenvalues or singular values of size up to 10, each rounded to 1e-15
    assert 0 <= fid(x, x) < 1e-12 and 0 <= fid(x, x[::-1]) < 1e-12


def test_few_samples_are_exact_where_the_formula_of_moments_is_not():
    # rows of one matrix, moved by c: the distance is c^2. Through covariances an error of 1e-7 remains.
    x = positive(20, 100, 3)
    c = np.full(100, 1e-4)
    assert fid(x, x + c) == pytest.approx(c @ c, rel=1e-6)
    assert abs(frechet_distance(*statistics(x), *statistics(x + c)) - c @ c) > 1e-9


def test_one_small_and_one_large_set_with_a_dead_feature():
    # the large set's covariance has no Cholesky factor: a feature that never changes
    x, y = positive(6, 12, 4), positive(100, 12, 5)
    y[:, 3] = 0.5
    a = (x - x.mean(0)) / np.sqrt(5)
    b = (y - y.mean(0)) / np.sqrt(99)
    expected = ((x.mean(0) - y.mean(0)) ** 2).sum() + (a ** 2).sum() + (b ** 2).sum() \
        - 2 * np.linalg.svd(a @ b.T, compute_uv=False).sum()
    assert fid(x, y) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("d", [3, 20])
def test_shift_scale_and_rotation(d):
    x, y, rng = positive(60, d, 6), positive(50, d, 7, 1.5), np.random.default_rng(8)
    q, c = np.linalg.qr(rng.standard_normal((d, d)))[0], rng.standard_normal(d)
    assert fid(x @ q + c, y @ q + c) == pytest.approx(fid(x, y), rel=1e-10)
    assert fid(x, x + c) == pytest.approx(c @ c, rel=1e-10)
    assert fid(3 * x, 3 * y) == pytest.approx(9 * fid(x, y), rel=1e-10)


def test_the_three_paths_of_the_trace_agree_with_scipys_root():
    linalg = pytest.importorskip("scipy.linalg")
    rng = np.random.default_rng(9)
    a, b = (f @ f.T / 20 for f in rng.standard_normal((2, 10, 20)))
    flat = a.copy()
    flat[:, 4] = flat[4] = 0  # singular, so that the other matrix is factorised, or neither
    tilt = np.diag(np.r_[np.ones(9), 0.0])
    zero = np.zeros(10)
    for s, t in ((a, b), (flat, b), (a, flat), (flat, tilt)):
        root = linalg.sqrtm(s @ t + 1e-14 * np.eye(10)).real  # sqrtm needs help where the product is singular
        # 1e-6: the roots of two eigenvalues of 1e-14 add 2e-7
        assert frechet_distance(zero, s, zero, t) == pytest.approx(np.trace(s + t - 2 * root), abs=1e-6)


@pytest.mark.parametrize("d", [4, 150])  # from 128 dimensions on the threads of LAPACK are limited
def test_nearly_singular_covariances(d):
    # commuting, with variances down to 1e-12 of the largest: their roots are off by the roots of the rounding errors
    rng = np.random.default_rng(10)
    q = np.linalg.qr(rng.standard_normal((d, d)))[0]
    a, b = np.logspace(0, -12, d), np.logspace(-12, 0, d)
    expected = ((np.sqrt(a) - np.sqrt(b)) ** 2).sum()
    assert frechet_distance(np.zeros(d), q * a @ q.T, np.zeros(d), q * b @ q.T) == pytest.approx(expected, abs=1e-6 * d)


def test_it_grows_with_noise():
    x, y, noise = positive(150, 10, 1), positive(150, 10, 2), np.random.default_rng(3).standard_normal((150, 10))
    for n in (150, 8):  # both forms
        values = [fid(x[:n], y[:n] + s * noise[:n]) for s in (0, 0.3, 0.6, 1.2)]
        assert values == sorted(values)


def test_its_bias_falls_like_1_over_n():
    # the same distribution twice; N d^2 has a spread of some 10 % in 16 dimensions, 3 % after 20 pairs
    def mean(n):
        return np.mean([fid(*np.random.default_rng(s).standard_normal((2, n, 16))) for s in range(20)])
    assert mean(400) / mean(1600) == pytest.approx(4, rel=0.12)


def test_torch_fidelity_is_written_out():
    x, y = (positive(300, 8, s).astype(np.float32) for s in (1, 2))
    mu1, mu2 = x.mean(0), y.mean(0)
    assert mu1.dtype == np.float32
    s, t = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    roots = np.sqrt(np.linalg.eigvals(t @ s)).sum()
    expected = float((mu2 - mu1).dot(mu2 - mu1)) + np.trace(s) + np.trace(t) - 2 * roots
    assert fid(x, y, compat="torch-fidelity") == pytest.approx(expected, rel=1e-13)
    assert fid(x, y, compat="torch-fidelity") == pytest.approx(fid(x, y), rel=1e-4)


def test_torch_fidelity_takes_the_mean_in_float32():
    # a mean of 1000: float32 adds row by row and loses 1e-7 of the sum, which the true distance does not show
    x = (positive(2000, 4, 1) + 1000).astype(np.float32)
    y = (positive(1900, 4, 2) + 1000).astype(np.float32)
    shift, exact = x.mean(0) - y.mean(0), x.astype(float).mean(0) - y.astype(float).mean(0)
    expected = shift @ shift - exact @ exact
    assert abs(expected) > 1e-6
    found = fid(x, y, compat="torch-fidelity") - fid(x, y)
    assert found == pytest.approx(expected, rel=1e-2)


def test_pytorch_fid_equals_the_definition_and_stylegan_divides_by_n():
    pytest.importorskip("scipy")
    x, y = positive(300, 8, 1), positive(200, 8, 2, 1.2)
    assert fid(x, y, compat="pytorch-fid") == pytest.approx(fid(x, y), rel=1e-10)
    x, y = x.astype(np.float32), y.astype(np.float32)
    (mu1, s), (mu2, t) = statistics(x), statistics(y)
    expected = frechet_distance(mu1, s * 299 / 300, mu2, t * 199 / 200)
    # raw moments of numbers of size 1 keep 15 digits
    assert fid(x, y, compat="stylegan2-ada") == pytest.approx(expected, rel=1e-10)


def test_pytorch_fid_adds_to_the_diagonal_when_the_root_is_not_finite(monkeypatch):
    from scipy import linalg
    x, y = positive(30, 3, 1), positive(30, 3, 2)
    plain, calls = linalg.sqrtm, []

    def failing(product):
        calls.append(product)
        return plain(product) if len(calls) > 1 else np.full_like(product, np.nan)
    monkeypatch.setattr(linalg, "sqrtm", failing)
    found = fid(x, y, compat="pytorch-fid")
    (_, s), (_, t) = statistics(x), statistics(y)
    np.testing.assert_allclose(calls[1], (t + 1e-6 * np.eye(3)) @ (s + 1e-6 * np.eye(3)), rtol=1e-10)
    # only the root is of the changed matrices: each root of an eigenvalue grows by about 1e-6
    assert -2e-5 < found - fid(x, y) < 0
    monkeypatch.setattr(linalg, "sqrtm", lambda product: product + 1j)
    with pytest.raises(ValueError, match="fid: expected a real root"):
        fid(x, y, compat="pytorch-fid")


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 12), st.integers(2, 12), st.integers(1, 9), st.integers(0, 5), st.booleans())
def test_degenerate_sets_give_a_finite_number(n, m, d, seed, constant):
    x = np.random.default_rng(seed).standard_normal((n, d))
    y = np.full((m, d), 0.3) if constant else np.random.default_rng(seed + 1).standard_normal((m, 1)) * np.ones(d)
    found = fid(x, y)
    assert 0 <= found < np.inf
    if constant:  # nothing but the distance of the means and the trace is left
        expected = ((x.mean(0) - 0.3) ** 2).sum() + x.var(axis=0, ddof=1).sum()
        assert found == pytest.approx(expected, rel=1e-10)


GOOD = np.random.default_rng(0).standard_normal((6, 2))
BAD = GOOD.copy()
BAD[4, 1] = np.inf


@pytest.mark.parametrize("real, fake, options, message", [
    (GOOD[:1], GOOD, {}, "fid: real: expected at least two samples, got 1"),
    (GOOD, GOOD[:0], {}, "fid: fake: expected at least two samples, got 0"),
    (GOOD, GOOD[:, :1], {}, r"equal dimension, got \(6, 2\) and \(6, 1\)"),
    (GOOD, BAD, {}, "fid: fake: expected finite features, got NaN or infinity in sample 4"),
    (GOOD[0], GOOD, {}, "fid: real: expected features of shape"),
    (GOOD > 0, GOOD, {}, "floating or integer dtype, got bool"),
    (GOOD, GOOD, {"compat": "clean"}, "expected compat None or one of 'torch-fidelity'"),
])
def test_clear_errors(real, fake, options, message):
    with pytest.raises(ValueError, match=message):
        fid(real, fake, **options)
