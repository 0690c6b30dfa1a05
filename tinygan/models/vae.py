"""The networks of a variational auto-encoder (Kingma & Welling 2013, arXiv:1312.6114)."""

from __future__ import annotations

import math

from tinygan import nn
from tinygan.models.autoencoder import Decoder
from tinygan.models.mlp import stack


class VAE(nn.Module):
    """x (N, *shape) -> the mean and log variance of z given x; z (N, z_dim) -> logits or means of x (N, *shape)."""

    def __init__(self, shape, z_dim: int, hidden=(256, 256)):
        super().__init__()
        self.z_dim, self.shape = z_dim, tuple(shape)
        before = (math.prod(self.shape), *hidden)
        self.encoder = nn.Sequential(*stack(before, None, nn.ELU, first_norm=False), nn.Linear(before[-1], 2 * z_dim))
        self.decoder = Decoder(z_dim, self.shape, tuple(reversed(hidden)))

    def encode(self, x):
        """(mean, log variance) of the Gaussian e(z | x), each (N, z_dim)."""
        return self.encoder(x.reshape((x.shape[0], -1))).chunk(2, 1)

    def decode(self, z):
        """What the likelihood g(x | z) needs, without a last activation: (N, *shape)."""
        return self.decoder(z)

    def forward(self, x, noise):
        """(decoded, mean, log variance) with z = mean + e^(log variance / 2) noise, noise (N, z_dim) from N(0, I)."""
        mean, log_variance = self.encode(x)
        return self.decode(mean + (log_variance * 0.5).exp() * noise), mean, log_variance


__all__ = ["VAE"]
