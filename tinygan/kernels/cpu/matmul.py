"""Matrix products spread over the thread pool."""

import math

import numpy as np

from tinygan.kernels.threads import limit_blas, parallel_for

BLAS_FLOPS = 1 << 17       # fewer multiply-adds are one thread's work to every BLAS
SPLIT_FLOPS = 1 << 23      # a product of fewer multiply-adds is over before a second thread has woken up
BLOCK_FLOPS = 1 << 22      # multiply-adds per block, about
MIN_SIDE = 64              # BLAS gives a row the same bits in any block of at least this many rows


def matmul(a, b):
    """Matrix product, batched and broadcast as `numpy.matmul`: y[..., i, j] = sum_k a[..., i, k] b[..., k, j].

    A large product is cut into blocks of rows, or of columns when there are more of them (a batched one into blocks of
    matrices), which the thread pool works through; the cut depends on the shapes alone, so the bits do not depend on
    the number of threads.
    """
    if a.ndim < 2 or b.ndim < 2 or a.size == 0 or b.size == 0:
        return np.matmul(a, b)
    if a.shape[-1] == 1 == b.shape[-2]:        # an outer product, for which BLAS takes six times as long
        return a * b
    rows, inner, columns = a.shape[-2], a.shape[-1], b.shape[-1]
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2]) if a.ndim > 2 or b.ndim > 2 else ()
    flops = rows * inner * columns * math.prod(batch)
    if flops > BLAS_FLOPS:
        limit_blas()
    if flops < SPLIT_FLOPS or a.dtype != b.dtype:
        return np.matmul(a, b)
    if b.ndim == 2 and a.ndim > 2 and a.flags.c_contiguous:      # many small products by one matrix are one product
        return matmul(a.reshape(-1, inner), b).reshape(*a.shape[:-1], columns)
    y = np.empty((*batch, rows, columns), dtype=a.dtype)
    if batch:
        _matmul_batched(a, b, y, flops)
    else:
        _matmul_2d(a, b, y, flops)
    return y


def _matmul_2d(a, b, y, flops):
    """y = a b in blocks of rows or columns, whichever there are more of: each block reads the other matrix whole."""
    by_rows = y.shape[0] >= y.shape[1]
    side = max(y.shape)
    n_blocks = max(1, min(flops // BLOCK_FLOPS, side // MIN_SIDE, 16))
    edges = [side * i // n_blocks for i in range(n_blocks + 1)]

    def block(i):
        part = slice(edges[i], edges[i + 1])
        if by_rows:
            np.matmul(a[part], b, out=y[part])
        else:
            np.matmul(a, b[:, part], out=y[:, part])

    parallel_for(block, n_blocks)


def _matmul_batched(a, b, y, flops):
    """y = a b for stacks of matrices, in blocks along the first batch axis."""
    n = y.shape[0]
    n_blocks = max(1, min(n, flops // BLOCK_FLOPS, 16))
    edges = [n * i // n_blocks for i in range(n_blocks + 1)]
    a = np.broadcast_to(a, (*y.shape[:-2], *a.shape[-2:]))
    b = np.broadcast_to(b, (*y.shape[:-2], *b.shape[-2:]))

    def block(i):
        part = slice(edges[i], edges[i + 1])
        np.matmul(a[part], b[part], out=y[part])

    parallel_for(block, n_blocks)
