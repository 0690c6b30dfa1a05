"""Grids of images as PNG files."""
import math

import numpy as np

from tinygan.backend import to_numpy
from tinygan.train.files import atomic


def grid(images, columns=None, padding=2):
    """Return the images side by side as one picture: row by row, with black lines of `padding` pixels around each.

    `images`: floating (N, C, H, W) in [-1, 1] (values outside are clipped), NumPy or CuPy, C 1 or 3. `columns`: by
    default the smallest number that makes the grid at least as wide as high. Returns uint8 (H', W') for C = 1, else
    (H', W', 3), where value = round(127.5 (x + 1)). Raises ValueError for other shapes, integers, NaN and infinity.
    """
    images = to_numpy(images)
    if images.ndim != 4 or images.shape[1] not in (1, 3) or 0 in images.shape:
        raise ValueError(f"grid: expected non-empty images (N, C, H, W) with C 1 or 3, got {images.shape}")
    if images.dtype.kind != "f":
        raise ValueError(f"grid: expected floating values in [-1, 1], got {images.dtype}")
    bad = ~np.isfinite(images).all(axis=(1, 2, 3))
    if bad.any():
        raise ValueError(f"grid: expected finite values, got NaN or infinity in {bad.sum()} of {len(images)} images, "
                         f"first in image {bad.argmax()}")
    count, channels, height, width = images.shape
    columns = math.ceil(math.sqrt(count)) if columns is None else columns
    if columns < 1 or padding < 0:
        raise ValueError(f"grid: expected columns >= 1 and padding >= 0, got {columns} and {padding}")
    columns = min(columns, count)
    rows = -(-count // columns)
    # Cells carry their padding above and on the left; the last lines close the picture.
    cells = np.zeros((rows * columns, height + padding, width + padding, channels), np.uint8)
    values = np.rint((images.clip(-1, 1).astype(np.float64) + 1) * 127.5).astype(np.uint8)
    cells[:count, padding:, padding:] = values.transpose(0, 2, 3, 1)
    picture = cells.reshape(rows, columns, height + padding, width + padding, channels).swapaxes(1, 2)
    picture = picture.reshape(rows * (height + padding), columns * (width + padding), channels)
    picture = np.pad(picture, ((0, padding), (0, padding), (0, 0)))
    return picture[:, :, 0] if channels == 1 else picture


def save_png(path, array):
    """Write a picture, uint8 (H, W) or (H, W, 3), to the PNG file `path`, whole or not at all.

    Raises ValueError for other arrays and OSError when the file cannot be written.
    """
    from PIL import Image
    if array.dtype != np.uint8 or array.ndim not in (2, 3) or array.shape[2:] not in ((), (3,)):
        raise ValueError(f"save_png: expected uint8 (H, W) or (H, W, 3), got {array.dtype} {array.shape}")
    with atomic(path) as file:
        Image.fromarray(np.ascontiguousarray(array)).save(file, format="PNG")


def save_grid(path, images, columns=None, padding=2):
    """Write images, (N, C, H, W) in [-1, 1], as one PNG file (see `grid`)."""
    save_png(path, grid(images, columns, padding))
