"""Kernels on NumPy arrays, spread over a small thread pool."""

from tinygan.kernels.cpu.conv import correlate, correlate_transpose, correlate_weight
from tinygan.kernels.cpu.matmul import matmul

__all__ = [
    "correlate", "correlate_transpose", "correlate_weight",
    "matmul",
]
