"""The point mixtures have the centers, the spread and the weights of their definitions."""
import numpy as np
import pytest

from tinygan import random
from tinygan.data import grid25, ring8


def test_ring8_has_eight_centers_on_the_circle_of_radius_two():
    assert ring8.centers.shape == (8, 2) and ring8.centers.dtype == np.float32 and ring8.std == 0.02
    angles = np.angle(ring8.centers[:, 0] + 1j * ring8.centers[:, 1], deg=True) % 360
    np.testing.assert_allclose(np.hypot(*ring8.centers.T), 2, rtol=1e-6)
    np.testing.assert_allclose(angles, np.arange(8) * 45, atol=1e-4)


def test_grid25_has_the_centers_of_the_grid():
    expected = {(x, y) for x in (-4, -2, 0, 2, 4) for y in (-4, -2, 0, 2, 4)}
    assert {tuple(map(float, center)) for center in grid25.centers} == expected and grid25.std == 0.05


@pytest.mark.parametrize("mixture", [ring8, grid25], ids=["ring8", "grid25"])
def test_points_are_around_equally_likely_centers_with_the_stated_spread(mixture):
    k, n = len(mixture.centers), 20000
    points = mixture(n)
    assert points.shape == (n, 2) and points.dtype == np.float32
    offsets = points[:, None] - mixture.centers
    nearest = (offsets ** 2).sum(axis=-1).argmin(axis=1)
    # counts are binomial(n, 1/k): five standard deviations for each of at most 25 counts, chance of a miss 1e-5
    counts = np.bincount(nearest, minlength=k)
    assert abs(counts - n / k).max() < 5 * np.sqrt(n / k * (1 - 1 / k))
    noise = offsets[np.arange(n), nearest] / mixture.std
    # mean of 20,000 standard normals has deviation 0.007, their standard deviation 0.005: five of each
    assert abs(noise.mean(axis=0)).max() < 0.035
    assert abs(noise.std(axis=0) - 1).max() < 0.025
    assert abs(np.corrcoef(noise.T)[0, 1]) < 0.035


def test_points_come_from_the_named_stream_alone():
    first = ring8(5)
    assert random.get_state()["counters"]["data"] == 2
    random.manual_seed(0)
    ring8(100, stream="preview")
    np.testing.assert_array_equal(ring8(5), first)
    assert (ring8(5) != first).any()


def test_dtype_number_of_points_and_read_only_centers():
    assert grid25(3, dtype=np.float64).dtype == np.float64 and grid25(0).shape == (0, 2)
    with pytest.raises(ValueError, match="ring8: expected a number of points >= 0, got -1"):
        ring8(-1)
    with pytest.raises(ValueError, match="read-only"):
        ring8.centers[0] = 0
