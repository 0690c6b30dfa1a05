"""The kernel inception distance: an unbiased estimate of the squared MMD with the kernel (x . y / D + 1)^3."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from tinygan.kernels.threads import limit_blas
from tinygan.metrics.statistics import as_pair

CLEAN = ("clean-fid", "stylegan2-ada")
COMPAT = ("torch-fidelity", *CLEAN)


class KID(NamedTuple):
    """Mean over subsets, and their standard deviation (or, of blocks, the standard error of the mean)."""

    mean: float
    std: float


def kid(real, fake, subsets: int = 100, subset_size: int | None = None, seed: int | None = None,
        compat: str | None = None) -> KID:
    """The unbiased MMD^2 of random subsets of real (N, D) and fake (M, D); mean and standard deviation over subsets.

        MMD^2 = [sum_(i != j) k(x_i, x_j) + sum_(i != j) k(y_i, y_j)] / (m (m - 1)) - 2 sum_ij k(x_i, y_j) / m^2

    with k(x, y) = (x . y / D + 1)^3 and m = subset_size samples of each set, drawn without replacement (default:
    min(1000, N, M)). Its expectation is 0 for equal distributions, at any sample size; a value may be negative. The
    standard deviation is over subsets that overlap (divided by their number), not an error of the mean.
    In float64, with ``numpy.random.default_rng(seed)``, seed 0 by default. compat reproduces another library's
    arithmetic and random stream, which takes the fake samples first, in the dtype of the features (they are float32
    there): "torch-fidelity" with RandomState(2020), unless seed says another; "clean-fid" and "stylegan2-ada", which
    draw from NumPy's global generator, with RandomState(seed), the stream after ``numpy.random.seed(seed)``.
    Raises ValueError for fewer than two samples or than subset_size, unequal dimensions, NaN and infinity.
    Source: Binkowski et al. 2018, arXiv:1801.01401, eq. 4 and section 4.
    """
    if compat not in (None, *COMPAT):
        raise ValueError(f"kid: expected compat None or one of {', '.join(map(repr, COMPAT))}, got {compat!r}")
    real, fake = as_pair("kid", real, fake, least=2)
    least = min(len(real), len(fake))
    m = min(1000, least) if subset_size is None else subset_size
    if not 2 <= m <= least or subsets < 1:
        raise ValueError(f"kid: expected 2 <= subset_size <= {least} (the smaller set) and subsets >= 1, "
                         f"got subset_size = {m} and subsets = {subsets}")
    if compat is None:
        generator, estimate, dtype = np.random.default_rng(0 if seed is None else seed), _torch_fidelity, np.float64
    else:
        default = 2020 if compat == "torch-fidelity" else 0
        generator = np.random.RandomState(default if seed is None else seed)
        estimate = _clean if compat in CLEAN else _torch_fidelity
        dtype = real.dtype if real.dtype == fake.dtype and real.dtype.kind == "f" else np.float32
    found = []
    for _ in range(subsets):
        x = fake[generator.choice(len(fake), m, replace=False)].astype(dtype, copy=False)
        y = real[generator.choice(len(real), m, replace=False)].astype(dtype, copy=False)
        found.append(float(estimate(x, y)))
    return KID(float(np.mean(found)), float(np.std(found)))


def kid_blocks(real, fake, block_size: int = 1024) -> KID:
    """The mean of the unbiased MMD^2 over disjoint blocks of both sets in their order, and the mean's standard error.

    As in TF-GAN: ceil(max(N, M) / block_size) blocks, each set cut into that many of nearly equal size; every sample
    counts once and nothing is random. The standard error (ddof 1) is NaN for one block. In float64.
    Raises ValueError as :func:`kid`, and when a block would have fewer than two samples.
    """
    real, fake = as_pair("kid_blocks", real, fake, least=2)
    blocks = math.ceil(max(len(real), len(fake)) / block_size) if block_size >= 2 else 0
    if not blocks or min(len(real), len(fake)) < 2 * blocks:
        raise ValueError(f"kid_blocks: expected block_size >= 2 and at least two samples of each set per block, got "
                         f"block_size = {block_size}, {len(real)} real and {len(fake)} fake samples")
    found = [_unbiased(y.astype(np.float64), x.astype(np.float64))
             for x, y in zip(np.array_split(real, blocks), np.array_split(fake, blocks))]
    error = np.std(found, ddof=1) / math.sqrt(blocks) if blocks > 1 else math.nan
    return KID(float(np.mean(found)), float(error))


def _kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    limit_blas()  # more threads of BLAS would give other bits
    return (x @ y.T * (1.0 / x.shape[1]) + 1) ** 3


def _unbiased(x: np.ndarray, y: np.ndarray):
    """The unbiased MMD^2 of x (n, D) and y (m, D)."""
    xx, yy, n, m = _kernel(x, x), _kernel(y, y), len(x), len(y)
    return (xx.sum() - np.trace(xx)) / (n * (n - 1)) + (yy.sum() - np.trace(yy)) / (m * (m - 1)) \
        - 2 * _kernel(x, y).mean()


def _torch_fidelity(x: np.ndarray, y: np.ndarray):
    """The same for sets of one size, with sums in this order: it decides the last digits in float32."""
    m = len(x)
    xx, yy = ((k.sum(axis=1) - np.diagonal(k)).sum() for k in (_kernel(x, x), _kernel(y, y)))
    return (xx + yy) / (m * (m - 1)) - 2 * _kernel(x, y).sum(axis=0).sum() / (m * m)


def _clean(x: np.ndarray, y: np.ndarray):
    """The same in the order of clean-fid and StyleGAN2-ADA, which divide by D and add the two kernels first."""
    limit_blas()
    m, d = x.shape
    within = (x @ x.T / d + 1) ** 3 + (y @ y.T / d + 1) ** 3
    between = (x @ y.T / d + 1) ** 3
    return ((within.sum() - np.diag(within).sum()) / (m - 1) - between.sum() * 2 / m) / m


__all__ = ["KID", "kid", "kid_blocks"]
