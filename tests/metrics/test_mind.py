"""MIND: closed forms of shifts, one dimension, unequal sizes against copies, clear errors."""
import numpy as np
import pytest

from tinygan.metrics.mind import mind


def features(n, d, seed):
    return np.random.default_rng(seed).standard_normal((n, d))


def test_the_same_set_in_any_order_is_0():
    x = features(30, 4, 0)
    assert mind(x, x, 10) == 0 and mind(x, x[::-1], 10) < 1e-28  # the same sums in other blocks of a product


def test_in_one_dimension_it_is_three_times_the_sorted_squares():
    x, y = features(20, 1, 1), features(20, 1, 2)
    expected = 3 * np.square(np.sort(x, axis=0) - np.sort(y, axis=0)).mean()
    assert mind(x, y, 5) == pytest.approx(expected, rel=1e-13)


def test_a_shift_costs_three_times_its_square():
    # the projection of c on a unit direction has the mean square |c|^2 / D; with 5,000 directions its relative
    # standard error is below sqrt(2 / 5000) = 0.02
    c = np.array([1.0, -2, 0.5, 3])
    x = features(50, 4, 3)
    assert mind(x, x + c, 5000) == pytest.approx(3 * c @ c, rel=0.06)


@pytest.mark.parametrize("n, m", [(6, 4), (1, 5), (7, 3), (10, 5)])
def test_unequal_sizes_are_as_copies_up_to_a_common_size(n, m):
    x, y = features(n, 3, 4), features(m, 3, 5)
    copies = mind(np.repeat(x, m, axis=0), np.repeat(y, n, axis=0), 70)
    assert mind(x, y, 70) == pytest.approx(copies, rel=1e-12)
    assert mind(y, x, 70) == pytest.approx(copies, rel=1e-12)


def test_the_formula_by_a_loop_over_directions_and_seeds():
    x, y = features(9, 3, 6), features(9, 3, 7)
    total = 0
    for u in np.random.default_rng(8).standard_normal((100, 3)):
        u = u / np.sqrt(u @ u)
        total += np.square(np.sort(x @ u) - np.sort(y @ u)).mean()
    assert mind(x, y, 100, seed=8) == pytest.approx(9 * total / 100, rel=1e-12)
    assert mind(x, y, 100, seed=8) != mind(x, y, 100)


def test_clear_errors():
    x = features(4, 2, 0)
    for real, fake, message in ((x, x[:, :1], "equal dimension"), (x[:0], x, "at least one sample"),
                                (x, x * np.inf, "fake: expected finite")):
        with pytest.raises(ValueError, match=f"mind: .*{message}"):
            mind(real, fake)
    with pytest.raises(ValueError, match="mind: expected directions >= 1"):
        mind(x, x, 0)
