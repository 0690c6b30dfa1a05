"""ImageDataset and the maps of its pixels."""
import numpy as np
import pytest

from tinygan.data import ImageDataset, resize, scale, unscale

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (4, 1, 28, 28), dtype=np.uint8)
LABELS = np.array([3, 1, 2, 0])


def dataset(images=IMAGES, labels=LABELS):
    return ImageDataset(images, labels, "toy", "train", "made for a test", ("a", "b", "c", "d"))


def test_every_pixel_value_survives_scaling_and_the_ends_are_exact():
    pixels = np.arange(256, dtype=np.uint8)
    for dtype in (np.float32, np.float64):
        scaled = scale(pixels, dtype)
        assert scaled.dtype == dtype and scaled[0] == -1 and scaled[255] == 1
        np.testing.assert_array_equal(unscale(scaled), pixels)
    assert unscale(np.float32([-3, 7])).tolist() == [0, 255]


def test_the_arrays_of_a_set_are_read_only_and_the_callers_are_not():
    images = IMAGES.copy()
    data = dataset(images)
    with pytest.raises(ValueError, match="read-only"):
        data.images[0] = 0
    images[0] = 0
    assert repr(data) == "ImageDataset(toy, train: 4 images, 1 x 28 x 28)" and len(data) == 4


def test_take():
    part = dataset().take(LABELS > 1)
    assert part.labels.tolist() == [3, 2]
    np.testing.assert_array_equal(part.images, IMAGES[[0, 2]])


@pytest.mark.parametrize("images, labels, message", [
    (IMAGES[:, 0], LABELS, r"expected uint8 images of shape \(N, C, H, W\), got uint8 of shape \(4, 28, 28\)"),
    (IMAGES.astype(np.float32), LABELS, "got float32"),
    (IMAGES, LABELS[:3], r"expected int64 labels of shape \(4,\), got int64 of shape \(3,\)"),
    (IMAGES, LABELS.astype(np.uint8), "got uint8 of shape"),
])
def test_wrong_arrays(images, labels, message):
    with pytest.raises(ValueError, match=message):
        dataset(images, labels)


def test_14_is_the_mean_of_blocks_and_16_the_same_with_a_border_of_one():
    blocks = np.array([[IMAGES[n, 0, 2 * i:2 * i + 2, 2 * j:2 * j + 2].mean() for i in range(14) for j in range(14)]
                       for n in range(4)]).reshape(4, 1, 14, 14)
    np.testing.assert_array_equal(resize(IMAGES, 14), np.rint(blocks))
    np.testing.assert_array_equal(resize(IMAGES, 16), np.pad(resize(IMAGES, 14), ((0, 0), (0, 0), (1, 1), (1, 1))))


def test_32_is_a_border_of_two_and_8_and_4_are_means_of_it():
    large = resize(IMAGES, 32)
    np.testing.assert_array_equal(large[:, :, 2:-2, 2:-2], IMAGES)
    assert large.sum(dtype=np.int64) == IMAGES.sum(dtype=np.int64)
    for size, k in ((8, 4), (4, 8)):
        means = large.reshape(4, 1, size, k, size, k).mean(axis=(3, 5))
        np.testing.assert_array_equal(resize(IMAGES, size), np.rint(means))


@pytest.mark.parametrize("shape, size", [((9, 9), 5), ((9, 9), 20), ((12, 7), 6), ((28, 28), 64)])
def test_other_sizes_keep_constants_and_straight_ramps(shape, size):
    flat = np.full((1, 2, *shape), 77, np.uint8)
    assert set(resize(flat, size).ravel()) == {77} and resize(flat, size).shape == (1, 2, size, size)
    ramp = np.broadcast_to(np.uint8(5) * np.arange(shape[1], dtype=np.uint8), (1, 1, *shape))
    centres = 5 * ((np.arange(size) + 0.5) * shape[1] / size - 0.5)
    inner = slice(size // 4 + 1, -size // 4 - 1)  # the border has no neighbour on one side
    # a ramp is kept up to rounding (1/2) where the filter's samples lie evenly around its centre, else up to 1/4 step
    np.testing.assert_allclose(resize(ramp, size)[0, 0, shape[0] % size // 2, inner], centres[inner], atol=2)


def test_a_size_of_zero():
    with pytest.raises(ValueError, match="resize: expected a positive size, got 0"):
        resize(IMAGES, 0)


def test_grey_is_repeated_and_colour_becomes_luma():
    colour = dataset().with_channels(3)
    assert colour.images.shape == (4, 3, 28, 28) and (colour.images == IMAGES).all()
    np.testing.assert_array_equal(colour.with_channels(1).images, IMAGES)
    red = np.zeros((1, 3, 2, 2), np.uint8)
    red[:, 0] = 255
    assert set(dataset(red, LABELS[:1]).with_channels(1).images.ravel()) == {76}
    with pytest.raises(ValueError, match="expected 1 or 3 channels, got 2 from 1"):
        dataset().with_channels(2)
