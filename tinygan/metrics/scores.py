"""Scores of samples by a judge: how many it is sure about, how many classes it sees, and FID_J with its floor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinygan.metrics.classifier import Judge
from tinygan.metrics.frechet import frechet_distance, statistics
from tinygan.metrics.statistics import as_numpy

THRESHOLD = 0.9
SHARE = 0.02
# The two disjoint parts of a reference whose distance is the floor when there are no other real samples: every other
# sample, as files are often sorted by class.
HALVES = slice(0, None, 2), slice(1, None, 2)


def confident_share(probabilities, threshold: float = THRESHOLD) -> float:
    """The share of samples whose largest probability is above ``threshold``: probabilities (N, K), rows sum to 1.

    Raises ValueError for anything else. It says nothing about diversity, and a classifier is sure of many things that
    are not digits: read it beside :func:`classes_present` and beside the same figure for noise.
    """
    return float((checked_probabilities("confident_share", probabilities).max(axis=1) > threshold).mean())


def class_counts(probabilities) -> np.ndarray:
    """For each class k the number of samples for which it is the most probable: (K,), from probabilities (N, K)."""
    probabilities = checked_probabilities("class_counts", probabilities)
    return np.bincount(probabilities.argmax(axis=1), minlength=probabilities.shape[1])


def classes_present(probabilities, share: float = SHARE) -> int:
    """The number of classes that are the most probable one for at least ``share`` of the samples (N, K)."""
    counts = class_counts(probabilities)
    # 1e-9: 7 of 100 is 7 %, although 0.07 * 100 is above 7 in binary
    return int((counts >= share * len(probabilities) - 1e-9).sum())


def fid_j(images, reference, judge: Judge) -> float:
    """The Frechet distance (a squared one) between two sets of images in the judge's 64 features.

    images, reference: (N, C, H, W) in [-1, 1]; N may differ. The bias falls like 1 / N: compare equal sizes only.
    """
    return frechet_distance(*statistics(judge.features(images)), *statistics(judge.features(reference)))


@dataclass(frozen=True)
class JudgeReport:
    """What :func:`judge_report` found; ``str()`` is one line that names every setting a figure depends on."""

    judge: str
    samples: int
    confident_share: float
    threshold: float
    classes_present: int
    share: float
    classes: int
    fid_j: float
    reference: int
    floor: float
    floor_samples: int
    floor_reference: int

    def __str__(self) -> str:
        return (f"{self.confident_share:.3f} of {self.samples} samples with confidence > {self.threshold:g}; "
                f"{self.classes_present} of {self.classes} classes with at least {self.share:.0%}; "
                f"FID_J {self.fid_j:.2f} ({self.samples} against {self.reference} real; real against real "
                f"{self.floor:.2f} with {self.floor_samples} against {self.floor_reference}; {self.judge})")


def judge_report(images, reference, judge: Judge, real=None) -> JudgeReport:
    """Judge samples: share with confidence > 0.9, classes with at least 2 % of the samples, FID_J and its floor.

    images: N samples (N, C, H, W) in [-1, 1]. reference: M real images that neither generator nor judge was trained
    on. real: other real images, none of them in ``reference``; the first N of them take the samples' place for the
    floor, so that floor and figure have the same sizes and hence the same bias (when there are fewer, all of them are
    used; the report says how many). Without ``real`` the floor is that between two disjoint halves of the reference,
    every other image; as the bias is proportional to 1 / N + 1 / M, it is (4 / M) / (1 / N + 1 / M) times too high.
    Measured with the digit judge against 2,000 test images: other real images 0.36 (2,000), halves 0.71 (1,000 each).
    ``real`` may be images the judge was trained on: 2,000 of them gave 0.28 to 0.42 (six sets), held-out ones 0.27 to
    0.37 (three sets). Raises ValueError for images the judge refuses, fewer than two images in a set, and fewer than
    four in the reference when it is halved.
    """
    probabilities, features = judge.scores(images)
    known = judge.features(reference)
    if real is None:
        if len(known) < 4:
            raise ValueError(f"judge_report: expected at least 4 reference images to halve, got {len(known)}")
        left, right = (known[half] for half in HALVES)
    else:
        left, right = judge.features(real[:len(features)]), known
    target = statistics(known)
    return JudgeReport(
        judge=judge.name, samples=len(features), confident_share=confident_share(probabilities), threshold=THRESHOLD,
        classes_present=classes_present(probabilities), share=SHARE, classes=probabilities.shape[1],
        fid_j=frechet_distance(*statistics(features), *target), reference=len(known),
        floor=frechet_distance(*statistics(left), *statistics(right)), floor_samples=len(left),
        floor_reference=len(right))


def checked_probabilities(name: str, probabilities) -> np.ndarray:
    """Probabilities (N, K), an array (NumPy, CuPy) or Tensor, as a NumPy array.

    Raises ValueError, in the name of ``name``, for anything else.
    """
    probabilities = as_numpy(probabilities)
    if probabilities.ndim != 2 or not probabilities.size:
        raise ValueError(f"{name}: expected probabilities of shape (N, K) with N > 0, got {probabilities.shape}")
    # float32 softmax rounds by 1e-7 per class; logits and percentages are far from 1
    if not (np.abs(probabilities.sum(axis=1, dtype=np.float64) - 1).max() < 1e-3 and probabilities.min() >= 0):
        raise ValueError(f"{name}: expected rows of probabilities that sum to 1, got values from "
                         f"{probabilities.min():.4g} to {probabilities.max():.4g}; are they logits?")
    return probabilities


__all__ = ["JudgeReport", "class_counts", "classes_present", "confident_share", "fid_j", "judge_report"]
