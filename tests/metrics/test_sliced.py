"""Sliced Wasserstein: closed forms of shifts, sorting in one dimension, unequal sizes; pyramids and SWD."""
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinygan import random
from tinygan.data import embedded_mnist
from tinygan.metrics import sliced_wasserstein, swd
from tinygan.metrics.sliced import laplacian_pyramid, normalized, patches_of, pyramid_up, unit_directions

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def digits():
    return embedded_mnist("test")


@pytest.mark.parametrize("d", [1, 2, 5])
def test_a_shift_moves_every_projection_by_its_own_part(d):
    x, v = RNG.standard_normal((300, d)), np.arange(1, d + 1)
    along = v @ unit_directions(d, 200)
    # exact but for rounding in sums of 300 values
    assert sliced_wasserstein(x, x + v) == pytest.approx(np.abs(along).mean(), rel=1e-12)
    assert sliced_wasserstein(x, x + v, p=2) == pytest.approx(np.sqrt((along ** 2).mean()), rel=1e-12)


def test_in_the_plane_a_shift_is_near_its_integral_over_the_circle():
    x, v = RNG.standard_normal((100, 2)), np.array([0.6, -0.8])
    # mean of |cos| is 2 / pi; the midpoint rule with 200 angles errs by about (pi / 200)^2 / 24 = 1e-5
    assert sliced_wasserstein(x, x + v) == pytest.approx(2 / np.pi, abs=3e-5)
    # mean of cos^2 is 1 / 2, exactly so for evenly spaced angles
    assert sliced_wasserstein(x, x + v, p=2) == pytest.approx(np.sqrt(0.5), rel=1e-12)


def test_in_five_dimensions_a_shift_has_the_mean_of_a_random_direction():
    x, v = RNG.standard_normal((50, 5)), np.eye(5)[0]
    # E theta_1^2 = 1 / 5, deviation of theta_1^2 is sqrt(2 * 4 / (25 * 7)) = 0.21: 5 sigma of 4,000 directions
    assert sliced_wasserstein(x, x + v, p=2, directions=4000) ** 2 == pytest.approx(0.2, abs=5 * 0.21 / 4000 ** 0.5)


def test_on_the_line_it_is_sorting():
    x, y = RNG.standard_normal((500, 1)), RNG.gumbel(size=(500, 1))
    expected = np.abs(np.sort(x, axis=0) - np.sort(y, axis=0))
    assert sliced_wasserstein(x, y) == pytest.approx(expected.mean(), rel=1e-12)
    assert sliced_wasserstein(x, y, p=2) == pytest.approx(np.sqrt((expected ** 2).mean()), rel=1e-12)


def test_unequal_sizes_by_repeating_every_point():
    """Repeating points changes no distribution, and makes the sizes equal."""
    x, y = RNG.standard_normal((12, 3)), RNG.standard_normal((8, 3)) + 0.3
    for p in (1, 2):
        expected = sliced_wasserstein(np.repeat(x, 2, axis=0), np.repeat(y, 3, axis=0), p)
        assert sliced_wasserstein(x, y, p) == pytest.approx(expected, rel=1e-12)


def test_scipy_agrees_on_unequal_sizes():
    from scipy.stats import wasserstein_distance
    x, y = RNG.standard_normal(37), RNG.standard_normal(11) * 2
    assert sliced_wasserstein(x[:, None], y[:, None]) == pytest.approx(wasserstein_distance(x, y), rel=1e-12)


def test_rotations_by_steps_of_the_angles_change_nothing():
    x, y = RNG.standard_normal((60, 2)), RNG.standard_normal((90, 2)) * [2, 1]
    angle = 3 * np.pi / 200
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    for p in (1, 2):
        assert sliced_wasserstein(x @ turn, y @ turn, p) == pytest.approx(sliced_wasserstein(x, y, p), rel=1e-12)


def test_rotations_in_many_dimensions_change_little():
    x, y = RNG.standard_normal((100, 6)), RNG.standard_normal((100, 6)) * np.arange(1, 7)
    turn = np.linalg.qr(RNG.standard_normal((6, 6)))[0]
    # 2,000 directions, whose W_1 vary by about half of their mean: 5 sigma are 5 * 0.5 * sqrt(2 / 2000) = 8 %
    found, turned = (sliced_wasserstein(a, b, directions=2000) for a, b in ((x, y), (x @ turn, y @ turn)))
    assert turned == pytest.approx(found, rel=0.08)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 4), st.sampled_from([1, 2]), st.integers(0, 99))
def test_metric_properties(n, m, d, p, seed):
    rng = np.random.default_rng(seed)
    x, y, z = (rng.standard_normal((k, d)) for k in (n, m, 5))
    distance = sliced_wasserstein(x, y, p, directions=20)
    # 1e-12: rounding of sums of at most 18 values of order 1
    assert distance == pytest.approx(sliced_wasserstein(y, x, p, directions=20), abs=1e-12)
    assert distance <= sliced_wasserstein(x, z, p, 20) + sliced_wasserstein(z, y, p, 20) + 1e-12
    assert sliced_wasserstein(x, x, p) == 0
    assert sliced_wasserstein(x, y, 1, 20) <= sliced_wasserstein(x, y, 2, 20) + 1e-12


@pytest.mark.parametrize("real, fake, p, message", [
    (np.zeros((3, 2)), np.zeros((3, 4)), 1, "equal dimension"), (np.zeros(3), np.zeros(3), 1, r"shape \(N, D\)"),
    (np.zeros((3, 2)), np.zeros((0, 2)), 1, "at least one sample"), (np.zeros((3, 2)), np.zeros((3, 2)), 3, "p = 1 or"),
    (np.zeros((3, 2)), np.full((3, 2), np.nan), 1, "finite"), (np.full((1, 2), np.inf), np.zeros((3, 2)), 1, "finite")])
def test_what_is_no_point_set_is_refused(real, fake, p, message):
    with pytest.raises(ValueError, match=f"sliced_wasserstein.*expected.*{message}"):
        sliced_wasserstein(real, fake, p)


@pytest.mark.parametrize("shape, sizes", [((3, 1, 28, 28), [28]), ((2, 3, 64, 64), [64, 32, 16]),
                                          ((2, 1, 33, 47), [33, 17]), ((2, 1, 7, 9), [7])])
def test_a_pyramid_gives_its_images_back(shape, sizes):
    images = RNG.uniform(0, 1, shape)
    levels = laplacian_pyramid(images)
    assert [level.shape[2] for level in levels] == sizes
    again = levels[-1]
    for level in levels[-2::-1]:
        again = level + pyramid_up(again, level.shape[2:])
    # one subtraction and one addition of the same float64 number per level
    np.testing.assert_allclose(again, images, rtol=0, atol=1e-15 * 4)


def test_a_constant_image_has_no_detail():
    fine, coarse = laplacian_pyramid(np.full((1, 1, 32, 32), 0.7))
    # away from the border; at the lower and right one an even image is mirrored at a zero row
    np.testing.assert_allclose(fine[0, 0, :-2, :-2], 0, atol=1e-15)
    np.testing.assert_allclose(coarse, 0.7, rtol=1e-15)


def test_patches_are_windows_of_their_image_and_normalised():
    images = np.arange(2 * 3 * 9 * 8, dtype=np.float32).reshape(2, 3, 9, 8)
    patches = patches_of(images, 5, np.random.default_rng(0))
    assert patches.shape == (10, 3, 7, 7)
    for number, patch in enumerate(patches):
        corner = int(patch[0, 0, 0]) % 72
        i, j = corner // 8, corner % 8
        np.testing.assert_array_equal(patch, images[number // 5, :, i:i + 7, j:j + 7])
    flat = normalized(patches).reshape(10, 3, 49)
    # float32 rounding of values of order 1, averaged
    np.testing.assert_allclose(flat.mean(axis=(0, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(flat.std(axis=(0, 2)), 1, atol=1e-5)


def test_equal_images_have_swd_0_and_other_real_ones_a_floor_below_blur_and_noise(digits):
    real, other = digits.images[:300], digits.images[300:600]
    assert swd(real, real, patches=16).mean == 0
    floor = swd(real, other, patches=16).mean
    noisy = [swd(real, _noisy(other, s), patches=16).mean for s in (0.1, 0.3, 0.6)]
    assert floor < noisy[0] < noisy[1] < noisy[2] and noisy[2] > 5 * floor


def _noisy(images, deviation):
    noise = deviation * np.random.default_rng(1).standard_normal(images.shape)
    return np.clip(images / 127.5 - 1 + noise, -1, 1)


def test_levels_of_larger_images_and_their_mean(digits):
    large = digits.take(slice(0, 60)).resized(32).images
    found = swd(large[:30], large[30:], patches=8)
    assert list(found.levels) == [32, 16] and found.mean == np.mean(list(found.levels.values()))
    assert swd(large[:30], large[30:], patches=8) == found
    assert swd(large[:30], large[30:], patches=8, seed=1) != found


def test_swd_draws_from_no_stream_and_counts_may_differ(digits):
    random.manual_seed(3)
    before = random.get_state()
    images = digits.resized(14).scaled()
    assert swd(images[:100], images[100:250], patches=4).mean > 0
    assert random.get_state() == before


def test_collapse_to_one_constant_is_a_large_figure_not_an_error(digits):
    grey = np.full((50, 1, 28, 28), 0.3, np.float32)
    # a constant level stays 0 and the other has projections of deviation 1: W_1 = E|x|, below 1, x 1000
    assert 300 < swd(digits.images[:50], grey, patches=8).mean <= 1000
    assert swd(grey, grey, patches=8).mean == 0


@pytest.mark.parametrize("fake, message", [
    (np.zeros((2, 1, 6, 6), np.uint8), "at least 7 pixels"), (np.zeros((2, 1, 16, 16)), "equal shape"),
    (np.zeros((2, 28, 28)), r"\(N, C, H, W\)"), (np.zeros((0, 1, 28, 28)), r"\(N, C, H, W\)"),
    (np.full((2, 1, 28, 28), 255.0), r"in \[-1, 1\], got values up to 255"),
    (np.full((2, 1, 28, 28), np.nan), "got values up to nan"), (np.zeros((2, 1, 28, 28), int), "got int64")])
def test_what_is_no_image_is_refused(fake, message):
    with pytest.raises(ValueError, match=f"swd: expected .*{message}"):
        swd(np.zeros(fake.shape if "pixels" in message else (2, 1, 28, 28), np.uint8), fake)
