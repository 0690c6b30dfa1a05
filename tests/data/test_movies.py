"""Films of digits: where the digit is in every frame, and that the fork cannot be foreseen."""
import numpy as np
import pytest

from tinygan import data, random
from tinygan.data import forks, movies
from tinygan.data.movies import FIRST_ROW, LEFT, RIGHT


@pytest.fixture(scope="module")
def digits():
    return data.embedded_mnist().take(slice(0, 200))


def test_every_frame_of_a_film_is_the_same_digit_at_a_constant_speed_between_bounces(digits):
    random.manual_seed(0)
    films = movies(digits, 200)
    assert films.shape == (200, 6, 16, 16) and films.dtype == np.float32 and 0 <= films.min() < films.max() <= 1
    assert np.allclose(films.sum((2, 3)), films[:, :1].sum((2, 3)), rtol=1e-5)  # nothing is ever cut off
    mass = films / films.sum((2, 3), keepdims=True)
    centre = np.stack([(mass.sum(3) * np.arange(16)).sum(2), (mass.sum(2) * np.arange(16)).sum(2)], axis=2)
    steps = abs(np.diff(centre, axis=1))
    assert steps.max() < 2 + 1e-4  # float32 centres of mass
    straight = np.isclose(steps, 1, atol=1e-3) | np.isclose(steps, 2, atol=1e-3)
    bounce = np.isclose(steps, 0, atol=1e-3)  # a leap of 2 that meets the wall after 1 pixel and comes back
    assert (straight | bounce).all() and straight.mean() > 0.85
    assert (np.diff(np.sign(np.diff(centre, axis=1).round()), axis=1) != 0).any()  # some do turn


def test_the_last_frame_of_a_fork_is_one_of_the_two_futures_and_the_past_does_not_tell_which(digits):
    random.manual_seed(1)
    films, futures = forks(digits, 400)
    left, right = (abs(films[:, -1] - futures[:, k]).max((1, 2)) == 0 for k in range(2))
    assert (left ^ right).all() and 150 < left.sum() < 250  # 5 sigma of 400 fair coins is 50
    small = digits.resized(8).images[:, 0] / np.float32(255)
    for frame in range(5):
        shown = films[:, frame, FIRST_ROW + frame:FIRST_ROW + frame + 8, 4:12]
        assert np.isclose(shown.sum((1, 2)), films[:, frame].sum((1, 2)), rtol=1e-5).all()
        assert (abs(shown[:, None] - small).max((2, 3)).min(1) == 0).all()
    assert (futures[:, 0, :, LEFT:LEFT + 8] == futures[:, 1, :, RIGHT:RIGHT + 8]).all()


def test_films_repeat_with_the_seed_and_colour_is_refused(digits):
    films = []
    for _ in range(2):
        random.manual_seed(2)
        films.append(forks(digits, 3)[0])
    assert (films[0] == films[1]).all()
    with pytest.raises(ValueError, match="movies: expected grey images"):
        movies(digits.with_channels(3), 1)
