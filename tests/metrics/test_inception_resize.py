"""From images to the network's input: the resize of TensorFlow 1 to the bit, the others, quantisation."""
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygan
from tinygan.data import scale
from tinygan.metrics.inception.resize import (QUANTISE, RESIZES, bilinear, half_pixel_positions, pillow, prepare,
                                              tf1_positions, to_rgb_uint8)


def naive_tf1(image, out):
    """One channel (H, W) by the definition, pixel by pixel, every number a float32."""
    f = np.float32
    h, w = image.shape
    result = np.empty((out, out), f)
    for i in range(out):
        y = f(i) * f(f(h) / f(out))
        y0 = int(np.floor(y))
        y1, wy = min(y0 + 1, h - 1), y - f(y0)
        for j in range(out):
            x = f(j) * f(f(w) / f(out))
            x0 = int(np.floor(x))
            x1, wx = min(x0 + 1, w - 1), x - f(x0)
            a, b, c, d = [f(image[k]) for k in ((y0, x0), (y0, x1), (y1, x0), (y1, x1))]
            top, bottom = a + (b - a) * wx, c + (d - c) * wx
            result[i, j] = top + (bottom - top) * wy
    return result


def noise(shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 24), st.integers(0, 99))
def test_tf1_is_the_naive_loop_to_the_bit(h, w, out, seed):
    images = noise((1, 2, h, w), seed)
    resized = bilinear(images, out)
    assert resized.dtype == np.float32 and resized.shape == (1, 2, out, out)
    for channel in range(2):
        np.testing.assert_array_equal(resized[0, channel], naive_tf1(images[0, channel], out))


@pytest.mark.parametrize("size", [32, 299, 300, 1024])
def test_tf1_at_the_sizes_that_are_used(size):
    image = noise((1, 1, size, size), 1)
    resized = bilinear(image, 299)[0, 0]
    rows = np.random.default_rng(2).integers(0, 299, (60, 2))  # a sample: the loop takes a second for all pixels
    f = np.float32
    for i, j in rows:
        at = [f(k) * f(f(size) / f(299)) for k in (i, j)]
        low = [int(np.floor(s)) for s in at]
        y, x = [[k, min(k + 1, size - 1)] for k in low]
        corners = image[0, 0][np.ix_(y, x)].astype(f)
        top, bottom = [left + (right - left) * (at[1] - f(low[1])) for left, right in corners]
        assert resized[i, j] == top + (bottom - top) * (at[0] - f(low[0]))
    if size == 299:
        np.testing.assert_array_equal(resized, image[0, 0])


@pytest.mark.parametrize("positions", [tf1_positions, half_pixel_positions])
@pytest.mark.parametrize("size, out", [(7, 20), (20, 7), (9, 9), (32, 299)])
def test_a_bilinear_resize_is_two_matrices(positions, size, out):
    low, high, weight = positions(size, out)
    matrix = np.zeros((out, size))
    np.add.at(matrix, (np.arange(out), low), 1 - weight)
    np.add.at(matrix, (np.arange(out), high), weight)
    image = noise((1, 1, size, size))
    # three float32 roundings on values up to 255, each at most 1.6e-5
    np.testing.assert_allclose(bilinear(image, out, positions)[0, 0], matrix @ image[0, 0] @ matrix.T, atol=5e-5)


def test_the_convention_is_no_detail():
    image = noise((1, 1, 32, 32))
    apart = np.abs(bilinear(image, 299) - bilinear(image, 299, half_pixel_positions)).mean()
    assert 25 < apart < 45  # 36 grey levels on uniform noise


def test_a_ramp_tells_the_conventions_apart():
    ramp = np.arange(0, 200, 10, dtype=np.uint8) * np.ones((1, 1, 20, 1), np.uint8)
    one, half = [bilinear(ramp, 40, p)[0, 0, 0] for p in (tf1_positions, half_pixel_positions)]
    assert one[:4].tolist() == [0, 5, 10, 15] and half[:4].tolist() == [0, 2.5, 7.5, 12.5]
    assert one[-2:].tolist() == [190, 190] and half[-1] == 190
    one = bilinear(ramp, 10)[0, 0, 0]
    assert one[:3].tolist() == [0, 20, 40]  # nothing is averaged in shrinking


@pytest.mark.parametrize("filter, support", [("BICUBIC", 2), ("BILINEAR", 1)])
@pytest.mark.parametrize("size, out", [(64, 17), (10, 33), (21, 21)])
def test_pillow_is_a_smoothing_matrix_per_axis(filter, support, size, out):
    from tinygan.ops.resize import smoothing_matrix
    image = noise((2, 3, size, size + 3))
    rows, columns = [smoothing_matrix(n, out, n / out, False, support == 2) for n in (size, size + 3)]
    # Pillow computes an image in float32 from weights in float64
    np.testing.assert_allclose(pillow(image, out, filter), (rows @ image @ columns.T).clip(0, 255), atol=2e-4)


def test_smoothing_keeps_the_mean_where_tf1_does_not():
    image = noise((1, 1, 300, 300), 3)
    image[..., ::3] = 0
    # every third column is black, and tf1 to a third reads these columns alone
    assert bilinear(image, 100).max() == 0 and abs(pillow(image, 100, "BICUBIC").mean() - image.mean()) < 1


@pytest.mark.parametrize("name, low, high", [("tf1", -1, 127 / 128), ("clean", -1, 127 / 128),
                                             ("friendly", -1, 127 / 128), ("pytorch-fid", -1, 1)])
def test_scales(name, low, high):
    images = np.zeros((1, 3, 8, 8), np.uint8)
    for value, expected in ((0, low), (255, high)):
        images[...] = value
        out = RESIZES[name](images, 20)
        assert out.dtype == np.float32 and out.shape == (1, 3, 20, 20)
        np.testing.assert_allclose(out, expected, atol=1e-6)  # a rounding or two below 1


def test_quantisation_gives_back_what_was_scaled():
    levels = np.arange(256, dtype=np.uint8).reshape(1, 1, 16, 16)
    for name in QUANTISE:
        for dtype in (np.float32, np.float64):
            back = to_rgb_uint8(scale(levels, dtype), name)
            assert back.shape == (1, 3, 16, 16) and back.dtype == np.uint8 and (back == levels).all(), name


def test_quantisation_clips_and_rounds_half_up():
    x = np.array([-3.0, -1, -1 + 0.6 / 127.5, 0, 0.999, 1, 1.7]).reshape(1, 1, 1, 7)
    for name, middle in (("stylegan2-ada", 128), ("studiogan", 128), ("unscale", 128)):
        assert to_rgb_uint8(x, name)[0, 0, 0].tolist() == [0, 0, 1, middle, 255, 255, 255], name


def test_tensors_grey_and_uint8_are_images():
    grey = noise((2, 1, 9, 9))
    expected = prepare(np.repeat(grey, 3, 1))
    assert expected.shape == (2, 3, 299, 299) and expected.dtype == np.float32
    for images in (grey, scale(grey), tinygan.tensor(scale(grey)), scale(grey, np.float64)):
        np.testing.assert_array_equal(prepare(images), expected)


@pytest.mark.parametrize("images", [
    np.zeros((2, 9, 9)), np.zeros((1, 2, 9, 9)), np.zeros((1, 3, 9, 9), np.int64), np.zeros((0, 3, 9, 9)), [[0.0]],
    np.zeros((1, 3, 0, 9), np.uint8)])
def test_other_images_are_refused(images):
    with pytest.raises(ValueError, match=r"InceptionV3: expected images \(N, 1 or 3, H, W\), floats in .* got "):
        to_rgb_uint8(images)


@pytest.mark.parametrize("value", [255.0, -20, np.nan, np.inf])
def test_values_that_cannot_be_meant_are_refused(value):
    images = np.zeros((2, 3, 4, 4), np.float32)
    images[1, 2, 3, 3] = value
    with pytest.raises(ValueError, match=r"InceptionV3: expected floats in \[-1, 1\], got values up to"):
        to_rgb_uint8(images)


def test_on_a_device_the_bits_are_the_same(cupy_standin):
    images = noise((2, 1, 11, 13))
    for name in RESIZES:
        there = prepare(cupy_standin.asarray(images), name, device="cuda")
        np.testing.assert_array_equal(cupy_standin.asnumpy(there), prepare(images, name))
