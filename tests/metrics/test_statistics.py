"""Streaming mean and covariance: the same as in one go for any cut, no digits lost to a large mean, clear errors."""
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygan
from tinygan.kernels import threads
from tinygan.metrics import Statistics, kid, statistics, vendi_score


def features(n, d, seed=0, offset=0.0):
    return np.random.default_rng(seed).standard_normal((n, d)) + offset


def close(found, x, rtol=1e-12):
    """Against NumPy's mean and cov. 1e-12: a few hundred roundings of 1e-16 of sums of at most 300 terms."""
    np.testing.assert_allclose(found.mean, x.mean(axis=0), rtol=rtol, atol=rtol)
    for ddof in (0, 1):
        np.testing.assert_allclose(found.covariance(ddof), np.atleast_2d(np.cov(x, rowvar=False, ddof=ddof)),
                                   rtol=rtol, atol=rtol)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=6), st.integers(1, 5), st.integers(0, 9))
def test_any_cut_gives_the_same(sizes, d, seed):
    x = features(sum(sizes) + 2, d, seed)
    found, end = Statistics(), 0
    for size in (*sizes, 2):
        found.update(x[end:end + size])
        end += size
    assert found.n == len(x)
    close(found, x)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 30), st.integers(0, 30), st.integers(1, 4))
def test_merged_is_as_seen_together_and_the_other_stays(n, m, d):
    x, y = features(n + 2, d, 1), features(m, d, 2) + 3
    left, right = Statistics(x), Statistics(y)
    kept = (right.n, None if right.mean is None else right.mean.copy())
    assert left.merge(right) is left
    close(left, np.concatenate([x, y]))
    left.update(features(3, d, 3))  # must not write into what came from the other one
    assert right.n == kept[0] and (right.mean is None or (right.mean == kept[1]).all())


def test_merging_into_nothing_copies():
    right = Statistics(features(9, 2))
    before = right.scatter.copy()
    Statistics().merge(right).update(features(5, 2, 1))
    assert (right.scatter == before).all()


def test_a_large_mean_costs_no_digits():
    # offset and numbers are multiples of 2^-20, so x is exact; sums of squares would be off by 1e16 * 1e-16 = 1
    x = np.round(features(10000, 3) * 2 ** 20) / 2 ** 20
    plain, moved = Statistics(x), Statistics()
    for start in range(0, 10000, 700):
        moved.update(x[start:start + 700] + 2.0 ** 27)
    # means near 1.3e8 are rounded to 3e-8; between parts they differ by 0.04: the products are off by 2e-9
    np.testing.assert_allclose(moved.covariance(), plain.covariance(), rtol=0, atol=1e-8)


def test_the_scatter_is_exactly_symmetric():
    found = Statistics()
    for seed in range(5):
        found.update(features(50 + seed, 7, seed, offset=seed))
    assert (found.scatter == found.scatter.T).all()


def test_a_constant_feature_has_variance_0():
    x = np.column_stack([features(6, 1)[:, 0], np.full(6, 0.1)])
    assert Statistics(x).covariance()[1, 1] == pytest.approx(0, abs=1e-32)
    assert statistics(np.ones((4, 2)))[1].tolist() == [[0, 0], [0, 0]]


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.uint8, np.int64])
def test_any_real_dtype_is_summed_in_float64(dtype):
    x = (features(100, 2) * 20 + 100).astype(dtype)
    close(Statistics(x), x.astype(np.float64))
    close(Statistics(tinygan.tensor(x.astype(np.float32))), x.astype(np.float64))


def test_save_and_load_give_the_same_bits(tmp_path):
    found = Statistics(features(20, 3))
    found.save(tmp_path / "s.npz")
    again = Statistics.load(tmp_path / "s.npz")
    assert again.n == 20 and (again.mean == found.mean).all() and (again.scatter == found.scatter).all()
    close(again.update(features(5, 3, 9)), np.concatenate([features(20, 3), features(5, 3, 9)]))


def test_what_is_no_such_file_is_refused(tmp_path):
    path = tmp_path / "s.npz"
    with pytest.raises(ValueError, match="Statistics.load: expected a file that Statistics.save wrote"):
        Statistics.load(path)
    path.write_bytes(b"PK\x03\x04 not a zip file")
    with pytest.raises(ValueError, match="Statistics.load"):
        Statistics.load(path)
    np.savez(path, n=3, mean=np.zeros(2))
    with pytest.raises(ValueError, match="KeyError"):
        Statistics.load(path)
    np.savez(path, n=3, mean=np.zeros(2), scatter=np.zeros((3, 3)))
    with pytest.raises(ValueError, match=r"a scatter \(D, D\)"):
        Statistics.load(path)
    np.save(tmp_path / "a.npy", np.zeros(2))
    with pytest.raises(ValueError, match="Statistics.load"):
        Statistics.load(tmp_path / "a.npy")
    with pytest.raises(ValueError, match="Statistics.save: expected statistics of some samples"):
        Statistics().save(path)


@pytest.mark.parametrize("n, ddof, message", [(0, 1, "two samples, got 0"), (1, 1, "two samples, got 1"),
                                              (0, 0, "one sample, got 0"), (2, 2, "3 samples, got 2")])
def test_too_few_samples_have_no_covariance(n, ddof, message):
    with pytest.raises(ValueError, match=f"statistics: expected at least {message}"):
        Statistics(np.zeros((n, 2))).covariance(ddof)
    assert (Statistics(np.ones((1, 2))).covariance(0) == 0).all()


def test_a_refused_part_leaves_what_was_there():
    found = Statistics(features(9, 2))
    before = found.scatter.copy()
    bad = np.zeros((4, 2))
    bad[3, 0] = np.nan
    for part, message in ((bad, "NaN or infinity in sample 3"), (np.zeros((4, 3)), r"\(N, 2\) as before, got \(N, 3\)"),
                          (np.zeros(2), "shape"), (np.zeros((2, 2), complex), "floating or integer dtype"),
                          ([["a", "b"]], "floating or integer dtype")):
        with pytest.raises(ValueError, match=message):
            found.update(part)
    assert found.n == 9 and (found.scatter == before).all()
    with pytest.raises(ValueError, match="as before"):
        found.merge(Statistics(features(4, 3)))


@pytest.mark.parametrize("score", [lambda x: Statistics(x), lambda x: kid(x, x, 2, 20), vendi_score,
                                   lambda x: kid(x, x, 2, 20, compat="clean-fid")])
def test_products_are_made_by_one_thread_of_blas(score, monkeypatch):
    # more of them would give other bits on machines with other numbers of cores
    from threadpoolctl import threadpool_info, threadpool_limits
    monkeypatch.setattr(threads, "_blas_limit", None)
    with threadpool_limits(limits=2, user_api="blas"):
        score(features(40, 8))
        assert {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"} <= {1}
