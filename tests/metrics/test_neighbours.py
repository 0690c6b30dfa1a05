"""Precision, recall, density, coverage against loops; ties, blocks and memory; expectations; clear errors."""
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinygan.metrics.neighbours import density_coverage, neighbour_radii, precision_recall, prdc, squared_distances


def by_loops(real, fake, k, inclusive):
    def inside(distance, radius):
        return distance <= radius if inclusive else distance < radius

    def radii(x):
        return [sorted(((a - b) ** 2).sum() for j, b in enumerate(x) if j != i)[k - 1] for i, a in enumerate(x)]
    r, s, n, m = radii(real), radii(fake), len(real), len(fake)
    d = [[((a - b) ** 2).sum() for b in fake] for a in real]
    held = np.array([[inside(d[i][j], r[i]) for j in range(m)] for i in range(n)])
    recalled = np.array([[inside(d[i][j], s[j]) for j in range(m)] for i in range(n)])
    return held.any(axis=0).mean(), recalled.any(axis=1).mean(), held.sum() / (k * m), held.any(axis=1).mean()


@settings(max_examples=60, deadline=None)
@given(st.integers(4, 16), st.integers(4, 16), st.integers(1, 4), st.integers(1, 3), st.booleans(), st.booleans(),
       st.integers(0, 99))
def test_against_loops_with_many_ties(n, m, d, k, inclusive, grid, seed):
    # on a grid most distances are tied, and are exact in float64 as well as in float32
    rng = np.random.default_rng(seed)
    real, fake = ((rng.integers(0, 4, (size, d)) if grid else rng.standard_normal((size, d))) for size in (n, m))
    expected = by_loops(real, fake, k, inclusive)
    # blocks of one to four rows, so that every way of cutting is met
    for memory in (32 * d * 4 + 40 * 16, 2 ** 20):
        assert prdc(real, fake, k, inclusive, memory) == pytest.approx(expected, abs=1e-15)
    assert precision_recall(real, fake, k, inclusive) == pytest.approx(expected[:2], abs=1e-15)
    assert density_coverage(real, fake, k, inclusive) == pytest.approx(expected[2:], abs=1e-15)


@pytest.mark.parametrize("offset, scale", [(0, 1), (1e4, 1), (0, 1e-30), (0, 1e30), (100, 1e-3)])
def test_the_same_set_far_from_the_origin_and_in_any_unit(offset, scale):
    # offsets keep at least 10 digits of differences that ties must share: the k-th neighbour is on the edge itself
    x = (np.random.default_rng(0).standard_normal((40, 6)) + offset) * scale
    assert prdc(x, x, k=3) == pytest.approx((1, 1, 1, 1), abs=1e-15)  # itself and two of three neighbours
    assert prdc(x, x, k=3, inclusive=True) == pytest.approx((1, 1, 4 / 3, 1), abs=1e-15)


def test_defaults_are_those_of_the_originals():
    rng = np.random.default_rng(1)
    real, fake = rng.integers(0, 3, (40, 2)), rng.integers(0, 3, (30, 2))
    assert precision_recall(real, fake) == pytest.approx(by_loops(real, fake, 3, True)[:2])
    assert density_coverage(real, fake) == pytest.approx(by_loops(real, fake, 5, False)[2:])
    assert prdc(real, fake) == pytest.approx(by_loops(real, fake, 5, False))


@pytest.mark.parametrize("k", [1, 3, 5])
def test_equal_distributions_have_the_expected_coverage(k):
    # Naeem et al. 2020, eq. 8: a real is not covered when its k nearest of all N - 1 + M others are reals
    n, m = 1000, 1000
    missed = np.prod([(n - i) / (n + m - i) for i in range(1, k + 1)])
    assert missed == pytest.approx(0.5 ** k, rel=k * k / n)
    found = [density_coverage(*np.random.default_rng(s).standard_normal((2, 1000, 8)), k=k) for s in range(4)]
    # 4,000 balls, which overlap: the standard error is about twice sqrt(p (1 - p) / 4000), 0.016 at most
    assert np.mean([f.coverage for f in found]) == pytest.approx(1 - missed, abs=0.035 * np.sqrt(missed))
    assert np.mean([f.density for f in found]) == pytest.approx(1, abs=0.05)


def test_noise_costs_precision_density_and_coverage():
    rng = np.random.default_rng(7)
    real, fake, noise = rng.standard_normal((3, 400, 6))
    found = np.array([prdc(real, fake + s * noise) for s in (0, 0.5, 1, 2)])
    assert (np.diff(found[:, [0, 2, 3]], axis=0) < 0).all()


def test_what_the_four_say():
    rng = np.random.default_rng(2)
    real = np.concatenate([rng.standard_normal((100, 4)), rng.standard_normal((100, 4)) + 50])
    one_mode, far = rng.standard_normal((200, 4)) * 0.5, rng.standard_normal((200, 4)) + 500
    found = prdc(real, one_mode)
    assert found.precision > 0.95 and found.recall < 0.5 and found.coverage < 0.5 < 1 < found.density
    assert prdc(real, far) == (0, 0, 0, 0)
    assert prdc(one_mode, real).recall > 0.95  # roles exchanged


def test_identical_samples():
    same = np.full((6, 3), 0.1)
    assert prdc(same, same, k=2) == (0, 0, 0, 0)                          # no distance is below a radius of 0
    assert prdc(same, same, k=2, inclusive=True) == (1, 1, 3, 1)          # all six balls hold each fake: 6 / k
    other = np.random.default_rng(3).standard_normal((6, 3))
    collapsed = np.tile(other[0], (6, 1))
    assert prdc(other, collapsed, k=2).precision == 1 and prdc(other, collapsed, k=2).recall == 0
    assert precision_recall(other, collapsed, k=2).recall == pytest.approx(1 / 6)  # <=: the one that was copied


def test_distances_of_near_neighbours():
    rng = np.random.default_rng(4)
    a = rng.standard_normal((20, 50))
    b = np.concatenate([a + 1e-5 * rng.standard_normal((20, 50)), a, rng.standard_normal((5, 50))])
    true = ((a[:, None] - b) ** 2).sum(axis=2)
    # errors of 1e-14 in sums of size 100 against squares of 5e-9: 1e-5 of them; copies are 0 exactly
    np.testing.assert_allclose(squared_distances(a, b), true, rtol=1e-4)
    assert (squared_distances(a, a.copy()).diagonal() == 0).all()


@pytest.mark.parametrize("memory", [1 << 16, 1 << 18, 1 << 24])
def test_radii_do_not_depend_on_the_blocks(memory):
    x = np.random.default_rng(5).standard_normal((150, 7))
    true = np.sort(((x[:, None] - x) ** 2).sum(axis=2), axis=1)[:, 4]
    np.testing.assert_allclose(neighbour_radii(x, 4, memory), true, rtol=1e-6)


def test_the_memory_budget_is_kept():
    real, fake = np.random.default_rng(6).standard_normal((2, 700, 64))
    prdc(real, fake)  # what is loaded once is loaded
    for memory in (2 ** 19, 2 ** 21):
        tracemalloc.start()
        prdc(real, fake, memory=memory)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        # on top of it 16 (k + 1) bytes per sample, and a few arrays of a number per sample
        assert peak < memory + 1400 * (16 * 6 + 40)


@pytest.mark.parametrize("real, fake, k, message", [
    (np.ones((5, 2)), np.ones((4, 2)), 4, "1 <= k < 4"),
    (np.ones((5, 2)), np.ones((4, 2)), 0, "got k = 0"),
    (np.ones((1, 2)), np.ones((4, 2)), 1, "two samples, got 1"),
    (np.ones((5, 2)), np.ones((5, 1)), 1, "equal dimension"),
    (np.full((5, 2), np.inf), np.ones((5, 2)), 1, "NaN or infinity in sample 0"),
])
def test_clear_errors(real, fake, k, message):
    for function in (prdc, precision_recall, density_coverage):
        with pytest.raises(ValueError, match=f"{function.__name__}: .*{message}"):
            function(real, fake, k)
    with pytest.raises(ValueError, match="expected memory for at least one pair"):
        prdc(np.ones((5, 2)), np.ones((5, 2)), 1, memory=10)
