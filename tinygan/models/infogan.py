"""InfoGAN's Q: a head on the discriminator's body that guesses the code (Chen et al. 2016, arXiv:1606.03657, 7)."""

from __future__ import annotations

from tinygan import nn


class CodeHead(nn.Module):
    """Features of D (N, ...), ``feature_size`` numbers each -> (logits (N, K), means (N, C), log of sigmas (N, C))."""

    def __init__(self, feature_size: int, categories: int, continuous: int, hidden: int = 128):
        super().__init__()
        self.categories, self.continuous = categories, continuous
        self.main = nn.Sequential(nn.Linear(feature_size, hidden), nn.LeakyReLU(0.1),
                                  nn.Linear(hidden, categories + 2 * continuous))

    def forward(self, features):
        out = self.main(features.reshape((features.shape[0], -1)))
        k, c = self.categories, self.continuous
        return out[:, :k], out[:, k:k + c], out[:, k + c:]


__all__ = ["CodeHead"]
