"""Nearest neighbours by brute force, in blocks; and judges of rendered sets, which need no training."""

from __future__ import annotations

import numpy as np

from tinygan.metrics.statistics import as_numpy

BLOCK = 2 ** 24  # products held at a time: 128 MiB of float64


def nearest(queries, gallery) -> tuple[np.ndarray, np.ndarray]:
    """For each query (N, ...) the position (N,) of the nearest item of ``gallery`` (M, ...), and its squared distance.

    The distance is Euclidean over all trailing axes, in float64; the first of equally near items wins. Memory: the
    gallery in float64 and 128 MiB. Raises ValueError for other shapes, an empty gallery, and values not finite.
    """
    queries, gallery = as_numpy(queries), as_numpy(gallery)
    if queries.ndim < 2 or queries.shape[1:] != gallery.shape[1:] or not gallery.size:
        raise ValueError(f"nearest: expected queries (N, ...) and a gallery (M, ...) of equal trailing shape with "
                         f"M > 0, got {queries.shape} and {gallery.shape}")
    gallery = gallery.reshape(len(gallery), -1).astype(np.float64)
    # products of centred values: squares of a large common offset would swallow small differences
    centre = gallery.mean(axis=0)
    gallery = gallery - centre
    squares = (gallery ** 2).sum(axis=1)
    found, distances = np.empty(len(queries), np.int64), np.empty(len(queries))
    rows = max(1, BLOCK // len(gallery))
    for start in range(0, len(queries), rows):
        block = queries[start:start + rows].reshape(-1, gallery.shape[1]) - centre
        if not (np.isfinite(block).all() and np.isfinite(squares).all()):
            raise ValueError("nearest: expected finite values, got NaN or infinity")
        which = (squares - 2 * block @ gallery.T).argmin(axis=1)
        found[start:start + rows] = which
        distances[start:start + rows] = ((block - gallery[which]) ** 2).sum(axis=1)
    return found, distances


class TemplateJudge:
    """A judge of a rendered set: an image is what the nearest of the rendered ``templates`` was rendered from.

    templates: (T, C, H, W), in the range of the images to come. labels: (T,), or (T, P) for P parameters per template.
    The answer is the arg-min over templates of the Euclidean distance: nothing is learned, so nothing can leak.
    Raises ValueError for other shapes.
    """

    def __init__(self, templates, labels, name: str = "templates"):
        self.templates, self.labels, self.name = as_numpy(templates), np.asarray(labels), f"judge {name}"
        if self.templates.ndim < 2 or len(self.labels) != len(self.templates) or not len(self.templates):
            raise ValueError(f"{self.name}: expected templates (T, C, H, W) and as many labels, "
                             f"got {self.templates.shape} and {self.labels.shape}")

    def judge(self, images) -> np.ndarray:
        """The labels (N,) or (N, P) of the nearest templates of images (N, C, H, W)."""
        return self.labels[nearest(images, self.templates)[0]]

    def distance(self, images) -> np.ndarray:
        """The root of the mean squared difference per pixel to the nearest template, (N,): large for bad renderings."""
        return np.sqrt(nearest(images, self.templates)[1] / self.templates[0].size)

    def accuracy(self, images, labels) -> float | np.ndarray:
        """The share of images judged to be their label (N,); for P parameters (N, P) one share each, (P,)."""
        share = (self.judge(images) == np.asarray(labels)).mean(axis=0)
        return float(share) if share.ndim == 0 else share

    def __repr__(self) -> str:
        return f"TemplateJudge({self.name}: {len(self.templates)} templates {self.templates.shape[1:]})"


__all__ = ["TemplateJudge", "nearest"]
