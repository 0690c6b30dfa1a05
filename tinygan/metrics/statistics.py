"""Mean and covariance of features in one pass, in float64, and the check of features that all scores share."""

from __future__ import annotations

import zipfile
import zlib

import numpy as np

from tinygan.backend import to_numpy
from tinygan.kernels.threads import limit_blas
from tinygan.tensor import Tensor

ROWS = 4096  # rows converted to float64 at a time, so that 50,000 x 2048 features are not held twice


def as_features(name: str, features, least: int = 1) -> np.ndarray:
    """Features (N, D) of an array (NumPy, CuPy), Tensor or nested list as a NumPy array of their own dtype.

    Raises ValueError, which begins with ``name``, for another number of dimensions, D = 0, fewer than ``least``
    samples, a dtype that is neither floating nor integer, and NaN or infinity.
    """
    features = as_numpy(features)
    if features.ndim != 2 or not features.shape[1]:
        raise ValueError(f"{name}: expected features of shape (N, D), got {features.shape}; "
                         "average or flatten other dimensions first")
    if features.dtype.kind not in "fiu":
        raise ValueError(f"{name}: expected features of a floating or integer dtype, got {features.dtype}")
    if len(features) < least:
        least = {1: "one sample", 2: "two samples"}.get(least, f"{least} samples")
        raise ValueError(f"{name}: expected at least {least}, got {len(features)}")
    _check_finite(name, features)
    return features


def as_pair(name: str, real, fake, least: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Two sets of features, each by :func:`as_features`; raises ValueError when their dimensions D differ."""
    real, fake = as_features(f"{name}: real", real, least), as_features(f"{name}: fake", fake, least)
    if real.shape[1] != fake.shape[1]:
        raise ValueError(f"{name}: expected real and fake features of equal dimension, got {real.shape} and "
                         f"{fake.shape}")
    return real, fake


def as_numpy(values) -> np.ndarray:
    """An array (NumPy, CuPy), Tensor, number or nested list as a NumPy array."""
    return to_numpy(values.data if isinstance(values, Tensor) else values if hasattr(values, "shape")
                    else np.asarray(values))


class Statistics:
    """The number n, the mean (D,) and the covariance (D, D) of features that arrive in parts, in float64.

    Each part is centred at its own mean; two parts a and b, with d = mean_b - mean_a, make

        mean = mean_a + d n_b / n,    scatter = scatter_a + scatter_b + d d^T n_a n_b / n,    n = n_a + n_b

    so a large mean costs no digits, as it does with sums of squares. The result depends on how the features were cut
    into parts by rounding alone. Nothing but n, mean and scatter is kept.
    Source: Chan, Golub, LeVeque 1979, "Updating formulae and a pairwise algorithm for computing sample variances",
    eq. 2.1 (Stanford STAN-CS-79-773), for vectors.
    """

    def __init__(self, features=None):
        self.n, self.mean, self.scatter = 0, None, None
        if features is not None:
            self.update(features)

    def update(self, features) -> Statistics:
        """Take in features (N, D) of any real dtype, N >= 0, and return self.

        Raises ValueError for another shape, another D than before, and values that are not finite; self is then as
        before.
        """
        features = as_features("statistics", features, least=0)
        self._check_dimension(features.shape[1])
        limit_blas()  # more threads of BLAS would give other bits
        for start in range(0, len(features), ROWS):
            block = features[start:start + ROWS].astype(np.float64)
            mean = block.mean(axis=0)
            block -= mean
            self._absorb(len(block), mean, block.T @ block)
        return self

    def merge(self, other: Statistics) -> Statistics:
        """Take in what ``other`` has seen, which stays as it is, and return self. Raises ValueError for another D."""
        if other.n:
            self._check_dimension(other.mean.size)
            self._absorb(other.n, other.mean, other.scatter)
        return self

    def covariance(self, ddof: int = 1) -> np.ndarray:
        """The covariance (D, D), divided by n - ``ddof``. Raises ValueError unless n > ddof and n > 0."""
        if self.n <= max(ddof, 0):
            least = {0: "one sample", 1: "two samples"}.get(ddof, f"{ddof + 1} samples")
            raise ValueError(f"statistics: expected at least {least}, got {self.n}: fewer have no covariance")
        return self.scatter / (self.n - ddof)

    def save(self, path) -> None:
        """Write n, mean and scatter to one .npz file."""
        if not self.n:
            raise ValueError("Statistics.save: expected statistics of some samples, got none")
        np.savez(path, n=np.int64(self.n), mean=self.mean, scatter=self.scatter)

    @classmethod
    def load(cls, path) -> Statistics:
        """Read a file of :meth:`save`; nothing in it is executed. Raises ValueError for any other file."""
        try:
            with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
                n, mean, scatter = int(archive["n"]), archive["mean"], archive["scatter"]
        except (OSError, KeyError, TypeError, ValueError, AttributeError, EOFError, zlib.error,
                zipfile.BadZipFile) as error:
            raise ValueError(f"Statistics.load: expected a file that Statistics.save wrote, got {path}: "
                             f"{type(error).__name__}: {error}") from error
        if n < 1 or mean.ndim != 1 or scatter.shape != 2 * mean.shape or not mean.dtype == scatter.dtype == np.float64:
            raise ValueError("Statistics.load: expected n > 0, a mean (D,) and a scatter (D, D) in float64, got "
                             f"n = {n}, {mean.dtype} {mean.shape} and {scatter.dtype} {scatter.shape} in {path}")
        found = cls()
        found.n, found.mean, found.scatter = n, mean, scatter
        return found

    def _absorb(self, n: int, mean: np.ndarray, scatter: np.ndarray) -> None:
        if not self.n:
            self.n, self.mean, self.scatter = n, mean.copy(), scatter.copy()
            return
        total = self.n + n
        shift = mean - self.mean
        between = shift * np.sqrt(self.n * (n / total))  # its outer product is exactly symmetric
        self.scatter += scatter
        self.scatter += np.outer(between, between)
        self.mean += shift * (n / total)
        self.n = total

    def _check_dimension(self, d: int) -> None:
        if self.n and self.mean.size != d:
            raise ValueError(f"statistics: expected features of shape (N, {self.mean.size}) as before, got (N, {d})")

    def __repr__(self) -> str:
        return f"Statistics(n={self.n}, D={self.mean.size if self.n else '?'})"


def statistics(features) -> tuple[np.ndarray, np.ndarray]:
    """The mean (D,) and the covariance (D, D), divided by N - 1, of features (N, D), in float64 for any dtype.

    Computed by :class:`Statistics`, 4,096 rows at a time. Raises ValueError for another number of dimensions, fewer
    than two samples, and values that are not finite.
    """
    found = Statistics(features)
    covariance = found.covariance()
    return found.mean, covariance


def _check_finite(name: str, features: np.ndarray) -> None:
    for start in range(0, len(features) if features.dtype.kind == "f" else 0, ROWS):
        finite = np.isfinite(features[start:start + ROWS]).all(axis=1)
        if not finite.all():
            raise ValueError(f"{name}: expected finite features, got NaN or infinity in sample "
                             f"{start + int(np.argmin(finite))}")


__all__ = ["Statistics", "as_features", "as_numpy", "as_pair", "statistics"]
