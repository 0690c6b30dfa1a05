"""The networks of DCGAN (Radford, Metz, Chintala 2015, arXiv:1511.06434, section 3 and figure 1).

Its guidelines: strides instead of pooling, no hidden fully connected layers, batch norm everywhere but at G's output
and D's input, ReLU in G with tanh at the end, leaky ReLU (slope 0.2) in D, weights from N(0, 0.02). D ends in a logit.
"""

from __future__ import annotations

from tinygan import nn


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

    def __init__(self, z_dim: int = 64, channels: int = 32, image_channels: int = 1, size: int = 28):
        super().__init__()
        doublings = levels(size)
        first, width = size >> doublings, channels << (doublings - 1)
        self.z_dim = z_dim
        layers = [nn.ConvTranspose2d(z_dim, width, first, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
        for _ in range(doublings - 1):
            layers += [nn.ConvTranspose2d(width, width // 2, 4, stride=2, padding=1, bias=False),
                       nn.BatchNorm2d(width // 2), nn.ReLU()]
            width //= 2
        self.main = nn.Sequential(*layers, nn.ConvTranspose2d(width, image_channels, 4, stride=2, padding=1), nn.Tanh())
        self.apply(init_weights)

    def forward(self, z):
        return self.main(z.reshape(z.shape + (1, 1)))


class DCGANDiscriminator(nn.Module):
    """Images (N, image_channels, size, size) -> logits (N,): the generator's mirror image."""

    def __init__(self, channels: int = 32, image_channels: int = 1, size: int = 28):
        super().__init__()
        halvings = levels(size)
        width = channels
        layers = [nn.Conv2d(image_channels, width, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
        for _ in range(halvings - 1):
            layers += [nn.Conv2d(width, 2 * width, 4, stride=2, padding=1, bias=False),
                       nn.BatchNorm2d(2 * width), nn.LeakyReLU(0.2)]
            width *= 2
        self.main = nn.Sequential(*layers, nn.Conv2d(width, 1, size >> halvings))
        self.apply(init_weights)

    def forward(self, x):
        return self.main(x).reshape((x.shape[0],))
