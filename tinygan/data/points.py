"""Point sets with known densities: mixtures of Gaussians in the plane."""

from __future__ import annotations

import numpy as np

from tinygan import random
from tinygan.backend import to_device


class GaussianMixture:
    """Equally likely Gaussians N(c, std^2 I) around ``centers``, float32 (K, 2).

    >>> ring8(1000).shape, grid25.centers.shape, grid25.std
    ((1000, 2), (25, 2), 0.05)
    """

    def __init__(self, name: str, centers, std: float):
        self.name, self.std = name, float(std)
        self.centers = np.array(centers, dtype=np.float32)
        self.centers.flags.writeable = False

    def __call__(self, n: int, stream: str = "data", dtype=np.float32, device="cpu"):
        """``n`` independent points, (n, 2): two draws from ``stream``. Raises ValueError when n is negative."""
        if n < 0:
            raise ValueError(f"{self.name}: expected a number of points >= 0, got {n}")
        component = random.integers(0, len(self.centers), (n,), stream, device=device)
        points = random.normal((n, 2), stream, dtype, device)
        points *= self.std
        points += to_device(self.centers, device)[component]
        return points

    def __repr__(self) -> str:
        return f"GaussianMixture({self.name}: {len(self.centers)} centers, std {self.std})"


_ANGLES = 2 * np.pi * np.arange(8) / 8
_SIDE = np.arange(-4, 5, 2)

ring8 = GaussianMixture("ring8", 2 * np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1), std=0.02)
grid25 = GaussianMixture("grid25", np.stack(np.meshgrid(_SIDE, _SIDE, indexing="ij"), axis=-1).reshape(-1, 2), std=0.05)

__all__ = ["GaussianMixture", "grid25", "ring8"]
