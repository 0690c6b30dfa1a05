"""SSIM and multi-scale SSIM, and its mean over pairs of one class as a measure of diversity.

In a Gaussian window with weights w, of images in [0, 1] (so C1 = 0.01^2, C2 = 0.03^2):

    l = (2 mx my + C1) / (mx^2 + my^2 + C1),   cs = (2 sxy + C2) / (sx^2 + sy^2 + C2),   SSIM = mean of l cs

with means mx = sum w x, variances sx^2 = sum w x^2 - mx^2 and covariance sxy likewise; windows lie inside the image.
Over S scales, each the 2x2 mean of the one before: MS-SSIM = prod over s < S of cs_s^(b_s), times SSIM_S^(b_S), cs_s
and SSIM_S being means over positions and channels, clipped at 0.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tinygan.metrics.images import as_images, same_images

WINDOW, SIGMA = 11, 1.5
C1, C2 = 0.01 ** 2, 0.03 ** 2
WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
PAIRS_AT_ONCE = 256


def ms_ssim(a, b, scales: int | None = None) -> np.ndarray:
    """MS-SSIM of every pair of images a, b (N, C, H, W), float in [-1, 1] or uint8: (N,), in [0, 1], 1 for equal ones.

    scales: how many; None is as many, up to 5, as leave the 11x11 window inside the smallest image: 5 from 176 pixels,
    3 at 44 to 87, 2 at 22 to 43 (so at 28 and 32), 1 (plain SSIM) at 11 to 21. A given number of scales shrinks the
    window, and its sigma of 1.5 in proportion, to images smaller than it, as PGGAN's code does; scales=5 is PGGAN's
    score for any size. With S < 5 scales the first S of the published weights are divided by their sum: a choice of
    this library, so that figures of images of different sizes are on one scale.
    Raises ValueError for what is no image, different shapes, and images with less than 1 pixel at the last scale.
    Source: Wang, Simoncelli, Bovik 2003, Asilomar, eq. 7 and section 3.2; code of Karras et al. 2018, arXiv:1710.10196.
    """
    a, b = same_images("ms_ssim", a, b)
    scales = scales_for("ms_ssim", min(a.shape[2:]), scales)
    return _of_pairs(a, b, scales)


def scales_for(operation: str, size: int, scales: int | None) -> int:
    """The number of scales for images of ``size`` pixels: see :func:`ms_ssim`. Raises ValueError."""
    if scales is None:
        if size < WINDOW:
            raise ValueError(f"{operation}: expected images of at least {WINDOW} pixels per side, got {size}; "
                             "scales=1 shrinks the window")
        return next(s for s in range(len(WEIGHTS), 0, -1) if size >> (s - 1) >= WINDOW)
    if not 1 <= scales <= len(WEIGHTS) or not size >> (scales - 1):
        raise ValueError(f"{operation}: expected 1 to {len(WEIGHTS)} scales that halve images of {size} pixels, "
                         f"got {scales}")
    return scales


class IntraMSSSIM(NamedTuple):
    """``mean`` over classes of ``per_class``: {label: mean MS-SSIM of random pairs of different images}."""

    mean: float
    per_class: dict


def intra_ms_ssim(images, labels=None, pairs: int = 100, scales: int | None = None, seed: int = 0) -> IntraMSSSIM:
    """How much the images of one class resemble each other: mean MS-SSIM of ``pairs`` random pairs per class.

    images: (N, C, H, W), float in [-1, 1] or uint8. labels: (N,), or None for one class. High is collapse: quote it
    beside the same figure of real images. Pairs are drawn from a generator of their own with ``seed`` and never join
    an image with itself; classes with one image are refused (ValueError), absent ones have no entry.
    Source: Odena, Olah, Shlens 2017, arXiv:1610.09585, section 4.2.
    """
    images = as_images("intra_ms_ssim", images)
    labels = np.zeros(len(images), int) if labels is None else np.asarray(labels)
    if labels.shape != (len(images),) or pairs < 1:
        raise ValueError(f"intra_ms_ssim: expected labels ({len(images)},) and at least 1 pair per class, "
                         f"got {labels.shape} and {pairs}")
    scales, rng = scales_for("intra_ms_ssim", min(images.shape[2:]), scales), np.random.default_rng(seed)
    found = {}
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        if len(members) < 2:
            raise ValueError(f"intra_ms_ssim: expected at least 2 images of a class, got 1 of class {label}")
        first = rng.integers(0, len(members), pairs)
        second = (first + rng.integers(1, len(members), pairs)) % len(members)
        found[label.item()] = float(_of_pairs(images[members[first]], images[members[second]], scales).mean())
    return IntraMSSSIM(float(np.mean(list(found.values()))), found)


def _of_pairs(a: np.ndarray, b: np.ndarray, scales: int) -> np.ndarray:
    blocks = [slice(start, start + PAIRS_AT_ONCE) for start in range(0, len(a), PAIRS_AT_ONCE)]
    return np.concatenate([_of_block(a[block].astype(np.float64), b[block].astype(np.float64), scales)
                           for block in blocks])


def _of_block(a, b, scales: int) -> np.ndarray:
    weights = np.array(WEIGHTS[:scales]) / sum(WEIGHTS[:scales]) if scales < len(WEIGHTS) else np.array(WEIGHTS)
    product = np.ones(len(a))
    for scale, weight in enumerate(weights):
        similarity, contrast = ssim_and_contrast(a, b)
        product *= np.maximum(similarity if scale == scales - 1 else contrast, 0) ** weight
        if scale < scales - 1:
            a, b = _halved(a), _halved(b)
    return product


def ssim_and_contrast(a, b) -> tuple[np.ndarray, np.ndarray]:
    """Mean SSIM and mean cs, each (N,), of pairs of images (N, C, H, W) in [0, 1], float64."""
    mean_a, mean_b = _windowed(a), _windowed(b)
    # squares minus squares of means: in float64 the rounding is 1e-16, small against C2 = 9e-4
    var_a, var_b = _windowed(a * a) - mean_a ** 2, _windowed(b * b) - mean_b ** 2
    covariance = _windowed(a * b) - mean_a * mean_b
    contrast = (2 * covariance + C2) / (var_a + var_b + C2)
    luminance = (2 * mean_a * mean_b + C1) / (mean_a ** 2 + mean_b ** 2 + C1)
    return (luminance * contrast).mean(axis=(1, 2, 3)), contrast.mean(axis=(1, 2, 3))


def _windowed(images):
    """Weighted means over all windows inside (N, C, H, W): one banded matrix per axis, as images are small."""
    h, w = images.shape[2:]
    size = min(WINDOW, h, w)
    return _band(h, size) @ images @ _band(w, size).T


def _band(n: int, size: int) -> np.ndarray:
    """The (n - size + 1, n) matrix whose rows are the shifted Gaussian of ``size`` taps."""
    taps = np.arange(size) - (size - 1) / 2
    gaussian = np.exp(-0.5 * (taps / (SIGMA * size / WINDOW)) ** 2)
    gaussian /= gaussian.sum()
    band = np.zeros((n - size + 1, n))
    for row in range(len(band)):
        band[row, row:row + size] = gaussian
    return band


def _halved(images):
    """2x2 means; an odd last row or column is left out."""
    n, c, h, w = images.shape
    return images[:, :, :h // 2 * 2, :w // 2 * 2].reshape(n, c, h // 2, 2, w // 2, 2).mean(axis=(3, 5))


__all__ = ["IntraMSSSIM", "intra_ms_ssim", "ms_ssim", "ssim_and_contrast"]
