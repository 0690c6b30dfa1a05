"""PSNR, sharpness, separation SNR and retrieval: closed forms, and what blur and noise do to them."""
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygan
from tinygan.data import embedded_mnist, scale
from tinygan.metrics import psnr, retrieval, separation_snr, sharpness


@pytest.fixture(scope="module")
def digits():
    return embedded_mnist("test").images[:500]


def test_noise_of_deviation_a_tenth_has_20_decibels():
    rng = np.random.default_rng(0)
    images = rng.uniform(0.4, 0.6, (100, 1, 28, 28))  # far enough from 0 and 1 that noise stays inside
    noisy = images + np.clip(0.1 * rng.standard_normal(images.shape), -0.4, 0.4)
    # 10 log10(1 / 0.1^2) = 20; 78,400 squares have a mean with relative deviation sqrt(2 / 78400) = 0.02 decibels
    found = psnr(2 * images - 1, 2 * noisy - 1)
    assert found.shape == (100,) and found.mean() == pytest.approx(20, abs=0.1)


def test_psnr_of_known_differences():
    black = np.zeros((3, 1, 5, 4), np.uint8)
    other = black.copy()
    other[0] = 255
    other[1] = 51
    # errors 1, 1/25 and 0; 1e-6: x / 255 in float32
    assert psnr(black, other)[:2] == pytest.approx([0, 10 * np.log10(25)], abs=1e-5)
    assert psnr(black, other)[2] == np.inf
    np.testing.assert_allclose(psnr(scale(black), tinygan.tensor(scale(other))), psnr(black, other), atol=1e-5)


def blurred(images, times):
    for _ in range(times):
        for axis in (2, 3):
            images = (np.roll(images, 1, axis) + 2 * images + np.roll(images, -1, axis)) / 4
    return images


def test_blur_lowers_sharpness_step_by_step_and_noise_raises_it(digits):
    images = scale(digits)
    values = [sharpness(images, blurred(images, times)) for times in range(5)]
    assert values[0] == 1 and values == sorted(values, reverse=True) and values[-1] < 0.8
    noise = 0.2 * np.random.default_rng(0).standard_normal(images.shape).astype(np.float32)
    assert sharpness(images, np.clip(images + noise, -1, 1)) > 1.2


def test_sharpness_of_ramps_is_the_ratio_of_their_slopes():
    i, j = np.mgrid[:8, :8] / 10
    steep, flat = (np.stack([a * i + b * j]).reshape(1, 1, 8, 8) for a, b in ((0.3, 0.4), (0.6, 0.8)))
    assert sharpness(steep, flat) == pytest.approx(2, rel=1e-5)  # float32 differences of values of order 1
    assert sharpness(steep, np.zeros((3, 1, 8, 8))) == 0


def test_the_trivial_split_of_two_signals_has_3_decibels():
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, 200, 1, 28, 28))
    # the error of (a + b) / 2 is (a - b) / 2, of half a's energy: 10 log10 2 = 3.01; sums of 784 squares vary by 5 %
    assert separation_snr(a, (a + b) / 2).mean() == pytest.approx(10 * np.log10(2), abs=0.1)


@settings(max_examples=30, deadline=None)
@given(st.floats(-5, 5), st.integers(1, 5), st.integers(1, 20))
def test_separation_snr_of_a_scaled_signal(factor, n, d):
    x = np.random.default_rng(n).uniform(1, 2, (n, d))
    found = separation_snr(x, factor * x)
    if factor == 1:
        assert (found == np.inf).all()
    else:
        # the error is |1 - factor| |x|; near factor 1 rounding of x (1e-16) is large against it
        expected = -20 * np.log10(abs(1 - factor))
        assert found == pytest.approx(np.full(n, expected), rel=1e-6, abs=1e-6 + 1e-14 / abs(1 - factor))


def test_uint8_signals_do_not_wrap_around():
    x = np.full((1, 4), 10, np.uint8)
    assert separation_snr(x, np.full((1, 4), 20, np.uint8)) == pytest.approx([0])


def test_retrieval_by_label_and_by_position():
    gallery = np.array([[0.0, 0], [4, 0], [0, 9]])
    assert retrieval(gallery + 0.1, gallery) == 1
    assert retrieval(gallery[::-1], gallery) == pytest.approx(1 / 3)
    queries = np.array([[1.0, 0], [1.9, 0], [2.1, 0], [0, 6]])
    # nearest are 0, 0, 1, 2 with labels 7, 7, 7, 5
    assert retrieval(queries, gallery, [7, 5, 7, 5], [7, 7, 5]) == 3 / 4
    # by angle the second and third item are the nearest of all that lie on their axes
    assert retrieval(queries, gallery[1:], [1, 1, 1, 2], [1, 2], cosine=True) == 1


def test_real_digits_find_their_class(digits):
    labels = embedded_mnist("test").labels[:500]
    # the nearest of 400 examples in pixels is of the same class in some 80 to 90 %
    assert retrieval(digits[:100], digits[100:], labels[:100], labels[100:]) > 0.7
    rng = np.random.default_rng(0)
    # chance is 0.1: 5 binomial deviations of 100 trials
    assert retrieval(digits[:100], digits[100:], labels[:100], rng.permutation(labels[100:])) < 0.25


IMAGES = np.zeros((2, 1, 8, 8), np.uint8)


@pytest.mark.parametrize("call, message", [
    (lambda: psnr(IMAGES, IMAGES[:1]), "psnr: expected images of equal shape"),
    (lambda: psnr(IMAGES, IMAGES + 1.5), "psnr: expected images in"),
    (lambda: psnr(IMAGES, np.full(IMAGES.shape, np.nan)), "psnr: expected images in"),
    (lambda: sharpness(IMAGES, IMAGES), "sharpness: expected real images that are not constant"),
    (lambda: sharpness(IMAGES[:, :, :1], IMAGES[:, :, :1]), "sharpness: expected images of equal shape and at least"),
    (lambda: sharpness(IMAGES, IMAGES[..., :4]), "sharpness: expected images of equal shape"),
    (lambda: separation_snr(np.zeros((2, 3)), np.ones((2, 3))), "separation_snr: expected finite signals with energy"),
    (lambda: separation_snr(np.ones((2, 3)), np.full((2, 3), np.inf)), "separation_snr: expected finite signals"),
    (lambda: separation_snr(np.ones((2, 3)), np.ones((2, 4))), "separation_snr: expected signals .* equal shape"),
    (lambda: retrieval(np.ones((2, 3)), np.ones((4, 3))), "retrieval: expected one label per vector"),
    (lambda: retrieval(np.ones((2, 3)), np.ones((4, 3)), [1, 2]), "retrieval: expected one label per vector"),
    (lambda: retrieval(np.ones((2, 3)), np.ones((4, 3)), [1, 2], [1, 2]), "retrieval: expected one label per vector"),
    (lambda: retrieval(np.ones((2, 3)), np.ones((2, 4))), "nearest: expected queries"),
    (lambda: retrieval(np.full((2, 3), np.nan), np.ones((2, 3))), "nearest: expected finite values"),
    (lambda: retrieval(np.zeros((2, 3)), np.ones((2, 3)), cosine=True), "retrieval: expected vectors with a direction"),
])
def test_what_has_no_answer_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
