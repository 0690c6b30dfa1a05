"""Stacked digits: three digits as the red, green and blue channel of one image, 1000 modes of equal probability."""

from __future__ import annotations

import numpy as np

from tinygan import random
from tinygan.data.dataset import ImageDataset


def stacked(dataset: ImageDataset, n: int = 25600, stream: str = "data", size: int | None = None) -> ImageDataset:
    """``n`` images (n, 3, H, W) of three images of a grey data set each, drawn independently and with repetition.

    size: images are first brought to (size, size), see :func:`tinygan.data.resize`; 14 halves MNIST's. The label of
    classes (a, b, c) is 100 a + 10 b + c for ten classes. One draw from ``stream``. Raises ValueError when the set is
    not grey. Source: Metz et al. 2016, arXiv:1611.02163, section 3.3.1; Srivastava et al. 2017,
    arXiv:1705.07761, section 5.
    """
    if dataset.images.shape[1] != 1:
        raise ValueError(f"stacked: expected grey images (N, 1, H, W), got {dataset.images.shape}")
    dataset = dataset if size is None else dataset.resized(size)
    which = random.integers(0, len(dataset), (n, 3), stream)
    classes = len(dataset.classes) or int(dataset.labels.max()) + 1
    images = np.ascontiguousarray(dataset.images[which][:, :, 0])
    labels = dataset.labels[which] @ np.array([classes ** 2, classes, 1])
    return ImageDataset(images, labels, f"stacked {dataset.name}", dataset.split,
                        f"three images per sample, as colour channels, of: {dataset.provenance}")


__all__ = ["stacked"]
