"""A generator and an autoencoder in the discriminator's place (Berthelot, Schumm, Metz 2017, arXiv:1703.10717)."""

from __future__ import annotations

import math

from tinygan import nn
from tinygan.models.mlp import stack


class Decoder(nn.Module):
    """Codes (N, z_dim) -> (N, *shape): hidden layers with ELU and a linear output, as in section 3.5 of the paper."""

    def __init__(self, z_dim: int, shape, hidden):
        super().__init__()
        self.z_dim, self.shape = z_dim, tuple(shape)
        self.main = nn.Sequential(*stack((z_dim, *hidden), None, nn.ELU, first_norm=False),
                                  nn.Linear((z_dim, *hidden)[-1], math.prod(self.shape)))

    def forward(self, z):
        return self.main(z).reshape((z.shape[0], *self.shape))


class AutoEncoder(nn.Module):
    """(N, *shape) -> its reconstruction (N, *shape), by way of ``code`` numbers; the decoder is a generator's twin."""

    def __init__(self, shape, code: int, hidden):
        super().__init__()
        before = (math.prod(shape), *hidden)
        self.encoder = nn.Sequential(*stack(before, None, nn.ELU, first_norm=False), nn.Linear(before[-1], code))
        self.decoder = Decoder(code, shape, tuple(reversed(hidden)))

    def encode(self, x):
        """The codes (N, code)."""
        return self.encoder(x.reshape((x.shape[0], -1)) if x.ndim != 2 else x)

    def forward(self, x):
        return self.decoder(self.encode(x))


def autoencoder(shape, z_dim: int, hidden=(256, 256)):
    """(G, autoencoder) of fully connected layers: encoder, decoder and G have the same hidden widths."""
    return Decoder(z_dim, shape, tuple(reversed(hidden))), AutoEncoder(shape, z_dim, hidden)


__all__ = ["AutoEncoder", "Decoder", "autoencoder"]
