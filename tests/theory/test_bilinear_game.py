"""T16: the orbits of x y against their closed forms."""
import numpy as np
import pytest

from tinygan.theory.bilinear_game import bilinear_game, invariant, orbit, radius
from tinygan.theory.findings import Findings


def test_simultaneous_steps_multiply_the_squared_radius_by_one_plus_h_squared():
    squares = radius(orbit(100)) ** 2
    assert squares == pytest.approx(2 * 1.01 ** np.arange(101), rel=1e-12)  # 100 roundings of float64
    assert squares[-1] == pytest.approx(5.40962766, abs=5e-9)  # a published figure


@pytest.mark.parametrize("h", [0.1, 0.5])
def test_steps_in_turn_keep_their_invariant_and_stay_bounded(h):
    path = orbit(400, h, simultaneous=False)
    assert invariant(path, h) == pytest.approx(2 - h, abs=1e-12)
    assert radius(path).max() ** 2 <= (2 - h) / (1 - h / 2) + 1e-12  # x^2 + y^2 - h x y >= (1 - h / 2) r^2


def test_historical_averaging_spirals_in():
    r = radius(orbit(600, averaging=0.1))
    assert r[-1] < 1e-2 < 1 < r[0]


def test_every_criterion_that_is_known_holds():
    found = Findings()
    bilinear_game(found, steps=1500)
    assert len(found.rows) == 5 and found.known_failures() == []
