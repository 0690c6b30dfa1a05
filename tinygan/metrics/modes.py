"""Modes: how many of the components of a known mixture, or of the classes of stacked digits, a generator covers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinygan.backend import to_numpy
from tinygan.data import GaussianMixture
from tinygan.tensor import Tensor


@dataclass(frozen=True)
class ModeCount:
    """``captured`` of ``modes`` modes, the share ``high_quality`` of samples near a centre, ``counts`` per mode."""

    captured: int
    modes: int
    high_quality: float
    counts: np.ndarray

    def __str__(self) -> str:
        return f"{self.captured}/{self.modes} modes, {self.high_quality:.3f} of the samples within 3 sigma of a centre"


def mode_count(samples, mixture: GaussianMixture, share: float = 0.2, sigmas: float = 3.0) -> ModeCount:
    """Modes of ``mixture`` captured by ``samples`` (N, dim), of which 2,500 are usual.

    A sample is of high quality within ``sigmas`` standard deviations of a centre; a mode is captured when it holds at
    least ``share`` of its expected N / K samples of high quality. In two dimensions the data themselves have a share of
    1 - exp(-4.5) = 0.9889 of high quality. Raises ValueError for other shapes and values that are not finite.
    Source: Metz et al. 2016, arXiv:1611.02163, section 3.3; Srivastava et al. 2017, arXiv:1705.07761, section 5.
    """
    samples = to_numpy(samples.data if isinstance(samples, Tensor) else samples)
    if samples.ndim != 2 or samples.shape[1] != mixture.dim or not len(samples):
        raise ValueError(f"mode_count: expected samples (N, {mixture.dim}), got {samples.shape}")
    if not np.isfinite(samples).all():
        raise ValueError("mode_count: expected finite samples, got NaN or infinity")
    centers = mixture.centers.astype(np.float64)
    squares = ((samples[:, None].astype(np.float64) - centers) ** 2).sum(axis=2)
    nearest, good = squares.argmin(axis=1), squares.min(axis=1) <= (sigmas * mixture.std) ** 2
    counts = np.bincount(nearest[good], minlength=len(centers))
    expected = len(samples) / len(centers)
    return ModeCount(int((counts >= share * expected).sum()), len(centers), float(good.mean()), counts)


@dataclass(frozen=True)
class StackedModes:
    """``captured`` of 1000 classes that occur at all, and KL(samples || uniform) in nats."""

    captured: int
    kl: float
    counts: np.ndarray

    def __str__(self) -> str:
        return f"{self.captured}/{len(self.counts)} modes, KL {self.kl:.3f}"


def stacked_modes(images, judge) -> StackedModes:
    """Modes of stacked digits in ``images`` (N, 3, H, W) in [-1, 1] or uint8, of which 25,600 are usual.

    Every channel is classified by ``judge`` (``metrics.judge("digits", H)`` for 28, 16 and 14 pixels); a mode is
    captured when one sample has its three classes. KL = sum_k q_k log(q_k K) over the shares q of the K modes.
    Source: Metz et al. 2016, arXiv:1611.02163, section 3.3.1.
    """
    images = to_numpy(images.data if isinstance(images, Tensor) else images)
    if images.ndim != 4 or images.shape[1] != 3:
        raise ValueError(f"stacked_modes: expected images (N, 3, H, W), got {images.shape}")
    probabilities = judge.probabilities(np.ascontiguousarray(images.reshape(-1, 1, *images.shape[2:])))
    k = probabilities.shape[1]
    digits = probabilities.argmax(axis=1).reshape(-1, 3)
    return _from_labels(digits @ np.array([k * k, k, 1]), k ** 3)


def _from_labels(labels, modes: int) -> StackedModes:
    counts = np.bincount(labels, minlength=modes)
    q = counts[counts > 0] / len(labels)
    return StackedModes(int((counts > 0).sum()), float((q * np.log(q * modes)).sum()), counts)


__all__ = ["ModeCount", "StackedModes", "mode_count", "stacked_modes"]
