"""Maximum mean discrepancy: the distance of mean embeddings in the space of a kernel."""

from __future__ import annotations

from collections.abc import Callable

from tinygan.losses.divergences.lifting import lifted


def gaussian_mixture(bandwidths=(1.0, 2.0, 4.0, 8.0, 16.0)) -> Callable:
    """The kernel k(x, y) = sum_s exp(-|x - y|^2 / (2 s^2)) as a function of Tensors (N, D) and (M, D): (N, M).

    The default bandwidths are those of MMD-GAN (Li et al. 2017, arXiv:1705.08584, section 5).
    """
    if not bandwidths or not all(s > 0 for s in bandwidths):
        raise ValueError(f"gaussian_mixture: expected bandwidths > 0, got {bandwidths}")

    def kernel(x, y):
        # the differences themselves: |x|^2 - 2 x y + |y|^2 would cancel for near points
        squares = (x.unsqueeze(1) - y.unsqueeze(0)).square().sum(2)
        total = (squares * (-0.5 / bandwidths[0] ** 2)).exp()
        for s in bandwidths[1:]:
            total = total + (squares * (-0.5 / s ** 2)).exp()
        return total
    return kernel


def squared_mmd(x, y, kernel: Callable | None = None, unbiased: bool = True):
    """MMD^2 between samples x (N, D) and y (M, D): a scalar.

    Unbiased, the U-statistic: sum_{i != j} k(x_i, x_j) / (N (N - 1)) + the same of y - 2 sum k(x_i, y_j) / (N M);
    it is 0 on average for equal distributions, and so may be negative. Biased: means over all pairs, never negative.
    kernel: of Tensors (N, D) and (M, D), symmetric; default :func:`gaussian_mixture`. Raises ValueError for shapes that
    do not fit and, unbiased, for fewer than two samples.
    Source: Gretton et al. 2012, "A kernel two-sample test", eq. 3 and 5.
    """
    least = 2 if unbiased else 1

    def within(a):
        n, values = len(a), (kernel or gaussian_mixture())(a, a)
        if not unbiased:
            return values.mean()
        diagonal = values.reshape(-1)[::n + 1]
        return (values.sum() - diagonal.sum()) * (1.0 / (n * (n - 1)))

    def body(x, y):
        if x.ndim != 2 or y.ndim != 2 or x.shape[1] != y.shape[1] or min(len(x), len(y)) < least:
            raise ValueError(f"squared_mmd: expected samples (N, D) and (M, D) with N, M >= {least}, got {x.shape} and "
                             f"{y.shape}")
        return within(x) + within(y) - (kernel or gaussian_mixture())(x, y).mean() * 2.0
    return lifted(body, x, y)


__all__ = ["gaussian_mixture", "squared_mmd"]
