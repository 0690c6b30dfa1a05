"""How near images are to given ones (PSNR, separation SNR, retrieval), and how sharp they are."""

from __future__ import annotations

import numpy as np

from tinygan.metrics.images import as_images, same_images
from tinygan.metrics.statistics import as_numpy
from tinygan.metrics.templates import nearest


def psnr(real, fake) -> np.ndarray:
    """Peak signal-to-noise ratio of every pair of images (N, C, H, W), in decibels: 10 log10(1 / MSE), (N,).

    The mean squared error is that of images in [0, 1]; float images come in [-1, 1] (their error is divided by 4), or
    as uint8. Infinite for equal images. Raises ValueError for what is no image and for different shapes.
    """
    real, fake = same_images("psnr", real, fake)
    error = ((real.astype(np.float64) - fake) ** 2).mean(axis=(1, 2, 3))
    with np.errstate(divide="ignore"):
        return -10 * np.log10(error)


def sharpness(real, fake) -> float:
    """Mean |grad x| of ``fake`` over that of ``real``: 1 is as sharp as the data, less is blurred, more is noisy.

    The gradient is that of forward differences, |grad x| = (dx^2 + dy^2)^(1/2), over all pixels but the last row and
    column. Images (N, C, H, W), float in [-1, 1] or uint8, numbers may differ. Raises ValueError for what is no image,
    sizes that differ, images with one row or column, and real images without any gradient.
    """
    real, fake = as_images("sharpness", real), as_images("sharpness", fake)
    if real.shape[1:] != fake.shape[1:] or min(real.shape[2:]) < 2:
        raise ValueError(f"sharpness: expected images of equal shape and at least 2x2 pixels, "
                         f"got {real.shape} and {fake.shape}")
    scale = _mean_gradient(real)
    if scale == 0:
        raise ValueError("sharpness: expected real images that are not constant, got images without any gradient")
    return _mean_gradient(fake) / scale


def separation_snr(real, estimate) -> np.ndarray:
    """How well signals (N, ...) were recovered from a mixture: 10 log10(|x|^2 / |x - x'|^2) decibels, (N,).

    Any range: the energy |x|^2 is that of the numbers as given, so images belong in [0, 1], where the background is 0.
    Infinite for equal signals. Raises ValueError for different shapes, values that are not finite, and signals that
    are 0 throughout.
    """
    real, estimate = as_numpy(real), as_numpy(estimate)
    if real.shape != estimate.shape or real.ndim < 2 or not real.size:
        raise ValueError(f"separation_snr: expected signals (N, ...) of equal shape, got {real.shape} and "
                         f"{estimate.shape}")
    # float64 before the difference: uint8 would wrap around
    real, estimate = (x.astype(np.float64).reshape(len(x), -1) for x in (real, estimate))
    energy, error = (real ** 2).sum(axis=1), ((real - estimate) ** 2).sum(axis=1)
    if not (np.isfinite(energy).all() and np.isfinite(error).all()) or not energy.all():
        raise ValueError("separation_snr: expected finite signals with energy, got NaN, infinity or a signal of zeros")
    with np.errstate(divide="ignore"):
        return 10 * (np.log10(energy) - np.log10(error))


def retrieval(queries, gallery, query_labels=None, gallery_labels=None, cosine: bool = False) -> float:
    """Rank-1 retrieval: the share of queries (N, ...) whose nearest item of the gallery (M, ...) has their label.

    Without labels, query i belongs to item i (then N = M). The distance is Euclidean, or with ``cosine`` that of the
    vectors scaled to length 1. Raises ValueError for shapes and labels that do not fit, no queries, values that are
    not finite, and vectors of length 0 with ``cosine``.
    """
    queries, gallery = as_numpy(queries), as_numpy(gallery)
    wanted = np.arange(len(queries)) if query_labels is None else np.asarray(query_labels)
    known = np.arange(len(gallery)) if gallery_labels is None else np.asarray(gallery_labels)
    matched = (query_labels is None) == (gallery_labels is None) and (
        query_labels is not None or len(queries) == len(gallery))
    if not matched or wanted.shape != (len(queries),) or known.shape != (len(gallery),) or not len(queries):
        raise ValueError(f"retrieval: expected one label per vector for both sets, or none and equal numbers, got "
                         f"{queries.shape} with labels {wanted.shape} and {gallery.shape} with labels {known.shape}")
    if cosine:
        queries, gallery = _unit(queries), _unit(gallery)
    return float((known[nearest(queries, gallery)[0]] == wanted).mean())


def _unit(vectors):
    vectors = vectors.reshape(len(vectors), -1).astype(np.float64)
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not length.all():
        raise ValueError("retrieval: expected vectors with a direction, got one of length 0")
    return vectors / length


def _mean_gradient(images) -> float:
    dy = images[:, :, 1:, :-1] - images[:, :, :-1, :-1]
    dx = images[:, :, :-1, 1:] - images[:, :, :-1, :-1]
    return float(np.sqrt(dx ** 2 + dy ** 2).mean(dtype=np.float64))


__all__ = ["psnr", "retrieval", "separation_snr", "sharpness"]
