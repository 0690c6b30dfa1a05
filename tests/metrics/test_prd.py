"""PRD: the curve of given shares in closed form, k-means on known clusters, precision and recall told apart."""
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinygan.metrics.prd import f_score, k_means, prd, prd_curve

BLOBS = np.array([[0.0, 0], [10, 0], [0, 10], [10, 10]])


def blobs(modes, n, seed):
    rng = np.random.default_rng(seed)
    return BLOBS[rng.integers(0, modes, n)] + 0.3 * rng.standard_normal((n, 2))


def test_equal_shares_reach_1_and_disjoint_ones_stay_at_0():
    precision, recall = prd_curve([0.5, 0.3, 0.2], [0.5, 0.3, 0.2])
    slopes = np.tan(np.linspace(1e-10, np.pi / 2 - 1e-10, 1001))
    np.testing.assert_allclose(precision, np.minimum(slopes, 1), rtol=1e-12)
    np.testing.assert_allclose(recall, np.minimum(1, 1 / slopes), rtol=1e-12)
    assert f_score(precision, recall, 8) == pytest.approx(1, rel=1e-12)
    precision, recall = prd_curve([1.0, 0], [0, 1.0])
    assert not precision.any() and not recall.any() and f_score(precision, recall, 8) == 0


def test_half_of_the_modes():
    # p = (1/2, 1/2), q = (1, 0): precision min(tan t / 2, 1), recall min(1/2, 1 / tan t)
    precision, recall = prd_curve([0.5, 0.5], [1.0, 0.0])
    assert precision.max() == pytest.approx(1) and recall.max() == pytest.approx(0.5)
    # both extremes are met at tan t = 2 (the grid of angles comes within 1e-3): F_8 = 65/2 / (64 + 1/2)
    assert f_score(precision, recall, 8) == pytest.approx(32.5 / 64.5, abs=2e-3)
    assert f_score(precision, recall, 1 / 8) == pytest.approx(65 / 64 * 0.5 / (1 / 64 + 0.5), abs=2e-3)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 8), st.integers(0, 99))
def test_a_curve_is_between_0_and_1_falls_and_turns_round_with_the_roles(k, seed):
    p, q = np.random.default_rng(seed).dirichlet(np.ones(k), 2)
    precision, recall = prd_curve(p, q, 101)
    assert precision.min() >= 0 and recall.min() >= 0 and max(precision.max(), recall.max()) <= 1 + 1e-12
    assert (np.diff(precision) >= -1e-12).all() and (np.diff(recall) <= 1e-12).all()
    swapped = prd_curve(q, p, 101)
    np.testing.assert_allclose(swapped[0][::-1], recall, atol=1e-12)  # tan(pi / 2 - t) = 1 / tan t
    # at 45 degrees both are 1 minus the total variation distance
    assert precision[50] == pytest.approx(1 - np.abs(p - q).sum() / 2, abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_k_means_finds_clusters_that_are_far_apart(seed):
    points = blobs(4, 200, seed) + 1e6
    centres, labels = k_means(points, 4, np.random.default_rng(seed))
    # k-means++ misses one of four such clusters about once in 10^3 times: the others weigh 100 / 0.18 times as much
    assert np.bincount(labels, minlength=4).min() > 20
    for c in range(4):
        np.testing.assert_allclose(centres[c], points[labels == c].mean(axis=0), rtol=1e-12)
    nearest = ((points[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)
    assert (nearest == labels).all()


def test_k_means_with_as_many_or_fewer_different_points_than_clusters():
    points = np.arange(5.0)[:, None]
    centres, labels = k_means(points, 5, np.random.default_rng(0))
    assert sorted(centres[:, 0]) == pytest.approx(range(5)) and len(set(labels)) == 5
    centres, labels = k_means(np.ones((6, 2)), 3, np.random.default_rng(0))
    np.testing.assert_allclose(centres, 1)
    centres, labels = k_means(points, 1, np.random.default_rng(0))
    assert centres.tolist() == [[2.0]] and not labels.any()
    for clusters in (0, 6):
        with pytest.raises(ValueError, match="k_means: expected 1 <= clusters <= 5"):
            k_means(points, clusters, np.random.default_rng(0))


def test_dropped_modes_cost_recall_and_invented_ones_precision():
    full, half = blobs(4, 400, 1), blobs(2, 400, 2)
    same = prd(full, blobs(4, 400, 3), clusters=4, runs=2)
    assert min(same.f8, same.f_eighth) > 0.9
    dropped, invented = prd(full, half, clusters=4, runs=2), prd(half, full, clusters=4, runs=2)
    assert dropped.f_eighth > 0.9 > 0.6 > dropped.f8 and invented.f8 > 0.9 > 0.6 > invented.f_eighth


def test_the_same_set_is_perfect_and_the_seed_decides():
    x, y = blobs(4, 100, 4), blobs(3, 100, 5)
    assert prd(x, x, runs=2)[2:] == pytest.approx((1, 1), rel=1e-9)
    first, again = prd(x, y, runs=2, seed=3), prd(x, y, runs=2, seed=3)
    assert (first.precision == again.precision).all() and first.f8 == again.f8
    assert first.precision.shape == (1001,)


def test_clear_errors():
    x = blobs(4, 30, 6)
    with pytest.warns(UserWarning, match="prd: 30 real and 29 fake samples"):
        prd(x, x[1:], clusters=3, runs=1)
    with pytest.raises(ValueError, match="k_means: expected 1 <= clusters <= 60"):
        prd(x, x, clusters=61)
    with pytest.raises(ValueError, match="prd: expected runs >= 1"):
        prd(x, x, runs=0)
    with pytest.raises(ValueError, match="prd: fake: expected finite"):
        prd(x, x * np.nan)
    for p, q, angles in (([0.5, 0.6], [0.5, 0.5], 9), ([1.0], [0.5, 0.5], 9), ([1.0], [1.0], 2), ([[1.0]], [[1.0]], 9),
                         ([1.5, -0.5], [0.5, 0.5], 9)):
        with pytest.raises(ValueError, match="prd_curve: expected two arrays"):
            prd_curve(p, q, angles)
