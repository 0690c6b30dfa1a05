"""ImageDataset: images and labels in memory, with where they come from; and the maps between uint8 and [-1, 1]."""

from __future__ import annotations

import numpy as np

from tinygan.backend import array_module


def scale(images, dtype=np.float32):
    """Pixels mapped from {0, ..., 255} to [-1, 1]: x / 127.5 - 1, exact at both ends.

    images: uint8 array of any shape, NumPy or CuPy; the result has the same shape and ``dtype``.
    """
    scaled = images.astype(dtype)
    scaled /= 127.5
    scaled -= 1
    return scaled


def unscale(scaled):
    """Pixels mapped from [-1, 1] back to uint8, rounded and clipped; ``unscale(scale(x)) == x``. Any array module."""
    xp = array_module(scaled)
    return xp.clip(xp.rint((scaled + 1) * 127.5), 0, 255).astype(xp.uint8)


def resize(images: np.ndarray, size: int) -> np.ndarray:
    """Images (N, C, H, W), uint8, brought to (N, C, size, size), uint8.

    28 x 28 to 32, 16, 8 or 4: padded with 2 zeros on each side (MNIST's background is 0), then means of blocks, so that
    16 is the usual 14 x 14 mean image with a border of 1. Any other divisor of H = W: means of blocks. Otherwise:
    linear interpolation along each axis, with the filter widened by the ratio when shrinking, so nothing aliases.
    Values are rounded once, at the end: the rounded images are the data set, for models, judges and metrics alike.
    Raises ValueError when ``size`` is not positive.
    """
    if size < 1:
        raise ValueError(f"resize: expected a positive size, got {size}")
    n, c, h, w = images.shape
    if h == w == 28 and size in (32, 16, 8, 4):
        images = np.pad(images, ((0, 0), (0, 0), (2, 2), (2, 2)))
        h = w = 32
    if h == w == size:
        return images
    if h == w and h % size == 0:
        k = h // size
        resized = images.reshape(n, c, size, k, size, k).mean(axis=(3, 5), dtype=np.float32)
    else:
        rows, columns = _interpolation(h, size), _interpolation(w, size)
        resized = rows @ images.astype(np.float32) @ columns.T
    return np.rint(resized).clip(0, 255).astype(np.uint8)


def _interpolation(before: int, after: int) -> np.ndarray:
    """The (after, before) matrix of linear interpolation with pixel centres at (i + 1/2) / size; rows sum to 1."""
    width = max(before / after, 1.0)
    centres = (np.arange(after) + 0.5) * before / after
    distance = np.abs(np.arange(before) + 0.5 - centres[:, None]) / width
    weights = np.maximum(1 - distance, 0)
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


class ImageDataset:
    """Images and labels of one split, in memory and read-only.

    images: uint8 (N, C, H, W). labels: int64 (N,). name, split: str. provenance: one sentence on where the images
    come from. classes: the names of the labels, may be empty. Raises ValueError when dtypes, shapes or numbers differ.
    """

    def __init__(self, images, labels, name: str, split: str, provenance: str, classes=()):
        if images.ndim != 4 or images.dtype != np.uint8:
            raise ValueError(f"ImageDataset: expected uint8 images of shape (N, C, H, W), "
                             f"got {images.dtype} of shape {images.shape}")
        if labels.shape != (len(images),) or labels.dtype != np.int64:
            raise ValueError(f"ImageDataset: expected int64 labels of shape ({len(images)},), "
                             f"got {labels.dtype} of shape {labels.shape}")
        # views, so that the caller's own arrays stay as writeable as they were
        self.images, self.labels = images.view(), labels.view()
        self.images.flags.writeable = self.labels.flags.writeable = False
        self.name, self.split, self.provenance, self.classes = name, split, provenance, tuple(classes)

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        n, c, h, w = self.images.shape
        return f"ImageDataset({self.name}, {self.split}: {n} images, {c} x {h} x {w})"

    def scaled(self, dtype=np.float32) -> np.ndarray:
        """All images as (N, C, H, W) in [-1, 1]; see :func:`scale`."""
        return scale(self.images, dtype)

    def take(self, index) -> ImageDataset:
        """The images and labels at ``index`` (a slice, or an array of positions or of booleans)."""
        return self._with(self.images[index], self.labels[index])

    def resized(self, size: int) -> ImageDataset:
        """The same set with images of (size, size) pixels; see :func:`resize`."""
        return self._with(resize(self.images, size), self.labels)

    def mapped(self, function) -> ImageDataset:
        """The same set with ``function(images)``, uint8 (N, C, H, W) to uint8, such as :func:`tinygan.data.edges`."""
        return self._with(function(self.images), self.labels)

    def with_channels(self, channels: int) -> ImageDataset:
        """The same set with 1 or 3 channels: grey is repeated, colour becomes luma (ITU-R BT.601).

        Raises ValueError for other numbers of channels.
        """
        have = self.images.shape[1]
        if channels not in (1, 3) or have not in (1, 3):
            raise ValueError(f"with_channels: expected 1 or 3 channels, got {channels} from {have}")
        if channels == have:
            return self
        if channels == 3:
            return self._with(np.repeat(self.images, 3, axis=1), self.labels)
        luma = np.tensordot(np.float32([0.299, 0.587, 0.114]), self.images.astype(np.float32), axes=([0], [1]))
        return self._with(np.rint(luma)[:, None].clip(0, 255).astype(np.uint8), self.labels)

    def _with(self, images, labels) -> ImageDataset:
        return ImageDataset(images, labels, self.name, self.split, self.provenance, self.classes)


__all__ = ["ImageDataset", "resize", "scale", "unscale"]
