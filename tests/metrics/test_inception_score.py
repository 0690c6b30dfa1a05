"""The inception score: published example, bounds, order and parts, logits that underflow, clear errors."""
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinygan.metrics.inception_score import inception_score


def softmax(logits):
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def test_the_example_of_two_images():
    found = inception_score([[0.99, 0.01], [0.5, 0.5]], splits=1)
    assert found.mean == pytest.approx(1.21311, abs=5e-6) and found.std == 0


@pytest.mark.parametrize("k", [1, 2, 10])
def test_sure_and_balanced_gives_the_number_of_classes_and_one_image_per_class_too(k):
    assert inception_score(np.tile(np.eye(k), (30, 1)), splits=3).mean == pytest.approx(k, rel=1e-14)
    assert inception_score(np.eye(k), splits=1).mean == pytest.approx(k, rel=1e-14)  # the documented weakness


def test_all_alike_gives_1():
    for row in ([0.25] * 4, [1.0, 0, 0, 0], [0.7, 0.1, 0.1, 0.1]):
        assert inception_score(np.tile(row, (20, 1)), splits=2) == pytest.approx((1, 0), abs=1e-14)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 30), st.integers(1, 8), st.integers(0, 9), st.floats(0, 50), st.integers(1, 30))
def test_between_1_and_the_number_of_classes(n, k, seed, sharpness, splits):
    p = softmax(sharpness * np.random.default_rng(seed).standard_normal((n, k)))
    found = inception_score(p, splits=min(splits, n))
    assert 1 - 1e-12 <= found.mean <= k + 1e-12 and found.std >= 0


def test_parts_are_cut_at_multiples_of_n_over_splits():
    p = softmax(np.random.default_rng(0).standard_normal((23, 4)) * 2)
    scores = [inception_score(p[i * 23 // 5:(i + 1) * 23 // 5], splits=1).mean for i in range(5)]
    assert inception_score(p, splits=5) == pytest.approx((np.mean(scores), np.std(scores)), rel=1e-14)


def test_the_formula_by_a_loop():
    p = softmax(np.random.default_rng(1).standard_normal((12, 3)))
    mean = p.mean(axis=0)
    total = sum(p[n, c] * np.log(p[n, c] / mean[c]) for n in range(12) for c in range(3)) / 12
    assert inception_score(p, splits=1).mean == pytest.approx(np.exp(total), rel=1e-14)


def test_logits_give_what_their_softmax_gives():
    logits = np.random.default_rng(2).standard_normal((40, 5)) * 3
    assert inception_score(logits, 4, logits=True) == pytest.approx(inception_score(softmax(logits), 4), rel=1e-13)
    assert inception_score(logits + 1e4, 4, logits=True) == pytest.approx(inception_score(logits, 4, logits=True),
                                                                          rel=1e-10)


@pytest.mark.parametrize("compat", [None, "torch-fidelity", "improved-gan", "stylegan2-ada"])
def test_probabilities_that_underflow_make_no_nan(compat):
    logits = np.array([[0.0, -2000], [-2000, 0.0]] * 20)  # exp(-2000) is 0, and 0 log 0 was NaN
    found = inception_score(logits, 1, logits=True, compat=compat)
    assert found.mean == pytest.approx(2, rel=1e-6)


def test_torch_fidelity_permutes_and_the_others_are_float32():
    logits = np.random.default_rng(3).standard_normal((50, 6)).astype(np.float32) * 3
    order = np.random.RandomState(2020).permutation(50)
    assert inception_score(logits, 5, logits=True, compat="torch-fidelity") == \
        inception_score(logits[order], 5, logits=True) == inception_score(logits, 5, logits=True, seed=2020)
    exact = inception_score(logits, 5, logits=True)
    for compat in ("improved-gan", "stylegan2-ada"):
        found = inception_score(logits, 5, logits=True, compat=compat)
        assert found == pytest.approx(exact, rel=1e-5) and found != exact  # sums of 60 numbers, rounded to 1e-7


@pytest.mark.parametrize("rows, options, message", [
    (np.eye(3), {"splits": 4}, "1 <= splits <= N, got splits = 4 and N = 3"),
    (np.eye(3), {"splits": 0}, "got splits = 0"),
    (np.eye(3), {}, "splits = 10 and N = 3"),
    (np.ones((3, 2)), {"splits": 1}, "are they logits"),
    (np.array([[1.5, -0.5]]), {"splits": 1}, "are they logits"),
    (np.array([[np.nan, 1]]), {"splits": 1}, "NaN or infinity in sample 0"),
    (np.zeros((0, 3)), {"splits": 1}, "expected at least one sample"),
    (np.ones(3) / 3, {"splits": 1}, r"of shape \(N, D\)"),
    (np.eye(3), {"splits": 1, "compat": "tf"}, "expected compat None or one of"),
])
def test_clear_errors(rows, options, message):
    with pytest.raises(ValueError, match=f"inception_score: .*{message}"):
        inception_score(rows, **options)
