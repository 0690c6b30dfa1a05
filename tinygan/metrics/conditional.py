"""Scores of samples that were asked for by class: is it the right class, alone, and as varied as the data's?

``probabilities`` (N, K) are those of a judge, rows that sum to 1; ``labels`` (N,) the classes that were asked for.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tinygan import random
from tinygan.data import unscale
from tinygan.metrics.classifier import Judge, JudgeNetwork, undisturbed_streams
from tinygan.metrics.frechet import fid
from tinygan.metrics.images import as_images
from tinygan.metrics.judge_training import train_judge
from tinygan.metrics.scores import checked_probabilities
from tinygan.metrics.statistics import as_numpy, as_pair


def conditional_accuracy(probabilities, labels) -> float:
    """The share of samples that the judge gives the class asked for. Raises ValueError as :func:`confusion_matrix`."""
    matrix = confusion_matrix(probabilities, labels)
    return float(np.trace(matrix) / matrix.sum())


def confusion_matrix(probabilities, labels) -> np.ndarray:
    """Counts (K, K), int64: entry (y, k) is the number of samples of class y whose most probable class is k.

    Raises ValueError for what is no probability, and labels of another number or outside 0 to K - 1.
    """
    probabilities, labels = _checked("confusion_matrix", probabilities, labels)
    k = probabilities.shape[1]
    return np.bincount(labels * k + probabilities.argmax(axis=1), minlength=k * k).reshape(k, k)


class ClassLeakage(NamedTuple):
    """``share`` of leaking samples, ``per_class`` (K,) the same by class asked for (NaN without samples)."""

    share: float
    per_class: np.ndarray


def class_leakage(probabilities, labels, own: float = 0.5, other: float = 0.25) -> ClassLeakage:
    """The share of samples of class y with p(y) < ``own`` and p(k) > ``other`` for some other class k.

    Such a sample has properties of a class that it should not have. A generator that makes one and the same correct
    image per class has leakage 0: this is not mode collapse. Named by Brock et al. 2018, arXiv:1809.11096,
    who show it in figure 4; the two thresholds are this library's. Raises ValueError as :func:`confusion_matrix`.
    """
    probabilities, labels = _checked("class_leakage", probabilities, labels)
    each = np.arange(len(labels))
    others = probabilities.copy()
    others[each, labels] = 0
    leaks = (probabilities[each, labels] < own) & (others.max(axis=1) > other)
    numbers = np.bincount(labels, minlength=probabilities.shape[1])
    with np.errstate(invalid="ignore"):
        return ClassLeakage(float(leaks.mean()), np.bincount(labels, leaks, len(numbers)) / numbers)


def am_score(real, fake) -> float:
    """KL(mean of ``real`` || mean of ``fake``) + mean entropy of ``fake``, in nats; lower is better, 0 is the least.

    real, fake: probabilities (N, K), (M, K) that a judge gives training images and samples; ``real`` may be one row,
    the shares of the classes. Unlike the inception score it counts against the classes of the training set. Infinite
    when a class of ``real`` has probability 0 in all of ``fake``. Raises ValueError for what is no probability.
    Source: Zhou et al. 2017, arXiv:1703.02000.
    """
    fake = checked_probabilities("am_score: fake", fake).astype(np.float64)
    p = checked_probabilities("am_score: real", np.atleast_2d(as_numpy(real))).mean(axis=0, dtype=np.float64)
    q = fake.mean(axis=0)
    if p.shape != q.shape:
        raise ValueError(f"am_score: expected equal numbers of classes, got {p.size} and {q.size}")
    with np.errstate(divide="ignore", invalid="ignore"):
        divergence = np.where(p > 0, p * np.log(p / q), 0).sum()
        entropy = -np.where(fake > 0, fake * np.log(fake), 0).sum(axis=1).mean()
    # shares that sum to 1 but for rounding can make KL a few 1e-17 below 0
    return max(0.0, float(divergence)) + float(entropy)


class IntraFrechet(NamedTuple):
    """``mean`` over classes of ``per_class``: {label: squared Frechet distance}."""

    mean: float
    per_class: dict


def intra_frechet(real, real_labels, fake, fake_labels) -> IntraFrechet:
    """The Frechet distance of the features of each class, and its mean over classes (intra-FID in Inception features).

    real, fake: features (N, D), (M, D); labels (N,), (M,). Every class of ``real`` must have at least two samples in
    both; its bias is that of the class's few samples, so quote the same figure of real images beside it. Raises
    ValueError otherwise, and as :func:`tinygan.metrics.fid`.
    Source: Miyato & Koyama 2018, arXiv:1802.05637 (the mean over classes, as in their code).
    """
    real, fake = as_pair("intra_frechet", real, fake)
    real_labels, fake_labels = as_numpy(real_labels), as_numpy(fake_labels)
    if real_labels.shape != (len(real),) or fake_labels.shape != (len(fake),):
        raise ValueError(f"intra_frechet: expected labels ({len(real)},) and ({len(fake)},), got {real_labels.shape} "
                         f"and {fake_labels.shape}")
    found = {}
    for label in np.unique(real_labels):
        a, b = real[real_labels == label], fake[fake_labels == label]
        if len(a) < 2 or len(b) < 2:
            raise ValueError(f"intra_frechet: expected at least two samples of class {label} in both sets, got "
                             f"{len(a)} real and {len(b)} fake")
        found[label.item()] = fid(a, b)
    return IntraFrechet(float(np.mean(list(found.values()))), found)


class ClassificationAccuracy(NamedTuple):
    """``gan_train``: trained on fakes, tested on reals (like recall). ``gan_test``: the reverse (like precision)."""

    gan_train: float
    gan_test: float


def classification_accuracy_score(real, real_labels, fake, fake_labels, epochs: int = 8, seed: int = 0,
                                  width: int = 16, report=None) -> ClassificationAccuracy:
    """Accuracies of a classifier trained on ``fake`` and tested on ``real``, and of one trained and tested in reverse.

    Images (N, C, S, S), float in [-1, 1] or uint8 (floats are rounded to uint8), labels (N,) from 0. Both classifiers
    are a :class:`JudgeNetwork` of ``width`` (kernel 5 from 20 pixels, else 3), trained by ``train_judge`` with
    ``seed``; the random streams are left as they were. ``report(which, epoch, loss)`` is called after every epoch.
    Compare with real images of equal number in place of the fakes. Raises ValueError for sets that do not fit.
    Source: Shmelkov et al. 2018, arXiv:1807.09499 (GAN-train, GAN-test); Ravuri & Vinyals 2019, arXiv:1905.10887
    (GAN-train alone: the classification accuracy score).
    """
    sets = _labelled("real", real, real_labels), _labelled("fake", fake, fake_labels)
    if sets[0][0].shape[1:] != sets[1][0].shape[1:]:
        raise ValueError(f"classification_accuracy_score: expected images of equal shape, got {sets[0][0].shape} and "
                         f"{sets[1][0].shape}")
    channels, size = sets[0][0].shape[1:3]
    classes = 1 + int(max(labels.max() for _, labels in sets))

    def accuracy(which, trained, tested):
        with undisturbed_streams():
            random.manual_seed(seed)
            network = JudgeNetwork(size, channels, classes, width, kernel=5 if size >= 20 else 3)
            train_judge(network, *trained, epochs, batch_size=min(100, len(trained[0])),
                        report=report and (lambda epoch, loss: report(which, epoch, loss)))
        return Judge(network, which).accuracy(*tested)
    return ClassificationAccuracy(accuracy("gan_train", sets[1], sets[0]), accuracy("gan_test", *sets))


def _labelled(which: str, images, labels):
    """Images as uint8 (N, C, S, S), labels as int64 (N,)."""
    images, labels = as_numpy(images), as_numpy(labels)
    fits = images.ndim == 4 and images.shape[2] == images.shape[3] and labels.shape == (len(images),) and labels.size
    if not fits or labels.dtype.kind not in "iu" or labels.min() < 0:
        raise ValueError(f"classification_accuracy_score: expected {which} square images (N, C, S, S) with labels (N,) "
                         f"from 0, got {images.shape} with {labels.dtype} {labels.shape}")
    return unscale(as_images("classification_accuracy_score", images) * 2 - 1), labels.astype(np.int64)


def _checked(operation: str, probabilities, labels):
    probabilities, labels = checked_probabilities(operation, probabilities), as_numpy(labels)
    k = probabilities.shape[1]
    if labels.shape != (len(probabilities),) or labels.dtype.kind not in "iu" or not (
            0 <= labels.min() and labels.max() < k):
        raise ValueError(f"{operation}: expected labels ({len(probabilities)},) from 0 to {k - 1}, got {labels.dtype} "
                         f"{labels.shape}")
    return probabilities, labels


__all__ = ["ClassLeakage", "ClassificationAccuracy", "IntraFrechet", "am_score", "class_leakage",
           "classification_accuracy_score", "conditional_accuracy", "confusion_matrix", "intra_frechet"]
