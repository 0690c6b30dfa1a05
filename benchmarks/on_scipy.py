"""The usual ways to scores of features, with NumPy and SciPy.

The Frechet distance takes the root of the product of the covariances by scipy.linalg.sqrtm; precision, recall, density
and coverage hold all distances at once, found by matrix products in float64.
"""

from __future__ import annotations

import numpy as np
from work import feature_sets, gaussians


def frechet(settings):
    def make():
        from scipy.linalg import sqrtm
        mu1, sigma1, mu2, sigma2 = gaussians(settings["dimensions"])

        def distance():
            root = sqrtm(sigma1 @ sigma2)
            shift = mu1 - mu2
            return float(shift @ shift + np.trace(sigma1) + np.trace(sigma2) - 2 * np.trace(root.real))
        return distance
    return {"distance": {"scipy sqrtm": make}}


def prdc(settings):
    def make():
        real, fake = (f.astype(np.float64) for f in feature_sets(settings["samples"], settings["dimensions"]))
        k = settings["k"]

        def distances(a, b):
            squares = np.square(a).sum(axis=1)[:, None] + np.square(b).sum(axis=1) - 2 * a @ b.T
            return np.sqrt(np.maximum(squares, 0))

        def scores():
            real_radii = np.partition(distances(real, real), k, axis=1)[:, k, None]
            fake_radii = np.partition(distances(fake, fake), k, axis=1)[:, k]
            between = distances(real, fake)
            held = between < real_radii
            return (held.any(axis=0).mean(), (between < fake_radii).any(axis=1).mean(), held.sum(axis=0).mean() / k,
                    (between.min(axis=1) < real_radii[:, 0]).mean())
        return scores
    return {"scores": {"numpy, all distances at once": make}}
