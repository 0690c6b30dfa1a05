"""Pictures of samples by their shape: grids of images, densities of points."""

from __future__ import annotations

import numpy as np

from tinygan.backend import to_numpy
from tinygan.train.images import grid, save_png

SIZE = 256  # pixels of a picture of points


def density(points, low, high) -> np.ndarray:
    """Points (N, 2) as a picture, uint8 (SIZE, SIZE): the more points fall on a pixel, the darker; white is none.

    Points (N, 1) become a histogram. ``low``, ``high``: the corners of what is shown, (dim,). What lies outside is not.
    """
    points = to_numpy(points).astype(np.float64)
    if points.shape[1] == 1:
        counts, _ = np.histogram(points[:, 0], bins=SIZE, range=(low[0], high[0]))
        heights = counts / max(counts.max(), 1) * SIZE
        return np.where(np.arange(SIZE)[::-1, None] < heights, 0, 255).astype(np.uint8)
    counts, _, _ = np.histogram2d(points[:, 1], points[:, 0], bins=SIZE,
                                  range=((low[1], high[1]), (low[0], high[0])))
    shades = 255 - np.minimum(np.ceil(counts) * 64 + 63 * (counts > 0), 255)
    return shades[::-1].astype(np.uint8)  # the first row of a picture is its top


def frame_of(real):
    """``draw(samples) -> picture`` for samples like ``real``; None when there is no picture of that shape.

    Images (N, C, H, W) with 1 or 3 channels become a grid, points (N, 1) and (N, 2) a density in the frame of ``real``.
    """
    real = to_numpy(real)
    if real.ndim == 4 and real.shape[1] in (1, 3):
        return grid
    if real.ndim == 2 and real.shape[1] in (1, 2):
        low, high = real.min(axis=0), real.max(axis=0)
        margin = 0.15 * (high - low).max() + 1e-6
        return lambda samples, columns=None: density(samples, low - margin, high + margin)
    return None


def picture_of(real):
    """``draw(path, samples, columns)``, which writes :func:`frame_of`'s picture to a PNG file; None as there."""
    draw = frame_of(real)
    return draw and (lambda path, samples, columns=None: save_png(path, draw(samples, columns)))


__all__ = ["density", "frame_of", "picture_of"]
