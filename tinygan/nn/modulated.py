"""StyleGAN2's convolution, whose weight is scaled by each image's style and normalised again."""

from __future__ import annotations

import numpy as np

from tinygan import functional as F
from tinygan.nn.check import check_images, check_positive, check_tensor
from tinygan.nn.init import normal_, ones_
from tinygan.nn.linear import Linear
from tinygan.nn.module import Module
from tinygan.tensor import Parameter


class ModulatedConv2d(Module):
    """(N, in_channels, H, W) and styles w (N, style_size) -> (N, out_channels, H', W').

    s = A w (linear layer ``style``, whose bias begins at 1), w'_ijk = s_i w_ijk, and with ``demodulate`` w''_ijk =
    w'_ijk / sqrt(sum_{i,k} w'_ijk^2 + eps), a convolution weight per image; ``bias`` (out_channels,) is added.
    ``transposed`` is the transposed convolution, to be followed by a blur. The weight (out_channels, in_channels, K, K)
    starts as N(0, 1): the authors' runtime scale is ``nn.equalized_lr(layer, gain=1.0)``, and demodulation removes any
    scale. Raises ValueError for shapes that do not fit.
    Source: Karras et al. 2019 (StyleGAN2), arXiv:1912.04958, eqs. 1 and 3.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, style_size: int, stride: int = 1,
                 padding: int = 0, demodulate: bool = True, transposed: bool = False, bias: bool = True,
                 eps: float = 1e-8):
        super().__init__()
        check_positive(self, in_channels=in_channels, out_channels=out_channels, kernel_size=kernel_size,
                       style_size=style_size, stride=stride)
        self.in_channels, self.out_channels, self.kernel_size = in_channels, out_channels, kernel_size
        self.style_size, self.stride, self.padding = style_size, stride, padding
        self.demodulate, self.transposed, self.eps = demodulate, transposed, eps
        self.weight = normal_(Parameter(np.empty((out_channels, in_channels, kernel_size, kernel_size), np.float32)))
        self.register_parameter("bias", Parameter(np.zeros(out_channels, np.float32)) if bias else None)
        self.style = Linear(style_size, in_channels)
        ones_(self.style.bias)

    def forward(self, input, style):
        check_images(self, input, 2, self.in_channels)
        check_tensor(self, style)
        if style.shape != (input.shape[0], self.style_size):
            raise ValueError(f"ModulatedConv2d: expected a style of shape {(input.shape[0], self.style_size)} for "
                             f"input {input.shape}, got {style.shape}")
        out = F.modulated_conv2d(input, self.weight, self.style(style), self.demodulate, self.stride, self.padding,
                                 self.transposed, self.eps)
        return out if self.bias is None else out + F.reshape(self.bias, 1, -1, 1, 1)

    def extra_repr(self):
        return (f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, "
                f"style_size={self.style_size}, stride={self.stride}, padding={self.padding}, "
                f"demodulate={self.demodulate}, transposed={self.transposed}")
