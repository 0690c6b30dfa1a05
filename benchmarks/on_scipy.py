"""The usual way to the Frechet distance: the root of the product of the covariances by scipy.linalg.sqrtm."""

from __future__ import annotations

import numpy as np
from work import gaussians


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
