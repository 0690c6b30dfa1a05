"""A normalising flow of affine couplings: an invertible network whose density is known exactly."""

from __future__ import annotations

import math

import numpy as np

from tinygan import nn
from tinygan.models.mlp import stack
from tinygan.tensor import Tensor


class AffineCoupling(nn.Module):
    """y = b x + (1 - b) (x e^s(b x) + t(b x)) with a mask b of zeros and ones; log |det dy/dx| = sum (1 - b) s.

    s is bounded by ``limit`` through tanh, so that no single layer can blow up. Its inverse needs s and t themselves,
    not their inverses. Source: Dinh, Sohl-Dickstein, Bengio 2016, arXiv:1605.08803, eq. 7-9.
    """

    def __init__(self, mask, hidden=(64, 64), limit: float = 2.0):
        super().__init__()
        mask = np.asarray(mask, dtype=np.float32)
        self.register_buffer("mask", Tensor(mask))
        self.limit = limit
        self.net = nn.Sequential(*stack((mask.size, *hidden), None, nn.ReLU, first_norm=False),
                                 nn.Linear(hidden[-1], 2 * mask.size))

    def scale_and_shift(self, kept):
        """s and t (N, D), 0 where the mask keeps x, from what it keeps."""
        s, t = self.net(kept).chunk(2, 1)
        free = 1.0 - self.mask
        return s.tanh() * self.limit * free, t * free

    def forward(self, x):
        """(y, log |det dy/dx|) of x (N, D): (N, D) and (N,)."""
        s, t = self.scale_and_shift(x * self.mask)
        return x * s.exp() + t, s.sum(1)

    def inverse(self, y):
        """x (N, D) with forward(x)[0] = y."""
        s, t = self.scale_and_shift(y * self.mask)
        return (y - t) * (-s).exp()


class RealNVP(nn.Module):
    """Points x (N, D) -> noise z (N, D) through ``couplings`` affine couplings that keep every other coordinate.

    log p(x) = log N(f(x); 0, I) + log |det df/dx|. Source: Dinh, Sohl-Dickstein, Bengio 2016, arXiv:1605.08803.
    """

    def __init__(self, dim: int, couplings: int = 4, hidden=(64, 64)):
        super().__init__()
        if dim < 2:
            raise ValueError(f"RealNVP: expected at least 2 dimensions (a coupling keeps some of them), got {dim}")
        self.dim = dim
        self.couplings = nn.ModuleList([AffineCoupling((np.arange(dim) + k) % 2, hidden) for k in range(couplings)])

    def forward(self, x):
        """(z, log |det dz/dx|): (N, D) and (N,)."""
        total = 0.0
        for coupling in self.couplings:
            x, log_det = coupling(x)
            total = log_det + total
        return x, total

    def inverse(self, z):
        """The points (N, D) of noise z (N, D)."""
        for coupling in reversed(list(self.couplings)):
            z = coupling.inverse(z)
        return z

    def log_prob(self, x):
        """log p(x), in nats: (N,)."""
        z, log_det = self(x)
        return (z * z).sum(1) * -0.5 - 0.5 * self.dim * math.log(2 * math.pi) + log_det


__all__ = ["AffineCoupling", "RealNVP"]
