"""The images that image metrics take: checked once, brought to float32 in [0, 1]."""

from __future__ import annotations

import numpy as np

from tinygan.backend import is_array, to_numpy
from tinygan.tensor import Tensor


def as_images(operation: str, images) -> np.ndarray:
    """Images (N, C, H, W) as a NumPy array, float32, in [0, 1].

    images: an array (NumPy or CuPy) or Tensor, uint8 (x / 255) or floating in [-1, 1] ((x + 1) / 2). Raises ValueError,
    in the name of ``operation``, for other dtypes and shapes, no image, and values outside the range or not finite.
    """
    images = images.data if isinstance(images, Tensor) else images
    fits = is_array(images) and images.ndim == 4 and images.size and (
        images.dtype.kind == "f" or images.dtype == np.uint8)
    if not fits:
        got = f"{images.dtype} {images.shape}" if is_array(images) else type(images).__name__
        raise ValueError(f"{operation}: expected images (N, C, H, W), uint8 or of a floating dtype in [-1, 1], "
                         f"got {got}")
    images = to_numpy(images)
    if images.dtype == np.uint8:
        return images.astype(np.float32) / np.float32(255)
    worst = float(np.abs(images).max())  # NaN wins in max, and no comparison with it is true
    if not worst <= 1 + 1e-4:
        raise ValueError(f"{operation}: expected images in [-1, 1], got values up to {worst:.4g} in size; "
                         "clip them first if they are meant to be cut off")
    return (images.astype(np.float32) + 1) / 2


def same_images(operation: str, a, b) -> tuple[np.ndarray, np.ndarray]:
    """Both sets by :func:`as_images`. Raises ValueError when their shapes differ."""
    a, b = as_images(operation, a), as_images(operation, b)
    if a.shape != b.shape:
        raise ValueError(f"{operation}: expected images of equal shape, pair by pair, got {a.shape} and {b.shape}")
    return a, b


__all__ = ["as_images", "same_images"]
