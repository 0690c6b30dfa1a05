"""Sliced Wasserstein distances: of point sets, and of the patches of image pyramids (SWD).

Both project onto fixed unit directions, where optimal transport is sorting: with quantile functions F^-1, G^-1,

    W_p(F, G)^p = integral over t in [0, 1] of |F^-1(t) - G^-1(t)|^p

In one dimension a direction is +1 and the result is W_p itself.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tinygan.kernels.threads import parallel_for
from tinygan.metrics.images import as_images
from tinygan.metrics.statistics import as_pair

PATCH, PATCHES = 7, 128            # pixels per side; patches per image and level
REPEATS, DIRECTIONS = 4, 128       # PGGAN's numbers
BLOCK = 32                         # directions per block, whose 32 x patches float32 values each thread holds
BINOMIAL = np.array([1, 4, 6, 4, 1], np.float32) / 16  # its outer product with itself is PGGAN's 5x5 filter / 256


def sliced_wasserstein(real, fake, p: int = 1, directions: int = 200, seed: int = 0) -> float:
    """The sliced distance SW_p of two point sets (N, D) and (M, D): (mean over directions of W_p^p)^(1/p), p 1 or 2.

    The directions are fixed: +1 on the line, evenly spaced over the half circle in the plane, and else uniform on the
    sphere, from a generator of their own with ``seed``. N and M may differ: the integral over quantiles is exact.
    Raises ValueError for other p, other shapes, empty sets, and values that are not finite.
    Source: Rabin, Peyre, Delon, Bernot 2011, SSVM; Bonneel et al. 2015, J. Math. Imaging Vision 51.
    """
    if p not in (1, 2):
        raise ValueError(f"sliced_wasserstein: expected p = 1 or 2, got {p!r}")
    real, fake = (points.astype(np.float64) for points in as_pair("sliced_wasserstein", real, fake))
    onto = unit_directions(real.shape[1], directions, seed)
    return float(_transport(onto.T @ real.T, onto.T @ fake.T, p).mean() ** (1 / p))


def unit_directions(dim: int, n: int, seed: int = 0) -> np.ndarray:
    """``n`` unit vectors as columns, (dim, n), float64: see :func:`sliced_wasserstein`; one for ``dim`` 1."""
    if n < 1:
        raise ValueError(f"unit_directions: expected at least one direction, got {n}")
    if dim == 1:
        return np.ones((1, 1))
    if dim == 2:
        angles = np.pi * (np.arange(n) + 0.5) / n
        return np.stack([np.cos(angles), np.sin(angles)])
    vectors = np.random.default_rng(seed).standard_normal((dim, n))
    return vectors / np.linalg.norm(vectors, axis=0)


def _transport(x: np.ndarray, y: np.ndarray, p: int) -> np.ndarray:
    """W_p^p of the rows of x (L, N) and y (L, M), (L,)."""
    x, y = np.sort(x), np.sort(y)  # rows, because contiguous values are sorted several times as fast
    n, m = x.shape[1], y.shape[1]
    if n == m:
        return (np.abs(x - y) ** p).mean(axis=1, dtype=np.float64)
    # both quantile functions are steps; in units of 1 / (n m) every end of a step is an integer
    ends = np.union1d(np.arange(1, n + 1) * m, np.arange(1, m + 1) * n)
    widths = np.diff(ends, prepend=0)
    steps = np.abs(x[:, (ends - 1) // m] - y[:, (ends - 1) // n]) ** p
    return steps @ widths / (n * m)


# Image pyramids

class SWD(NamedTuple):
    """``mean`` over levels of the distance times 1,000; ``levels``: {pixels per side: distance}, fine to coarse."""

    mean: float
    levels: dict


def swd(real, fake, smallest: int = 16, patches: int = PATCHES, seed: int = 0) -> SWD:
    """The sliced Wasserstein distance of image pyramids (Karras et al. 2018), x 1,000, per level and its mean.

    real, fake: images (N, C, H, W), float in [-1, 1] or uint8; numbers may differ. Each Laplacian level with at least
    ``smallest`` pixels per side (14 and 28 pixels: one level) gives ``patches`` random 7x7 patches per image. From the
    patches of a set its mean is taken off, and they are divided by its standard deviation, per channel (a constant
    channel stays 0). The distance is W_1 averaged over 4 x 128 directions. Positions and directions are drawn from
    generators of their own, with ``seed``, and the same for both sets: equal sets have distance 0.
    Memory: N x patches x 49 C float32 values per set. Quote it beside the same figure of real against real images.
    Raises ValueError for what is no image, sets of different shape, and images smaller than 7 pixels.
    Source: Karras et al. 2018, arXiv:1710.10196, section 5 and its code; PGGAN used 8,192 images of each kind.
    """
    real, fake = as_images("swd", real), as_images("swd", fake)
    if real.shape[1:] != fake.shape[1:] or min(real.shape[2:]) < PATCH:
        raise ValueError(f"swd: expected two sets of images of equal shape with at least {PATCH} pixels per side, "
                         f"got {real.shape} and {fake.shape}")
    levels = {}
    for number, (a, b) in enumerate(zip(laplacian_pyramid(real, smallest), laplacian_pyramid(fake, smallest))):
        # a level has seeds of its own, so that leaving out others does not change it
        rngs = [np.random.default_rng([seed, number, a.shape[2]]) for _ in range(2)]
        x, y = (normalized(patches_of(level, patches, rng)) for level, rng in zip((a, b), rngs))
        levels[min(a.shape[2:])] = 1000 * _distance(x, y, rngs[0])
    return SWD(float(np.mean(list(levels.values()))), levels)


def laplacian_pyramid(images: np.ndarray, smallest: int = 16) -> list[np.ndarray]:
    """Levels of (N, C, H, W), fine to coarse: what each blur takes away, and last the smallest image.

    ``level[i] + pyramid_up(level[i + 1], ...)``, from the end, gives the images back. A level is followed by one of
    half the size (rounded up) while that has at least ``smallest`` pixels per side.
    Source: Burt & Adelson 1983, IEEE Trans. Comm. 31.
    """
    levels = [images]
    while (min(levels[-1].shape[2:]) + 1) // 2 >= smallest:
        small = _blurred(levels[-1])[:, :, ::2, ::2]
        levels[-1] = levels[-1] - pyramid_up(small, levels[-1].shape[2:])
        levels.append(small)
    return levels


def pyramid_up(images: np.ndarray, size) -> np.ndarray:
    """Images (N, C, ., .) of half the ``size`` = (H, W) brought to it: zeros between the pixels, blurred, x 4."""
    spread = np.zeros((*images.shape[:2], *size), images.dtype)
    spread[:, :, ::2, ::2] = images
    return 4 * _blurred(spread)


def patches_of(images: np.ndarray, number: int, rng) -> np.ndarray:
    """``number`` 7x7 patches of every image (N, C, H, W) at random positions: (N number, C, 7, 7)."""
    n, c, h, w = images.shape
    rows, columns = (rng.integers(0, size - PATCH + 1, n * number) for size in (h, w))
    windows = np.lib.stride_tricks.sliding_window_view(images, (PATCH, PATCH), axis=(2, 3))
    return windows[np.repeat(np.arange(n), number), :, rows, columns]


def normalized(patches: np.ndarray) -> np.ndarray:
    """Patches (N, C, 7, 7) with mean 0 and standard deviation 1 per channel, or all 0; as (N, 49 C)."""
    mean = patches.mean(axis=(0, 2, 3), keepdims=True, dtype=np.float64)
    std = patches.std(axis=(0, 2, 3), keepdims=True, dtype=np.float64)
    # rounding alone gives a constant channel a deviation of some 1e-8 of its values, which must not be blown up
    std = np.where(std > 1e-6 * np.abs(mean), std, np.inf)
    return ((patches - mean.astype(np.float32)) / std.astype(np.float32)).reshape(len(patches), -1)


def _distance(x, y, rng) -> float:
    """W_1 averaged over 4 x 128 random directions."""
    onto = rng.standard_normal((REPEATS * DIRECTIONS, x.shape[1]))
    onto = (onto / np.linalg.norm(onto, axis=1, keepdims=True)).astype(np.float32)
    found = np.empty(len(onto))

    def block(i):
        part = slice(i * BLOCK, (i + 1) * BLOCK)
        found[part] = _transport(onto[part] @ x.T, onto[part] @ y.T, 1)
    parallel_for(block, len(onto) // BLOCK)
    return float(found.mean())


def _blurred(images: np.ndarray) -> np.ndarray:
    """The 5x5 binomial filter; borders are mirrored without repeating the outermost pixel."""
    for axis in (2, 3):
        n = images.shape[axis]
        pad = [(0, 0)] * 4
        pad[axis] = (2, 2)
        padded = np.pad(images, pad, mode="reflect")
        images = sum(np.take(padded, range(i, i + n), axis=axis) * weight for i, weight in enumerate(BINOMIAL))
    return images


__all__ = ["SWD", "laplacian_pyramid", "pyramid_up", "sliced_wasserstein", "swd", "unit_directions"]
