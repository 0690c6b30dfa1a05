"""Fully connected networks, for points and for flattened images (Goodfellow et al. 2014, arXiv:1406.2661)."""

from __future__ import annotations

import math

from tinygan import nn
from tinygan.models.norms import has_shift, norm_layers, normalize_weights


def stack(sizes, norm, activation, first_norm: bool) -> list:
    """Linear, norm, activation for each pair of sizes; ``first_norm`` False leaves the first layer without a norm."""
    layers = []
    for k, (before, after) in enumerate(zip(sizes[:-1], sizes[1:])):
        own = norm if k or first_norm else None
        layers += [nn.Linear(before, after, bias=not has_shift(own)), *norm_layers(own, after, dims=0), activation()]
    return layers


class MLPGenerator(nn.Module):
    """z (N, z_dim) -> (N, *shape): hidden layers with ReLU, then tanh for images (C, H, W), nothing for points (K,)."""

    def __init__(self, z_dim: int, shape, hidden=(128, 128), norm=None):
        super().__init__()
        self.z_dim, self.shape = z_dim, tuple(shape)
        end = [nn.Tanh()] if len(self.shape) > 1 else []
        self.main = nn.Sequential(*stack((z_dim, *hidden), norm, nn.ReLU, first_norm=True),
                                  nn.Linear((z_dim, *hidden)[-1], math.prod(self.shape)), *end)
        normalize_weights(norm, self)

    def forward(self, z):
        return self.main(z).reshape((z.shape[0], *self.shape))


class MLPDiscriminator(nn.Module):
    """(N, *shape) -> scores (N,): hidden layers with leaky ReLU (0.2); the first one has no activation norm.

    ``features(x)`` are the last hidden activations, (N, feature_size), and ``head`` maps those to scores, so that a
    second head may share the body.
    """

    def __init__(self, shape, hidden=(128, 128), norm=None):
        super().__init__()
        self.feature_size = hidden[-1]
        self.body = nn.Sequential(*stack((math.prod(shape), *hidden), norm, lambda: nn.LeakyReLU(0.2),
                                         first_norm=False))
        self.last = nn.Linear(hidden[-1], 1)
        normalize_weights(norm, self)

    def features(self, x):
        return self.body(x.reshape((x.shape[0], -1)) if x.ndim != 2 else x)

    def head(self, features):
        return self.last(features).reshape((features.shape[0],))

    def forward(self, x):
        return self.head(self.features(x))


def mlp(shape, z_dim: int, hidden=(128, 128), g_norm=None, d_norm=None):
    """G and D for data of this shape; ``hidden``: the widths of both; ``g_norm``, ``d_norm``: see models.norms."""
    return MLPGenerator(z_dim, shape, hidden, g_norm), MLPDiscriminator(shape, hidden, d_norm)


__all__ = ["MLPDiscriminator", "MLPGenerator", "mlp", "stack"]
