"""Matrix products on CuPy arrays, by cuBLAS."""


def matmul(a, b):
    """Matrix product, batched and broadcast as `numpy.matmul`: y[..., i, j] = sum_k a[..., i, k] b[..., k, j].

    One launch; a stack of matrices times one matrix is one product of two matrices.
    """
    if a.ndim > 2 and b.ndim == 2 and a.size:
        return (a.reshape(-1, a.shape[-1]) @ b).reshape(*a.shape[:-1], b.shape[1])
    return a @ b
