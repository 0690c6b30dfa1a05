"""Matrix products on CuPy arrays, by cuBLAS."""


def matmul(a, b):
    """Matrix product, batched and broadcast as `numpy.matmul`: y[..., i, j] = sum_k a[..., i, k] b[..., k, j]."""
    return a @ b
