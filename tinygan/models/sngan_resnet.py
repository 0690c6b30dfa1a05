"""The residual networks of SNGAN for 32 x 32 images (Miyato et al. 2018, arXiv:1802.05957, appendix B.4, table 4).

Blocks have their activations first: norm, ReLU, (upsample,) 3x3 convolution, norm, ReLU, 3x3 convolution, beside a
shortcut through a 1x1 convolution where the shape changes. G has batch norm, D has none and spectral norm on every
layer. What the paper leaves open is as in the authors' code: D's blocks pool means after their convolutions, D's first
block does not begin with ReLU and its shortcut pools before its convolution, and weights are Glorot uniform, sqrt(2)
larger inside blocks (their ``chainer`` initialisers).
"""

from __future__ import annotations

import math

from tinygan import functional as F
from tinygan import nn
from tinygan.models.norms import norm_layers, normalize_weights


class GeneratorBlock(nn.Module):
    """(N, inputs, H, W) -> (N, outputs, 2 H, 2 W)."""

    def __init__(self, inputs: int, outputs: int, norm: str | None = "batch"):
        super().__init__()
        self.main = nn.Sequential(*norm_layers(norm, inputs, dims=2), nn.ReLU(), nn.Upsample(scale_factor=2),
                                  nn.Conv2d(inputs, outputs, 3, padding=1),
                                  *norm_layers(norm, outputs, dims=2), nn.ReLU(),
                                  nn.Conv2d(outputs, outputs, 3, padding=1))
        self.shortcut = nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(inputs, outputs, 1))

    def forward(self, x):
        return self.main(x) + self.shortcut(x)


class DiscriminatorBlock(nn.Module):
    """(N, inputs, H, W) -> (N, outputs, H, W), or half the height and width with ``down``; ``first``: see above."""

    def __init__(self, inputs: int, outputs: int, down: bool = False, first: bool = False,
                 norm: str | None = "spectral"):
        super().__init__()
        own = norm if norm != "spectral" else None
        before = [] if first else [*norm_layers(own, inputs, dims=2), nn.ReLU()]
        pool = [nn.AvgPool2d(2)] if down else []
        self.main = nn.Sequential(*before, nn.Conv2d(inputs, outputs, 3, padding=1), *norm_layers(own, outputs, dims=2),
                                  nn.ReLU(), nn.Conv2d(outputs, outputs, 3, padding=1), *pool)
        shortcut = [nn.Conv2d(inputs, outputs, 1)] if down or inputs != outputs else []
        self.shortcut = nn.Sequential(*(pool + shortcut if first else shortcut + pool))

    def forward(self, x):
        return self.main(x) + self.shortcut(x)


class SNGANGenerator(nn.Module):
    """z (N, z_dim) -> images (N, image_channels, size, size) in (-1, 1), size = 4, 8, 16, 32, ...: a power of 2."""

    def __init__(self, z_dim: int = 128, channels: int = 256, image_channels: int = 3, size: int = 32,
                 norm: str | None = "batch"):
        super().__init__()
        self.z_dim, self.channels = z_dim, channels
        self.project = nn.Linear(z_dim, channels * 16)
        blocks = [GeneratorBlock(channels, channels, norm) for _ in range(doublings(size))]
        self.blocks = nn.Sequential(*blocks)
        self.last = nn.Sequential(*norm_layers(norm, channels, dims=2), nn.ReLU(),
                                  nn.Conv2d(channels, image_channels, 3, padding=1), nn.Tanh())
        init_weights(self)
        normalize_weights(norm, self)

    def forward(self, z):
        return self.last(self.blocks(self.project(z).reshape((z.shape[0], self.channels, 4, 4))))


class SNGANDiscriminator(nn.Module):
    """Images (N, image_channels, H, W) -> logits (N,): two halving blocks, two that keep the size, sums over positions.

    ``features(x)`` are those sums, (N, channels), and ``head`` maps them to logits.
    """

    def __init__(self, channels: int = 128, image_channels: int = 3, norm: str | None = "spectral"):
        super().__init__()
        self.feature_size = channels
        self.blocks = nn.Sequential(DiscriminatorBlock(image_channels, channels, down=True, first=True, norm=norm),
                                    DiscriminatorBlock(channels, channels, down=True, norm=norm),
                                    DiscriminatorBlock(channels, channels, norm=norm),
                                    DiscriminatorBlock(channels, channels, norm=norm), nn.ReLU())
        self.linear = nn.Linear(channels, 1)
        init_weights(self)
        normalize_weights(norm, self)

    def features(self, x):
        return F.sum(self.blocks(x), (2, 3))

    def head(self, features):
        return self.linear(features).reshape((features.shape[0],))

    def forward(self, x):
        return self.head(self.features(x))


def doublings(size: int) -> int:
    """How often 4 is doubled to give ``size``. Raises ValueError when it is no power of 2 from 8 on."""
    count = int(math.log2(size)) - 2 if size > 0 else 0
    if count < 1 or 4 << count != size:
        raise ValueError(f"SNGAN-ResNet: expected an image size out of 8, 16, 32, ..., got {size}")
    return count


def init_weights(network: nn.Module) -> None:
    """Glorot uniform weights, sqrt(2) larger for the 3x3 convolutions of blocks, and biases of 0."""
    inside = {id(layer) for block in network.modules() if isinstance(block, (GeneratorBlock, DiscriminatorBlock))
              for layer in block.main}
    for layer in network.modules():
        if isinstance(layer, (nn.Linear, nn.Conv2d)):
            nn.init.xavier_uniform_(layer.weight, math.sqrt(2.0) if id(layer) in inside else 1.0)
            nn.init.zeros_(layer.bias)


def sngan_resnet(shape, z_dim: int, g_channels: int = 256, d_channels: int = 128, g_norm: str | None = "batch",
                 d_norm: str | None = "spectral"):
    """G and D for square images (C, size, size) of a size out of 8, 16, 32, ...."""
    image_channels, size, width = shape
    if size != width:
        raise ValueError(f"sngan_resnet: expected square images, got {size}x{width}")
    return (SNGANGenerator(z_dim, g_channels, image_channels, size, g_norm),
            SNGANDiscriminator(d_channels, image_channels, d_norm))


__all__ = ["DiscriminatorBlock", "GeneratorBlock", "SNGANDiscriminator", "SNGANGenerator", "sngan_resnet"]
