"""Thresholds, negatives and outlines, and the recipes of small images that are made of them."""
import numpy as np
import pytest

from tinygan.data import binary, edges, embedded_mnist, negative, stacked


@pytest.fixture(scope="module")
def digits():
    return embedded_mnist("test").take(slice(0, 50))


def test_binary_splits_at_one_half():
    assert binary(np.uint8([0, 127, 128, 255])).tolist() == [0, 0, 255, 255]
    assert negative(np.uint8([0, 127, 255])).tolist() == [255, 128, 0]


def test_the_outline_of_a_square_is_two_pixels_wide():
    image = np.zeros((1, 1, 9, 9), np.uint8)
    image[0, 0, 2:7, 2:7] = 200
    expected = np.zeros((9, 9), int)
    expected[1:8, 1:8] = 255   # the dilated square
    expected[3:6, 3:6] = 0     # without the eroded one
    assert (edges(image)[0, 0] == expected).all()


def test_a_full_image_has_no_outline_and_a_negative_has_the_same(digits):
    assert not edges(np.full((2, 3, 5, 4), 255, np.uint8)).any()
    np.testing.assert_array_equal(edges(negative(digits.images)), edges(digits.images))


def test_outlines_by_a_naive_loop(digits):
    images, (h, w) = digits.images[:3] > 127, digits.images.shape[2:]
    found = edges(digits.images[:3])
    for n, _, i, j in np.ndindex(images.shape):
        near = images[n, 0, max(i - 1, 0):min(i + 2, h), max(j - 1, 0):min(j + 2, w)]
        assert found[n, 0, i, j] == 255 * (near.any() and not near.all())


def test_recipes_are_compositions(digits):
    small = digits.resized(14).mapped(binary)
    assert small.images.shape == (50, 1, 14, 14) and set(np.unique(small.images)) == {0, 255}
    assert set(np.unique(small.scaled())) == {-1.0, 1.0} and (small.labels == digits.labels).all()
    np.testing.assert_array_equal(digits.resized(16).images[:, :, 1:-1, 1:-1], digits.resized(14).images)
    # 8 and 4 pixels are means of 2x2 blocks of 16 and 8; rounding comes once, so one level of grey may be between
    for size in (8, 4):
        finer = digits.resized(2 * size).images.reshape(50, 1, size, 2, size, 2).mean(axis=(3, 5))
        assert np.abs(finer - digits.resized(size).images).max() <= 1


def test_stacks_of_smaller_digits(digits):
    from tinygan import random
    random.manual_seed(0)
    small = stacked(digits, 20, size=14)
    random.manual_seed(0)
    assert small.images.shape == (20, 3, 14, 14)
    np.testing.assert_array_equal(small.images, stacked(digits, 20).resized(14).images)
