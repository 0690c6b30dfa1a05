"""Historical averaging: the mean, the term and its gradient, and that it stops the orbits of a bilinear game."""
import numpy as np
import pytest

import tinygan
from tinygan.losses.historical import HistoricalAveraging
from tinygan.tensor import Parameter


def test_the_term_is_the_squared_distance_to_the_mean_of_all_values_and_the_mean_has_no_gradient():
    rng = np.random.default_rng(0)
    values = rng.standard_normal((5, 2, 3))
    p = Parameter(values[0].copy())
    history = HistoricalAveraging([p], weight=0.7)
    for value in values[1:]:
        p.assign(value)
        history.update()
    difference = values[-1] - values.mean(axis=0)
    term = history.term()
    # sums of a dozen float64 terms of order 1
    assert term.item() == pytest.approx(0.7 * (difference ** 2).sum(), rel=1e-13)
    assert tinygan.grad(term, p)[0].numpy() == pytest.approx(1.4 * difference, rel=1e-13)


def test_a_state_continues_where_it_was_saved():
    p = Parameter(np.ones(3, np.float32))
    first, second = HistoricalAveraging([p], 2.0), HistoricalAveraging([p], 2.0)
    p.assign(5.0)
    first.update()
    second.load_state_dict(first.state_dict())
    assert second.count == 2 and second.term().item() == first.term().item() == 2.0 * 3 * 4
    assert first.term().dtype == np.float32
    with pytest.raises(ValueError, match="expected means of shapes"):
        HistoricalAveraging([Parameter(np.ones(2))]).load_state_dict(first.state_dict())


def test_what_is_not_a_penalty_is_refused():
    with pytest.raises(ValueError, match="HistoricalAveraging: expected parameters"):
        HistoricalAveraging([])
    with pytest.raises(ValueError, match="weight >= 0"):
        HistoricalAveraging([Parameter(np.ones(1))], weight=-1.0)
