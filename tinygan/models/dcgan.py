"""The networks of DCGAN (Radford, Metz, Chintala 2015, arXiv:1511.06434, section 3 and figure 1).

Its guidelines: strides instead of pooling, no hidden fully connected layers, batch norm everywhere but at G's output
and D's input, ReLU in G with tanh at the end, leaky ReLU (slope 0.2) in D, weights from N(0, 0.02). D ends in a logit.
Both take another norm by name (tinygan.models.norms), for critics that must not have batch norm.
"""

from __future__ import annotations

from tinygan import nn
from tinygan.models.norms import has_shift, norm_layers, normalize_weights


def levels(size: int, smallest: int = 4) -> int:
    """How many times ``size`` can be halved before it would be smaller than ``smallest``: 28 -> 14 -> 7, 2 times."""
    count = 0
    while size % 2 == 0 and size // 2 >= smallest:
        size, count = size // 2, count + 1
    if count < 1:
        raise ValueError(f"DCGAN: expected an image size that can be halved down to {smallest} or more, got {size}")
    return count


def init_weights(module: nn.Module) -> None:
    """Radford et al. 2015, section 4: N(0, 0.02) for all weights; batch norm's scale starts around 1."""
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)


class DCGANGenerator(nn.Module):
    """z (N, z_dim) -> images (N, image_channels, size, size) in (-1, 1).

    A projection to ``size / 2^k`` pixels, then k doublings by 4x4 transposed convolutions with stride 2; the last of
    them has ``channels`` channels at its input and every one before twice as many as the next.
    """

    def __init__(self, z_dim: int = 64, channels: int = 32, image_channels: int = 1, size: int = 28,
                 norm: str | None = "batch"):
        super().__init__()
        doublings = levels(size)
        first, width = size >> doublings, channels << (doublings - 1)
        bias = not has_shift(norm)
        self.z_dim = z_dim
        layers = [nn.ConvTranspose2d(z_dim, width, first, bias=bias), *norm_layers(norm, width, dims=2), nn.ReLU()]
        for _ in range(doublings - 1):
            layers += [nn.ConvTranspose2d(width, width // 2, 4, stride=2, padding=1, bias=bias),
                       *norm_layers(norm, width // 2, dims=2), nn.ReLU()]
            width //= 2
        self.main = nn.Sequential(*layers, nn.ConvTranspose2d(width, image_channels, 4, stride=2, padding=1), nn.Tanh())
        self.apply(init_weights)
        normalize_weights(norm, self)

    def forward(self, z):
        return self.main(z.reshape(z.shape + (1, 1)))


class DCGANDiscriminator(nn.Module):
    """Images (N, image_channels, size, size) -> logits (N,): the generator's mirror image.

    ``features(x)`` are the last hidden activations, (N, C, H, W) with ``feature_size`` numbers per image, and ``head``
    maps those to logits, so that a second head may share the body.
    """

    def __init__(self, channels: int = 32, image_channels: int = 1, size: int = 28, norm: str | None = "batch"):
        super().__init__()
        halvings = levels(size)
        width = channels
        layers = [nn.Conv2d(image_channels, width, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
        for _ in range(halvings - 1):
            layers += [nn.Conv2d(width, 2 * width, 4, stride=2, padding=1, bias=not has_shift(norm)),
                       *norm_layers(norm, 2 * width, dims=2), nn.LeakyReLU(0.2)]
            width *= 2
        last = size >> halvings
        self.feature_size = width * last * last
        self.main = nn.Sequential(*layers, nn.Conv2d(width, 1, last))
        self.apply(init_weights)
        normalize_weights(norm, self)

    def features(self, x):
        for layer in list(self.main)[:-1]:
            x = layer(x)
        return x

    def head(self, features):
        return self.main[-1](features).reshape((features.shape[0],))

    def forward(self, x):
        return self.head(self.features(x))


def dcgan(shape, z_dim: int, channels: int = 32, g_norm: str | None = "batch", d_norm: str | None = "batch"):
    """G and D for square images (C, size, size); ``channels``: their width next to the image."""
    if len(shape) != 3 or shape[1] != shape[2]:
        raise ValueError(f"dcgan: expected square images of shape (C, size, size), got data of shape {shape}")
    image_channels, size, _ = shape
    return (DCGANGenerator(z_dim, channels, image_channels, size, g_norm),
            DCGANDiscriminator(channels, image_channels, size, d_norm))


__all__ = ["DCGANDiscriminator", "DCGANGenerator", "dcgan"]
