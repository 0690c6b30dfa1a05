"""KID against loops, its random streams and conventions written out, an expectation of 0, clear errors."""
import math

import numpy as np
import pytest

from tinygan.metrics.kid import kid, kid_blocks


def features(n, d, seed, shift=0.0, dtype=np.float64):
    return (np.abs(np.random.default_rng(seed).standard_normal((n, d))) + shift).astype(dtype)


def by_loops(x, y):
    d, n, m = x.shape[1], len(x), len(y)

    def k(a, b):
        return (sum(a[i] * b[i] for i in range(d)) / d + 1) ** 3
    within_x = sum(k(x[i], x[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    within_y = sum(k(y[i], y[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    return within_x + within_y - 2 * sum(k(a, b) for a in x for b in y) / (n * m)


def test_the_whole_of_both_sets_by_loops():
    x, y = features(9, 3, 0), features(9, 3, 1, 0.2)
    found = kid(x, y, subsets=3)  # each subset is a permutation of all
    assert found == pytest.approx((by_loops(x, y), 0), rel=1e-11, abs=1e-14)
    for compat in ("torch-fidelity", "clean-fid", "stylegan2-ada"):
        assert kid(x, y, 2, 9, compat=compat).mean == pytest.approx(by_loops(x, y), rel=1e-11)


def test_subsets_are_averaged():
    x, y = features(30, 4, 2), features(20, 4, 3)
    generator = np.random.default_rng(7)
    values = []
    for _ in range(5):
        b = y[generator.choice(20, 6, replace=False)]
        a = x[generator.choice(30, 6, replace=False)]
        values.append(by_loops(a, b))
    assert kid(x, y, 5, 6, seed=7) == pytest.approx((np.mean(values), np.std(values)), rel=1e-10)


def test_torch_fidelity_in_float32_with_its_stream():
    # its terms: kernels of float32 features, rows summed first, the first input (samples) drawn first
    real, fake = features(50, 16, 4, dtype=np.float32), features(40, 16, 5, 0.1, dtype=np.float32)
    rng, values = np.random.RandomState(2020), []
    for _ in range(4):
        f, r = fake[rng.choice(40, 20, replace=False)], real[rng.choice(50, 20, replace=False)]
        ff, rr, fr = ((np.matmul(a, b.T) * (1 / 16) + 1) ** 3 for a, b in ((f, f), (r, r), (f, r)))
        sums = (ff.sum(axis=1) - np.diagonal(ff)).sum() + (rr.sum(axis=1) - np.diagonal(rr)).sum()
        assert sums.dtype == np.float32
        values.append(sums / (20 * 19) - 2 * fr.sum(axis=0).sum() / 400)
    found = kid(real, fake, 4, 20, compat="torch-fidelity")
    assert found == pytest.approx((np.mean(values), np.std(values)), rel=1e-12)
    exact = kid(real.astype(float), fake.astype(float), 4, 20, compat="torch-fidelity")
    assert found != exact and found.mean == pytest.approx(exact.mean, abs=1e-5)


@pytest.mark.parametrize("compat", ["clean-fid", "stylegan2-ada"])
def test_clean_fid_draws_as_numpys_global_generator_does(compat):
    real, fake = features(30, 5, 6), features(25, 5, 7)
    rng, total = np.random.RandomState(3), 0
    for _ in range(4):
        x, y = fake[rng.choice(25, 25, replace=False)], real[rng.choice(30, 25, replace=False)]
        total += by_loops(x, y)
    assert kid(real, fake, 4, seed=3, compat=compat).mean == pytest.approx(total / 4, rel=1e-9)


def test_it_is_unbiased():
    # 200 pairs of independent sets of one distribution; the biased estimate would be 5 standard errors above 0 or more
    values = [kid(features(12, 3, 2 * s), features(12, 3, 2 * s + 1), subsets=1).mean for s in range(200)]
    assert abs(np.mean(values)) < 3 * np.std(values) / math.sqrt(200) and min(values) < 0
    diagonal = np.mean([((x * x).sum(1) / 3 + 1) ** 3 for x in (features(12, 3, s) for s in range(20))])
    rest = np.mean([((x @ x.T / 3 + 1) ** 3).mean() for x in (features(12, 3, s) for s in range(20))])
    assert 2 * (diagonal - rest) / 12 > 5 * np.std(values) / math.sqrt(200)


def test_it_grows_with_a_shift():
    values = [kid(features(200, 4, 0), features(200, 4, 1, s), 10, 50).mean for s in (0, 0.3, 0.6, 1.2)]
    assert values == sorted(values)


def test_blocks_use_every_sample_once():
    x, y = features(11, 3, 8), features(9, 3, 9)
    values = [by_loops(a, b) for a, b in zip(np.array_split(x, 3), np.array_split(y, 3))]
    found = kid_blocks(x, y, block_size=4)
    assert found == pytest.approx((np.mean(values), np.std(values, ddof=1) / math.sqrt(3)), rel=1e-10)
    one = kid_blocks(x, y)
    assert one.mean == pytest.approx(by_loops(x, y), rel=1e-10) and math.isnan(one.std)


def test_constant_features_are_0_apart():
    assert kid(np.ones((5, 2)), np.ones((4, 2)), 2) == pytest.approx((0, 0), abs=1e-14)
    assert kid(np.zeros((5, 2)), np.ones((5, 2)), 2).mean == pytest.approx(1 + 8 - 2)


def test_the_seed_decides():
    x, y = features(40, 3, 1), features(40, 3, 2)
    state = np.random.get_state()[1].copy()
    assert kid(x, y, 3, 10) == kid(x, y, 3, 10) == kid(x, y, 3, 10, seed=0) != kid(x, y, 3, 10, seed=1)
    assert (np.random.get_state()[1] == state).all()  # nobody else's numbers are used up


@pytest.mark.parametrize("function", [kid, kid_blocks])
@pytest.mark.parametrize("x, y, message", [
    (np.ones((1, 2)), np.ones((4, 2)), "two samples, got 1"),
    (np.ones((4, 2)), np.ones((4, 3)), "equal dimension"),
    (np.ones((4, 2)), np.full((4, 2), np.nan), "fake: expected finite"),
    (np.ones((4, 2, 1)), np.ones((4, 2)), "real: expected features of shape"),
])
def test_clear_errors(function, x, y, message):
    with pytest.raises(ValueError, match=f"{function.__name__}: .*{message}"):
        function(x, y)


def test_clear_errors_of_settings():
    x = features(6, 2, 0)
    for options in ({"subset_size": 7}, {"subset_size": 1}, {"subsets": 0}):
        with pytest.raises(ValueError, match="kid: expected 2 <= subset_size <= 6"):
            kid(x, x, **options)
    with pytest.raises(ValueError, match="kid: expected compat"):
        kid(x, x, compat="mimicry")
    for size in (1, 2):  # blocks of two from one set leave one sample of the other
        with pytest.raises(ValueError, match="kid_blocks: expected block_size >= 2 and at least two samples"):
            kid_blocks(x, x[:3], block_size=size)
