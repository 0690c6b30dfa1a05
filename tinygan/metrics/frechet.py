"""The Frechet distance between two Gaussians, from means and covariances of features, in float64.

    d^2 = |mu1 - mu2|^2 + tr S1 + tr S2 - 2 tr (S1 S2)^(1/2)

It is called a distance and is a squared one: the triangle inequality does not hold. With features of a finite sample
it is biased upwards by an amount that falls like 1 / N, so only figures with equal sample sizes can be compared, and
each needs a real-against-real figure of the same sizes beside it.
"""

from __future__ import annotations

import contextlib
import warnings

import numpy as np

from tinygan.metrics.statistics import as_numpy, as_pair, statistics


BLOCK = 256


def fid(real, fake, compat: str | None = None) -> float:
    """The squared Frechet distance between Gaussians fitted to features real (N, D) and fake (M, D), in float64.

    With more than D samples in both sets it is ``frechet_distance(*statistics(real), *statistics(fake))``. Otherwise a
    covariance is singular and the trace of the root is taken as the nuclear norm (the sum of the singular values) of
    A B^T, where A^T A = S1 and B^T B = S2; with at most D samples A = (X - mu) / sqrt(N - 1). No root of a rounding
    error is taken, so that a set against itself gives 0 to 1e-14 of tr S1, not to 1e-7.
    compat reproduces the arithmetic of another library, to the last digits and with its weaknesses (no clipping at 0):
    "torch-fidelity" (mean and its difference in float32, eigenvalues of S1 S2), "pytorch-fid" (float64, scipy's sqrtm,
    with 1e-6 added to the diagonals when it is not finite), "stylegan2-ada" (covariance divided by N, raw moments).
    The features must be the ones that library would extract; the name FID belongs to those of Inception.
    Raises ValueError for fewer than two samples, unequal dimensions, NaN and infinity, and an unknown compat.
    """
    real, fake = as_pair("fid", real, fake, least=2)
    if compat is not None:
        if compat not in COMPAT:
            raise ValueError(f"fid: expected compat None or one of {', '.join(map(repr, COMPAT))}, got {compat!r}")
        return COMPAT[compat](fake, real)  # all three put the generated images first
    if min(len(real), len(fake)) > real.shape[1]:
        return frechet_distance(*statistics(real), *statistics(fake))
    with _one_thread(real.shape[1]):
        (mu1, a), (mu2, b) = _factor(real), _factor(fake)
        trace = np.linalg.svd(a @ b.T, compute_uv=False).sum()
    shift = mu1 - mu2
    return max(0.0, float(shift @ shift + np.square(a).sum() + np.square(b).sum() - 2 * trace))


def frechet_distance(mu1, sigma1, mu2, sigma2) -> float:
    """The squared Frechet distance between N(mu1, sigma1) and N(mu2, sigma2): means (D,), covariances (D, D).

    With S = sigma1, T = sigma2 and the Cholesky factor S = L L^T (or that of T, when S is singular) the trace of the
    root of S T is the sum of the roots of the eigenvalues of the symmetric L^T T L. When neither has such a factor, S =
    V w V^T from eigh and R = V w^(1/2) V^T take its place. Negative eigenvalues (rounding) count as 0, and so does a
    negative result; no matrix square root is iterated. For singular covariances (fewer samples than dimensions) its
    relative error was measured at 1e-7; :func:`fid` does better there.
    Raises ValueError for shapes that do not fit, values that are not finite, and matrices that are not symmetric or
    have clearly negative eigenvalues.
    Source: Dowson & Landau 1982, J. Multivariate Analysis 12, eq. 4; Heusel et al. 2017, arXiv:1706.08500, eq. 6.
    """
    mu1, sigma1 = _checked(1, mu1, sigma1)
    mu2, sigma2 = _checked(2, mu2, sigma2)
    if mu1.shape != mu2.shape:
        raise ValueError(f"frechet_distance: expected statistics of equal dimension, got {mu1.size} and {mu2.size}")
    with _one_thread(mu1.size):
        values = _eigenvalues_of_product(sigma1, sigma2)
    shift = mu1 - mu2
    trace = np.sqrt(np.maximum(values, 0)).sum()
    return max(0.0, float(shift @ shift + np.trace(sigma1) + np.trace(sigma2) - 2 * trace))


def _one_thread(d: int):
    """A context in which LAPACK has one thread: the bits do not depend on the cores, and no thread waits in a loop.

    SciPy brings a BLAS of its own, which :func:`tinygan.kernels.threads.limit_blas` has not seen when it ran before.
    On a machine with other work its threads made 2,048 dimensions take 10 s instead of 2 s.
    """
    if d < 128:  # BLAS hardly spreads so little work, and the limit costs a millisecond
        return contextlib.nullcontext()
    import scipy.linalg  # noqa: F401  loaded first, so that its BLAS is among those limited
    from threadpoolctl import threadpool_limits
    return threadpool_limits(limits=1, user_api="blas")


def _eigenvalues_of_product(sigma1: np.ndarray, sigma2: np.ndarray) -> np.ndarray:
    """The eigenvalues of sigma1 sigma2, which are real; a factorisation that succeeds proves a matrix positive."""
    from scipy.linalg import eigvalsh
    from scipy.linalg.lapack import dsygst
    lower1, lower2 = _cholesky(sigma1), _cholesky(sigma2)
    if lower2 is None:
        _check_spectrum(2, np.linalg.eigvalsh(sigma2))
    if lower1 is None and lower2 is None:
        values, vectors = np.linalg.eigh(sigma1)
        _check_spectrum(1, values)
        root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
        product = root @ sigma2 @ root
        return np.linalg.eigvalsh((product + product.T) / 2)
    if lower1 is None:
        _check_spectrum(1, np.linalg.eigvalsh(sigma1))
        lower, other = lower2, sigma1
    else:
        lower, other = lower1, sigma2
    product, _ = dsygst(other.T, lower, itype=2, lower=1)  # L^T T L in a quarter of the work of two products
    return eigvalsh(product, lower=True, overwrite_a=True, check_finite=False)


def _cholesky(sigma: np.ndarray):
    """L in the lower triangle (in the upper one is anything) with sigma = L L^T, or None where it breaks down."""
    from scipy.linalg.lapack import dpotrf
    lower, broken = dpotrf(sigma.T, lower=1, clean=0)  # the transpose, which is the same, is in LAPACK's memory order
    return None if broken else lower


def _factor(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean (D,) of features (N, D) and a matrix (at most D, D) whose product A^T A is their covariance."""
    n, d = features.shape
    if n <= d:
        centred = features.astype(np.float64)
        mu = centred.mean(axis=0)
        centred -= mu
        return mu, centred / np.sqrt(n - 1)
    mu, sigma = statistics(features)
    lower = _cholesky(sigma)
    if lower is not None:
        return mu, np.tril(lower).T
    values, vectors = np.linalg.eigh(sigma)
    return mu, (vectors * np.sqrt(np.maximum(values, 0))).T


def _checked(which: int, mu, sigma):
    """mu (D,) and sigma (D, D) in float64; one-dimensional Gaussians may come as two numbers."""
    mu = np.atleast_1d(as_numpy(mu)).astype(np.float64)
    sigma = np.atleast_2d(as_numpy(sigma)).astype(np.float64, order="C", copy=False)
    if mu.ndim != 1 or not mu.size or sigma.shape != (mu.size, mu.size):
        raise ValueError(f"frechet_distance: expected mu{which} of shape (D,) and sigma{which} of shape (D, D), "
                         f"got {mu.shape} and {sigma.shape}")
    largest = max(sigma.max(), -sigma.min())  # NaN if there is one
    if not (np.isfinite(mu).all() and np.isfinite(largest)):
        raise ValueError(f"frechet_distance: expected finite values, got NaN or infinity in mu{which} or sigma{which}")
    # block by block: whole matrices of 2,048 dimensions leave the cache, and a tenth of the time would go here
    difference = max(np.abs(sigma[i:i + BLOCK, i:] - sigma[i:, i:i + BLOCK].T).max() for i in range(0, mu.size, BLOCK))
    if difference > 1e-5 * largest:
        raise ValueError(f"frechet_distance: expected a symmetric sigma{which}, got entries that differ by "
                         f"{difference:.3g}")
    # below 1e-12 it is rounding, and nothing is lost when a factorisation reads the lower triangle alone
    return mu, (sigma + sigma.T) / 2 if difference > 1e-12 * largest else sigma


def _check_spectrum(which: int, values) -> None:
    # 1e-5 of the largest lets through covariances that somebody computed in float32
    if values[0] < -1e-5 * max(values[-1], 0.0):
        raise ValueError(f"frechet_distance: expected a covariance matrix sigma{which}, got one with the negative "
                         f"eigenvalue {values[0]:.3g}")


def _torch_fidelity(x: np.ndarray, y: np.ndarray) -> float:
    """Since 0.4: the mean of C-contiguous float32 features by np.mean, which adds them up row by row in float32."""
    (mu1, sigma1), (mu2, sigma2) = (
        (np.mean(f, axis=0), np.atleast_2d(np.cov(f, rowvar=False)))
        for f in (np.ascontiguousarray(f, dtype=np.float32) for f in (x, y)))
    # cast to complex: NumPy gives real eigenvalues when all are, and the root of a negative rounding error is NaN
    roots = np.sqrt(np.linalg.eigvals(sigma1 @ sigma2).astype(np.complex128))
    shift = mu1 - mu2
    return float(shift.dot(shift) + np.trace(sigma1) + np.trace(sigma2) - 2 * roots.sum().real)


def _pytorch_fid(x: np.ndarray, y: np.ndarray) -> float:
    (mu1, sigma1), (mu2, sigma2) = (
        (np.mean(f, axis=0), np.atleast_2d(np.cov(f, rowvar=False)))
        for f in (np.ascontiguousarray(f, dtype=np.float64) for f in (x, y)))
    root = _sqrtm(sigma1 @ sigma2)
    if not np.isfinite(root).all():
        offset = 1e-6 * np.eye(len(sigma1))
        root = _sqrtm((sigma1 + offset) @ (sigma2 + offset))
    if np.iscomplexobj(root) and np.abs(np.diagonal(root).imag).max() > 1e-3:
        raise ValueError("fid: expected a real root of the product of the covariances, as pytorch-fid does, got an "
                         f"imaginary part of {np.abs(root.imag).max():.3g}; compat=None needs none")
    shift = mu1 - mu2
    return float(shift @ shift + np.trace(sigma1) + np.trace(sigma2) - 2 * np.trace(root).real)


def _stylegan2_ada(x: np.ndarray, y: np.ndarray) -> float:
    moments = []
    for features in (x, y):
        features = features.astype(np.float32).astype(np.float64)
        mu = features.sum(axis=0) / len(features)
        moments.append((mu, features.T @ features / len(features) - np.outer(mu, mu)))
    (mu1, sigma1), (mu2, sigma2) = moments
    return float(np.square(mu1 - mu2).sum() + np.trace(sigma1 + sigma2 - 2 * _sqrtm(sigma1 @ sigma2)).real)


def _sqrtm(product: np.ndarray) -> np.ndarray:
    from scipy.linalg import sqrtm
    with warnings.catch_warnings():  # it warns of singular matrices, as products of covariances often are
        warnings.simplefilter("ignore")
        return np.asarray(sqrtm(product))


COMPAT = {"torch-fidelity": _torch_fidelity, "pytorch-fid": _pytorch_fid, "stylegan2-ada": _stylegan2_ada}

__all__ = ["fid", "frechet_distance"]
