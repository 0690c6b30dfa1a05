"""Self-attention over the positions of an image."""

from __future__ import annotations

import numpy as np

from tinygan import functional as F
from tinygan.nn.check import check_images
from tinygan.nn.conv import Conv2d
from tinygan.nn.module import Module
from tinygan.tensor import Parameter


class SelfAttention2d(Module):
    """SAGAN's block (Zhang et al. 2018, arXiv:1805.08318, eqs. 1-3): (N, C, H, W) -> (N, C, H, W).

    s_ij = f(x_i)^T g(x_j), beta_j,i = softmax over i of s_ij, o_j = v(sum_i beta_j,i h(x_i)), y = gamma o + x, with
    positions i, j and gamma = 0 at the start, so that the block begins as the identity. f, g, h, v are 1x1 convolutions
    without bias. f and g have C/8 channels. h has C/2 as in the authors' code (the paper's text has C/8); the code also
    max-pools f and h by 2, which the paper does not mention and this block does not do. For spectral normalisation,
    apply ``spectral_norm`` to each of ``children()``. Raises ValueError for fewer than 8 channels.
    """

    def __init__(self, in_channels: int):
        super().__init__()
        if in_channels < 8:
            raise ValueError("SelfAttention2d: expected at least 8 channels (f and g have an eighth), got "
                             f"{in_channels}")
        self.in_channels = in_channels
        self.f = Conv2d(in_channels, in_channels // 8, 1, bias=False)
        self.g = Conv2d(in_channels, in_channels // 8, 1, bias=False)
        self.h = Conv2d(in_channels, in_channels // 2, 1, bias=False)
        self.v = Conv2d(in_channels // 2, in_channels, 1, bias=False)
        self.gamma = Parameter(np.zeros(1, np.float32))

    def forward(self, input):
        check_images(self, input, 2, self.in_channels)
        n, _, height, width = input.shape
        f, g, h = [F.reshape(layer(input), n, layer.out_channels, height * width) for layer in (self.f, self.g, self.h)]
        beta = F.softmax(F.matmul(F.transpose(f, 1, 2), g), 1)  # [n, i, j]: over i, how much j looks at i
        mixed = F.reshape(F.matmul(h, beta), n, self.h.out_channels, height, width)
        return self.gamma * self.v(mixed) + input

    def extra_repr(self):
        return f"{self.in_channels}"
