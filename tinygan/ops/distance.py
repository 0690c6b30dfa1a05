"""Distances between points."""

from __future__ import annotations

from tinygan.ops.reduce import norm
from tinygan.ops.shape import unsqueeze


def pairwise_distance(x1, x2, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False):
    """The p-norm of x1 - x2 + eps over the last dimension, for (..., D) and (..., D) that broadcast: (...).

    With PyTorch's ``eps`` the distance of equal points is not 0; with eps = 0 its subgradient is 0.
    """
    if x1.shape[-1:] != x2.shape[-1:]:
        raise ValueError(f"pairwise_distance: expected points of one dimension, got {x1.shape} and {x2.shape}")
    difference = x1 - x2
    return norm(difference + eps if eps else difference, p, -1, keepdim)


def cdist(x1, x2, p: float = 2.0):
    """The p-norm of x1_i - x2_j for (..., P, D) and (..., R, D): (..., P, R), with subgradient 0 at 0.

    The differences are formed, all P R D of them: the shorter |a|^2 - 2ab + |b|^2 cancels for near points. Raises
    ValueError when the shapes do not fit.
    """
    if min(x1.ndim, x2.ndim) < 2 or x1.shape[-1] != x2.shape[-1] or p <= 0:
        raise ValueError(f"cdist: expected (..., P, D), (..., R, D) and p > 0, got {x1.shape}, {x2.shape} and {p}")
    return norm(unsqueeze(x1, -2) - unsqueeze(x2, -3), p, -1)
