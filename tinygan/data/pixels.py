"""Other views of grey images: thresholded, outlines, negatives; for ``ImageDataset.mapped``.

The data recipes of small images are compositions: ``embedded_mnist().resized(14)``, ``.resized(14).mapped(binary)``,
``.mapped(edges).resized(16)``.
"""

from __future__ import annotations

import numpy as np


def binary(images: np.ndarray) -> np.ndarray:
    """255 where the pixel of uint8 ``images`` is above one half (127.5), else 0; uint8 of the same shape."""
    return np.where(images > 127, np.uint8(255), np.uint8(0))


def negative(images: np.ndarray) -> np.ndarray:
    """255 - x, uint8 of the same shape."""
    return 255 - images


def edges(images: np.ndarray) -> np.ndarray:
    """Outlines, 0 or 255, of uint8 images (N, C, H, W): 3x3 dilation minus 3x3 erosion of :func:`binary`.

    A pixel is part of one when its 3x3 neighbourhood (inside the image) has pixels above and below one half.
    """
    h, w = images.shape[2:]
    padded = np.pad(binary(images), ((0, 0), (0, 0), (1, 1), (1, 1)), mode="edge")
    neighbours = [padded[:, :, i:i + h, j:j + w] for i in range(3) for j in range(3)]
    return np.maximum.reduce(neighbours) - np.minimum.reduce(neighbours)


__all__ = ["binary", "edges", "negative"]
