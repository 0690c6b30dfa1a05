"""A GAN on the line that can be checked by hand: G(z) = a z + b against N(3, 0.5^2), D a small perceptron."""

from __future__ import annotations

import numpy as np

from tinygan import data, nn
from tinygan.gans.base import GAN
from tinygan.models import MLPDiscriminator
from tinygan.tensor import Tensor

MEAN, STD = 3.0, 0.5
REAL = data.gauss1(MEAN, STD)


def game(**settings) -> GAN:
    """The game at its start, where G makes N(0, 1); ``settings`` as of GAN."""
    G = nn.Linear(1, 1)
    G.weight.assign(1.0)
    G.bias.assign(0.0)
    return GAN(G, MLPDiscriminator((1,), (32,)), z_dim=1, **settings)


def moments(gan) -> tuple:
    """(mean, standard deviation) of what G makes."""
    return gan.G.bias.item(), abs(gan.G.weight.item())


def normal_density(x, mean: float, std: float):
    """The density of N(mean, std^2)."""
    return np.exp(-0.5 * ((x - mean) / std) ** 2) / (std * np.sqrt(2 * np.pi))


def best_logit(gan):
    """The logit log p / q of the best D against what G makes now, as a function of points; q does not move with G."""
    mean, std = moments(gan)

    def logit(x: Tensor) -> Tensor:
        return (((x - mean) / std).square() - ((x - MEAN) / STD).square()) * 0.5 + float(np.log(std / STD))

    return logit


__all__ = ["MEAN", "REAL", "STD", "best_logit", "game", "moments", "normal_density"]
