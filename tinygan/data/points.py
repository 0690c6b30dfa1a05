"""Point sets with known densities: mixtures of Gaussians on the line and in the plane, two moons, parallel lines.

Each is called with a number of points and returns an array (n, dim) of fresh independent draws; ``labelled(n)`` also
returns which component each point came from.
"""

from __future__ import annotations

import numpy as np

from tinygan import random
from tinygan.backend import array_module, constant_on


class Points:
    """A distribution of points, (n, ``dim``); a subclass writes ``draw`` and names its number of ``classes``."""

    def __init__(self, name: str, dim: int, classes: int):
        self.name, self.dim, self.classes = name, dim, classes

    def __call__(self, n: int, stream: str = "data", dtype=np.float32, device="cpu"):
        """``n`` independent points, (n, dim): two draws from ``stream``. Raises ValueError when n is negative."""
        return self.labelled(n, stream, dtype, device)[0]

    def labelled(self, n: int, stream: str = "data", dtype=np.float32, device="cpu"):
        """``n`` points (n, dim), and the component (n,), int64, that each was drawn from."""
        if n < 0:
            raise ValueError(f"{self.name}: expected a number of points >= 0, got {n}")
        labels = random.integers(0, self.classes, (n,), stream, device=device)
        return self.draw(labels, stream, dtype, device), labels

    def draw(self, labels, stream, dtype, device):
        """Points of these components: one more draw from ``stream``."""
        raise NotImplementedError(f"{type(self).__name__}.draw")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name}: {self.classes} classes in {self.dim} dimensions)"


class GaussianMixture(Points):
    """Equally likely Gaussians N(c, std^2 I) around ``centers``, float32 (K, dim).

    >>> ring8(1000).shape, grid25.centers.shape, grid25.std
    ((1000, 2), (25, 2), 0.05)
    """

    def __init__(self, name: str, centers, std: float):
        self.centers = np.array(centers, dtype=np.float32)
        self.centers.flags.writeable = False
        self.std = float(std)
        super().__init__(name, self.centers.shape[1], len(self.centers))

    def draw(self, labels, stream, dtype, device):
        points = random.normal((len(labels), self.dim), stream, dtype, device)
        points *= self.std
        points += constant_on(self.centers, device)[labels]
        return points

    def __repr__(self) -> str:
        return f"GaussianMixture({self.name}: {len(self.centers)} centers, std {self.std})"


class Moons(Points):
    """Two half circles of radius 1, one around (0, 0) and one turned over around (1, 0.5), with noise of ``std``.

    The label says which half circle.
    """

    def __init__(self, std: float = 0.1):
        super().__init__("moons", 2, 2)
        self.std = float(std)

    def draw(self, labels, stream, dtype, device):
        xp = array_module(labels)
        angle = np.pi * random.uniform((len(labels),), 0, 1, stream, dtype, device)
        upper = xp.stack([xp.cos(angle), xp.sin(angle)], axis=1)
        lower = xp.stack([1 - xp.cos(angle), 0.5 - xp.sin(angle)], axis=1)
        noise = random.normal((len(labels), 2), stream, dtype, device)
        return xp.where((labels == 0)[:, None], upper, lower) + noise * noise.dtype.type(self.std)


class Lines(Points):
    """(theta, U[0, 1]): the vertical line at ``theta`` (Arjovsky et al. 2017, arXiv:1701.07875, example 1)."""

    def __init__(self, theta: float = 0.0):
        super().__init__(f"lines({theta:g})", 2, 1)
        self.theta = float(theta)

    def draw(self, labels, stream, dtype, device):
        points = random.uniform((len(labels), 2), 0, 1, stream, dtype, device)
        points[:, 0] = self.theta
        return points


def gauss1(mean: float = 0.0, std: float = 1.0) -> GaussianMixture:
    """The normal distribution on the line, (n, 1)."""
    return GaussianMixture(f"gauss1({mean:g}, {std:g})", [[mean]], std)


def mixture1(means=(-2.0, 0.0, 2.0), std: float = 0.1) -> GaussianMixture:
    """Equally likely normal distributions on the line, (n, 1)."""
    return GaussianMixture(f"mixture1({', '.join(f'{m:g}' for m in means)}; {std:g})", [[m] for m in means], std)


def moons(std: float = 0.1) -> Moons:
    """Two interleaved half circles, (n, 2)."""
    return Moons(std)


def lines(theta: float = 0.0) -> Lines:
    """The vertical line of length 1 at ``theta``, (n, 2)."""
    return Lines(theta)


_ANGLES = 2 * np.pi * np.arange(8) / 8
_SIDE = np.arange(-4, 5, 2)

ring8 = GaussianMixture("ring8", 2 * np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1), std=0.02)
grid25 = GaussianMixture("grid25", np.stack(np.meshgrid(_SIDE, _SIDE, indexing="ij"), axis=-1).reshape(-1, 2), std=0.05)

POINTS = {"ring8": ring8, "grid25": grid25, "moons": moons(), "lines": lines(0.0), "gauss1": gauss1(),
          "mixture1": mixture1()}  # the names that commands know

__all__ = ["GaussianMixture", "Lines", "Moons", "POINTS", "Points", "gauss1", "grid25", "lines", "mixture1", "moons",
           "ring8"]
