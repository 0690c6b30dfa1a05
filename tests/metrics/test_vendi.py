"""The Vendi score: counts of different directions, both forms, given similarities, clear errors."""
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinygan.metrics.vendi import vendi_score, vendi_score_of_similarity


@pytest.mark.parametrize("n, k", [(1, 1), (6, 1), (6, 2), (6, 6), (40, 5)])
def test_k_orthogonal_directions_in_equal_shares_count_k(n, k):
    rows = np.eye(8)[np.arange(n) % k] * np.random.default_rng(0).uniform(0.1, 9, (n, 1))  # lengths do not matter
    shares = np.bincount(np.arange(n) % k) / n
    assert vendi_score(rows) == pytest.approx(np.exp(-(shares * np.log(shares)).sum()), rel=1e-12)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 9))
def test_both_forms_agree_and_stay_in_bounds(n, d, seed):
    x = np.random.default_rng(seed).standard_normal((n, d))
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    found = vendi_score(x)
    # eigenvalues that are 0 come out as 1e-17 and add 1e-17 log 1e17 each
    assert found == pytest.approx(vendi_score_of_similarity(unit @ unit.T), rel=1e-11)
    assert 1 - 1e-12 <= found <= min(n, d) + 1e-12


def test_copies_change_nothing_and_new_directions_add():
    x = np.random.default_rng(1).standard_normal((10, 6))
    assert vendi_score(np.tile(x, (4, 1))) == pytest.approx(vendi_score(x), rel=1e-11)
    assert vendi_score(x) > vendi_score(np.concatenate([x[:5], x[:5]]))
    assert vendi_score(x * 1e-200) == pytest.approx(vendi_score(x), rel=1e-12) == \
        pytest.approx(vendi_score(x * 1e200), rel=1e-12)


def test_two_samples_by_the_closed_form():
    # eigenvalues (1 +- c) / 2
    c = 0.6
    expected = np.exp(-sum(w * np.log(w) for w in ((1 + c) / 2, (1 - c) / 2)))
    assert vendi_score_of_similarity([[1, c], [c, 1]]) == pytest.approx(expected, rel=1e-13)
    assert vendi_score([[1.0, 0], [0.6, 0.8]]) == pytest.approx(expected, rel=1e-13)


def test_clear_errors():
    with pytest.raises(ValueError, match="vendi_score: expected features that have a direction, got zeros in sample 1"):
        vendi_score([[1.0, 0], [0, 0]])
    with pytest.raises(ValueError, match="vendi_score: expected finite features"):
        vendi_score([[1.0, np.nan]])
    with pytest.raises(ValueError, match="vendi_score: expected at least one sample"):
        vendi_score(np.zeros((0, 2)))
    for k in (np.ones((2, 3)), 2 * np.eye(2), [[1, 0.5], [0.1, 1]], np.full((2, 2), np.nan), np.zeros((0, 0))):
        with pytest.raises(ValueError, match="vendi_score_of_similarity: expected a symmetric matrix"):
            vendi_score_of_similarity(k)
    with pytest.raises(ValueError, match="expected no negative eigenvalues"):
        vendi_score_of_similarity([[1, 2], [2, 1]])
