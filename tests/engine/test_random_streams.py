"""Random streams: a draw depends on seed, stream and counter, and on nothing else (DESIGN 2.9)."""

import numpy as np
import pytest

from tinygan import random


@pytest.fixture(autouse=True)
def seed():
    random.manual_seed(7)


def test_the_same_seed_gives_the_same_draws():
    first = [random.normal((4,)), random.uniform((4,), stream="penalty"), random.permutation(9)]
    random.manual_seed(7)
    for a, b in zip(first, [random.normal((4,)), random.uniform((4,), stream="penalty"), random.permutation(9)]):
        np.testing.assert_array_equal(a, b)


def test_a_draw_of_one_stream_moves_no_other():
    expected = [random.normal((4,)) for _ in range(3)]
    random.manual_seed(7)
    for stream in random.STREAMS:
        if stream != "noise":
            random.normal((1000,), stream=stream)
    for e in expected:
        np.testing.assert_array_equal(e, random.normal((4,)))
        random.normal((3,), stream="preview")


def test_the_size_of_a_draw_does_not_move_the_next_one():
    random.normal((5,))
    a = random.normal((4,))
    random.manual_seed(7)
    random.normal((100_000,))
    np.testing.assert_array_equal(a, random.normal((4,)))


def test_streams_seeds_and_counters_are_unrelated():
    draws = [random.normal((20_000,), stream=s) for s in ("noise", "noise", "penalty", "preview")]
    random.manual_seed(8)
    draws.append(random.normal((20_000,)))
    # 20,000 independent pairs: a correlation has standard deviation 0.007, five of those is 0.035
    correlations = np.corrcoef(draws) - np.eye(5)
    assert np.abs(correlations).max() < 0.035


def test_state_round_trip():
    random.normal((3,), stream="dropout")
    state = random.get_state()
    a = random.normal((3,), stream="dropout")
    random.manual_seed(99)
    random.set_state(state)
    np.testing.assert_array_equal(a, random.normal((3,), stream="dropout"))


@pytest.mark.parametrize("draw, moments", [
    (lambda n: random.normal((n,)), (0.0, 1.0)),
    (lambda n: random.uniform((n,), -1.0, 3.0), (1.0, 16 / 12)),
    (lambda n: random.bernoulli(0.25, (n,)), (0.25, 0.1875)),
    (lambda n: random.integers(0, 5, (n,)).astype(float), (2.0, 2.0))])
def test_moments(draw, moments):
    x = draw(200_000)
    # the standard error of mean and variance is below 0.006 for each of these; five of those
    assert abs(x.mean() - moments[0]) < 0.03 and abs(x.var() - moments[1]) < 0.03


def test_uniform_covers_its_interval_and_integers_theirs():
    x = random.uniform((100_000,), -1.0, 3.0)
    assert -1 <= x.min() < -0.99 and 2.99 < x.max() < 3
    assert set(random.integers(3, 6, (1000,))) == {3, 4, 5}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype(dtype):
    for draw in (random.normal((2,), dtype=dtype), random.uniform((2,), dtype=dtype),
                 random.bernoulli(0.5, (2,), dtype=dtype)):
        assert draw.dtype == dtype


def test_unknown_streams_and_bad_seeds_raise():
    with pytest.raises(ValueError, match="expected a stream out of"):
        random.normal((2,), stream="weather")
    for bad in (-1, 2 ** 64, 1.5, "7"):
        with pytest.raises(ValueError, match="manual_seed: expected an integer"):
            random.manual_seed(bad)
    with pytest.raises(ValueError, match="weather"):
        random.set_state({"seed": 1, "counters": {"weather": 1}})
