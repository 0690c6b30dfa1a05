"""SSIM against a naive loop, MS-SSIM against its formula, and diversity within a class."""
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinygan.data import embedded_mnist, unscale
from tinygan.metrics import intra_ms_ssim, ms_ssim
from tinygan.metrics.ms_ssim import WEIGHTS, scales_for, ssim_and_contrast


def noise(seed, shape):
    return np.random.default_rng(seed).uniform(-1, 1, shape)


@pytest.fixture(scope="module")
def digits():
    return embedded_mnist("test")


def naive_ssim(x, y, window=11, sigma=1.5):
    """SSIM and cs of two images (H, W) in [0, 1], window by window."""
    t = np.arange(window) - window // 2
    weights = np.exp(-(t[:, None] ** 2 + t ** 2) / (2 * sigma ** 2))
    weights /= weights.sum()
    ssim, contrast = [], []
    for i in range(x.shape[0] - window + 1):
        for j in range(x.shape[1] - window + 1):
            a, b = x[i:i + window, j:j + window], y[i:i + window, j:j + window]
            mx, my = (weights * a).sum(), (weights * b).sum()
            vx, vy = (weights * (a - mx) ** 2).sum(), (weights * (b - my) ** 2).sum()
            cxy = (weights * (a - mx) * (b - my)).sum()
            contrast.append((2 * cxy + 9e-4) / (vx + vy + 9e-4))
            ssim.append((2 * mx * my + 1e-4) / (mx ** 2 + my ** 2 + 1e-4) * contrast[-1])
    return np.mean(ssim), np.mean(contrast)


def halved(x):
    return (x[::2, ::2] + x[1::2, ::2] + x[::2, 1::2] + x[1::2, 1::2]) / 4


def test_one_scale_is_the_mean_over_windows():
    a = noise(0, (2, 1, 14, 17))
    b = 0.7 * a + 0.3 * noise(1, a.shape)
    expected = [naive_ssim((x[0] + 1) / 2, (y[0] + 1) / 2)[0] for x, y in zip(a, b)]
    # images become float32 on the way: 1e-7 of values of order 1
    np.testing.assert_allclose(ms_ssim(a, b), expected, atol=1e-6)


def test_two_scales_are_contrast_times_ssim_with_weights_that_sum_to_1():
    a = noise(2, (1, 1, 28, 28))
    b = 0.8 * a + 0.2 * noise(3, a.shape)
    x, y = (a[0, 0] + 1) / 2, (b[0, 0] + 1) / 2
    first, second = WEIGHTS[0] / (WEIGHTS[0] + WEIGHTS[1]), WEIGHTS[1] / (WEIGHTS[0] + WEIGHTS[1])
    expected = naive_ssim(x, y)[1] ** first * naive_ssim(halved(x), halved(y))[0] ** second
    assert ms_ssim(a, b)[0] == pytest.approx(expected, abs=1e-6)


def test_five_scales_on_small_images_shrink_the_window():
    a = noise(4, (1, 1, 32, 32))
    b = 0.8 * a + 0.2 * noise(5, a.shape)
    x, y, product = (a[0, 0] + 1) / 2, (b[0, 0] + 1) / 2, 1
    for scale, weight in enumerate(WEIGHTS):
        size = min(11, len(x))
        t = np.arange(size) - (size - 1) / 2
        g = np.exp(-t ** 2 / (2 * (1.5 * size / 11) ** 2))
        w = np.outer(g, g) / g.sum() ** 2
        windows = [np.lib.stride_tricks.sliding_window_view(z, (size, size)) for z in (x, y)]
        mx, my = ((z * w).sum((2, 3)) for z in windows)
        vx, vy = ((z ** 2 * w).sum((2, 3)) - m ** 2 for z, m in zip(windows, (mx, my)))
        cs = (2 * ((windows[0] * windows[1] * w).sum((2, 3)) - mx * my) + 9e-4) / (vx + vy + 9e-4)
        if scale == 4:
            cs = cs * (2 * mx * my + 1e-4) / (mx ** 2 + my ** 2 + 1e-4)
        product *= cs.mean() ** weight
        x, y = halved(x), halved(y)
    assert ms_ssim(a, b, scales=5)[0] == pytest.approx(product, abs=1e-6)


@pytest.mark.parametrize("size, scales", [(11, 1), (21, 1), (22, 2), (28, 2), (32, 2), (43, 2), (44, 3), (87, 3),
                                          (88, 4), (176, 5), (1024, 5)])
def test_the_rule_of_scales(size, scales):
    assert scales_for("x", size, None) == scales


@settings(max_examples=25, deadline=None)
@given(st.integers(11, 40), st.integers(11, 30), st.sampled_from([1, 3]), st.integers(0, 99))
def test_identities(h, w, channels, seed):
    a, b = noise(seed, (3, channels, h, w)), noise(seed + 100, (3, channels, h, w))
    np.testing.assert_allclose(ms_ssim(a, a), 1, rtol=1e-12)  # every factor is 1 but for rounding
    np.testing.assert_allclose(ms_ssim(a, b), ms_ssim(b, a), rtol=1e-12)
    flipped = ms_ssim(a[..., ::-1], b[..., ::-1])
    assert (flipped >= 0).all() and (flipped <= 1).all()
    # even sizes at every scale: mirrored windows are the windows of the mirror image
    if h % 2 == w % 2 == 0:
        np.testing.assert_allclose(flipped, ms_ssim(a, b), rtol=1e-9, atol=1e-9)


def test_the_dtype_of_images_does_not_matter():
    pixels = unscale(noise(6, (4, 3, 22, 22)))
    a, b = pixels[:2], pixels[2:]
    scaled = pixels.astype(np.float64) / 127.5 - 1
    np.testing.assert_allclose(ms_ssim(a, b), ms_ssim(scaled[:2], scaled[2:]), atol=1e-6)  # float32 of the pixels
    ssim, contrast = ssim_and_contrast(a / 255, a / 255)
    np.testing.assert_allclose([ssim, contrast], 1, rtol=1e-12)


def test_more_noise_is_less_similar(digits):
    images = digits.scaled()[:50]
    values = [ms_ssim(images, np.clip(images + s * noise(7, images.shape), -1, 1)).mean() for s in (0, .1, .3, .6, 1)]
    assert values == sorted(values, reverse=True) and values[0] == pytest.approx(1) and values[-1] < 0.9


def test_opposite_images_are_clipped_at_0():
    a = noise(8, (2, 1, 16, 16))
    assert (ms_ssim(a, -a) == 0).all()


def test_collapse_raises_the_similarity_within_a_class(digits):
    found = intra_ms_ssim(digits.images, digits.labels, pairs=30)
    assert list(found.per_class) == list(range(10))
    assert found.mean == pytest.approx(np.mean([*found.per_class.values()]))
    assert found.mean < 0.6 and found.per_class[1] > found.per_class[2]  # ones resemble each other more than twos
    one = np.stack([digits.images[digits.labels == k][0] for k in range(10)])
    collapsed = intra_ms_ssim(one[digits.labels[:400]], digits.labels[:400], pairs=5)
    assert collapsed.mean == pytest.approx(1)
    # images of all classes are less alike than those of one
    assert intra_ms_ssim(digits.images, pairs=300).mean < found.mean


def test_pairs_are_different_images_and_seeded(digits):
    two = digits.images[:2]
    assert intra_ms_ssim(two, pairs=7).mean == pytest.approx(ms_ssim(two[:1], two[1:])[0], rel=1e-12)
    images = digits.images[:40]
    assert intra_ms_ssim(images, pairs=5) == intra_ms_ssim(images, pairs=5) != intra_ms_ssim(images, pairs=5, seed=1)


@pytest.mark.parametrize("a, b, scales, message", [
    (np.zeros((2, 1, 10, 20)), np.zeros((2, 1, 10, 20)), None, "at least 11 pixels per side, got 10"),
    (np.zeros((2, 1, 28, 28)), np.zeros((3, 1, 28, 28)), None, "equal shape"),
    (np.zeros((2, 1, 28, 28)), np.full((2, 1, 28, 28), 2.0), None, "got values up to 2"),
    (np.zeros((2, 1, 28, 28)), np.full((2, 1, 28, 28), np.inf), None, "got values up to inf"),
    (np.zeros((2, 1, 8, 8)), np.zeros((2, 1, 8, 8)), 5, "1 to 5 scales that halve images of 8 pixels, got 5"),
    (np.zeros((2, 1, 28, 28)), np.zeros((2, 1, 28, 28)), 0, "1 to 5 scales")])
def test_what_cannot_be_compared_is_refused(a, b, scales, message):
    with pytest.raises(ValueError, match=f"ms_ssim: expected .*{message}"):
        ms_ssim(a, b, scales)


def test_a_class_of_one_image_is_refused():
    with pytest.raises(ValueError, match="intra_ms_ssim: expected at least 2 images of a class, got 1 of class 7"):
        intra_ms_ssim(np.zeros((3, 1, 14, 14)), [1, 1, 7])
    with pytest.raises(ValueError, match="intra_ms_ssim: expected labels"):
        intra_ms_ssim(np.zeros((3, 1, 14, 14)), [1, 1])
