"""What --data names: batches for the Trainer, the shape of one sample, and a score where there is one."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tinygan import data, metrics
from tinygan.cli.options import UsageError
from tinygan.data import POINTS, Batches, GaussianMixture, PointBatches, Prefetch
from tinygan.data.mnist import find_file, stems
from tinygan.metrics.classifier import SIZES
from tinygan.metrics.extractors import SUBJECTS

GREY = ("embedded", "mnist", "fashion-mnist")  # 28 x 28 images with one channel
STACKED = {"stacked": "embedded", "stacked-mnist": "mnist"}
NAMES = (*GREY, *STACKED, *POINTS)
POINT_BATCH, IMAGE_BATCH = 256, 64


@dataclass(frozen=True)
class Source:
    """Batches of samples of ``shape``; ``score(gan)``, the larger the better, says what ``measure`` says.

    ``digest``: by which a resumed run knows that the images are still the same ones.
    """

    batches: object
    shape: tuple
    score: Callable | None = None
    measure: str | None = None
    digest: str | None = None


def known_shape(name: str) -> tuple:
    """The shape of one sample of a named data set, without loading it."""
    if name in POINTS:
        return (POINTS[name].dim,)
    return (3 if name in STACKED else 1, 28, 28)


def described(name: str, size: int | None, channels: int | None) -> dict:
    """The part of a run's config that says what its data are; folders by their absolute path.

    Raises UsageError for a name that is neither known nor a path.
    """
    if name in NAMES:
        if name in POINTS and (size or channels):
            raise UsageError(f"--data {name}: expected no --size and no --image-channels, which are for images")
        if name in STACKED and channels not in (None, 3):
            raise UsageError(f"--data {name}: expected 3 channels, got --image-channels {channels}")
        own = None if name in POINTS else 28
        return {"data": name, "size": size or own, "image_channels": channels or (own and known_shape(name)[0])}
    folder = Path(name)
    if not name or not folder.exists():
        near = difflib.get_close_matches(name, NAMES, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(NAMES)}"
        raise UsageError(f"--data: expected a known name or a folder, got {name!r}; {hint}")
    idx = any(find_file(folder, stem) for split in ("train", "test") for stem in stems(split))
    return {"data": str(folder.resolve()), "size": size or (28 if idx else 32),
            "image_channels": channels or (1 if idx else 3)}


def sample_shape(config: dict) -> tuple:
    """The shape of one sample of the data in a run's config, without loading them."""
    if config["data"] in POINTS:
        return known_shape(config["data"])
    return (config["image_channels"], config["size"], config["size"])


def batch_size(name: str) -> int:
    """The default size of a batch."""
    return POINT_BATCH if name in POINTS else IMAGE_BATCH


def open_source(config: dict, device, scored: bool = True) -> Source:
    """The data of a run, from its config ("data", "size", "image_channels", "batch_size"). Raises DataError."""
    name, size, channels, number = (config[key] for key in ("data", "size", "image_channels", "batch_size"))
    if name in POINTS:
        score, measure = _modes(POINTS[name]) if scored else (None, None)
        return Source(PointBatches(POINTS[name], number, device=device), (POINTS[name].dim,), score, measure)
    images = data.load(STACKED.get(name, name), "train", size, 1 if name in STACKED else channels)
    if name in STACKED:
        images = data.stacked(images)
    score, measure = _judged(name, size, channels, device) if scored else (None, None)
    digest = hashlib.sha256(np.ascontiguousarray(images.images)).hexdigest()[:16]
    batches = Batches(images.scaled(), number, device=device)
    # the host gathers and copies the next batch while the GPU works; on the CPU the cores have other things to do
    batches = Prefetch(batches) if device != "cpu" else batches
    return Source(batches, images.images.shape[1:], score, measure, digest)


def real_points(name: str, n: int) -> np.ndarray | None:
    """Fresh points of a named set, to frame a picture with; None for anything else."""
    return POINTS[name](n, "preview") if name in POINTS else None


# Scores

def _finite(measure):
    """``measure`` of the samples, NaN where there is a sample that is none: the Trainer finds out why."""
    return lambda samples: measure(samples) if np.isfinite(samples).all() else float("nan")


def _modes(points):
    if not isinstance(points, GaussianMixture):
        return None, None

    @_finite
    def measure(samples):
        found = metrics.mode_count(samples, points)
        return found.high_quality * found.captured / found.modes
    return lambda gan: measure(gan.sample(2500)), "share of modes x share of samples within 3 sigma (2,500 samples)"


def _judged(name, size, channels, device):
    subject = SUBJECTS.get(STACKED.get(name, name))
    if subject is None or size not in SIZES or channels != (3 if name in STACKED else 1):
        return None, None
    judge = metrics.judge(subject, size).to(device)
    return _stacked_modes(judge) if name in STACKED else _distance(judge, name, size)


def _distance(judge, name, size):
    # all digits are compared with the packaged ones, whichever of their files were trained on
    real = data.load("embedded" if SUBJECTS[name] == "digits" else name, "heldout", size).images[:2000]
    held_out = metrics.statistics(judge.features(real))

    @_finite
    def measure(samples):
        return -metrics.frechet_distance(*metrics.statistics(judge.features(samples.clip(-1, 1))), *held_out)
    return lambda gan: measure(gan.sample(2000)), f"-FID_J (2,000 samples against 2,000 held-out images, {judge.name})"


def _stacked_modes(judge):

    @_finite
    def measure(samples):
        return float(metrics.stacked_modes(samples.clip(-1, 1), judge).captured)
    return lambda gan: measure(gan.sample(5000)), "classes of 1,000 among 5,000 samples"


__all__ = ["NAMES", "Source", "batch_size", "described", "known_shape", "open_source", "real_points", "sample_shape"]
