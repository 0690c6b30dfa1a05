"""Extractors by name: the packaged judges, Inception-v3, and (for points) the coordinates themselves.

An extractor has a ``name`` for reports, a ``suffix`` for the scores in its features, ``dim``, a ``fingerprint``
(SHA-256 of weights and settings), and ``scores(images) -> (probabilities (N, K), features (N, dim))`` for uint8 images
(N, C, H, W).
"""

from __future__ import annotations

import difflib
import hashlib

import numpy as np

from tinygan.metrics.classifier import SETS, SIZES, judge, packaged
from tinygan.metrics.inception import InceptionV3
from tinygan.metrics.inception.resize import RESIZES

# "inception" resizes as TensorFlow 1 did, which is what most published scores mean
INCEPTION = {"inception" if resize == "tf1" else f"inception:{resize}": resize for resize in RESIZES}
SUBJECTS = {"embedded": "digits", "mnist": "digits", "fashion-mnist": "fashion"}  # data set -> what judges it


class Coordinates:
    """The extractor of points: their coordinates are their features, and there are no probabilities."""

    name, suffix = "coordinates", "_points"
    fingerprint = hashlib.sha256(b"coordinates").hexdigest()

    def __init__(self, dim: int):
        self.dim = dim

    def scores(self, points):
        """(an array (N, 0), the points)."""
        return np.empty((len(points), 0), np.float32), points


def extractor_names() -> list:
    """The names that :func:`find_extractor` knows: "digits-28" and so on, "inception", "inception:clean" and so on."""
    return [f"{name}-{size}" for name in SETS for size in SIZES if packaged(name, size).is_file()] + list(INCEPTION)


def find_extractor(name: str, device="cpu", weights=None, download: bool = False):
    """The extractor of a name, on a device. Raises ValueError for an unknown name, and what loading weights raises.

    weights, download: where Inception's weights are, see :class:`InceptionV3`; judges bring theirs.
    """
    known = extractor_names()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"extractor: expected one of {', '.join(known)}, got {name!r}{hint}")
    if name in INCEPTION:
        return InceptionV3(weights, resize=INCEPTION[name], device=device, download=download)
    if weights is not None:
        raise ValueError(f"extractor: expected weights with inception only, got {weights} for {name}")
    subject, _, size = name.rpartition("-")
    return judge(subject, int(size)).to(device)


def usual_extractor(data: str | None, shape) -> str | None:
    """The name of the packaged judge of a data set ("mnist", ...) for images of a shape; None without one."""
    subject = SUBJECTS.get(data)
    name = f"{subject}-{shape[-1]}" if subject and shape[0] == 1 and shape[1] == shape[2] else None
    return name if name in extractor_names() else None


__all__ = ["Coordinates", "INCEPTION", "SUBJECTS", "extractor_names", "find_extractor", "usual_extractor"]
