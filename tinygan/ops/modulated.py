"""Convolution with a weight of its own for every image, and StyleGAN2's modulated weights."""

from __future__ import annotations

import math

from tinygan.ops.conv import conv2d, conv_transpose2d
from tinygan.ops.linalg import matmul
from tinygan.ops.shape import reshape, transpose
from tinygan.ops.special import rsqrt


def per_sample_conv2d(input, weight, bias=None, stride=1, padding=0, dilation=1):
    """conv2d of image n of (N, C, H, W) with weight n of (N, O, C, KH, KW): (N, O, H', W'), as N groups of one conv2d.

    ``bias`` is (N, O). Raises ValueError when the shapes do not fit.
    """
    if input.ndim != 4 or weight.ndim != 5 or weight.shape[0] != input.shape[0] or weight.shape[2] != input.shape[1]:
        raise ValueError("per_sample_conv2d: expected input (N, C, H, W) and weight (N, O, C, KH, KW), got "
                         f"{input.shape} and {weight.shape}")
    n, c, h, w = input.shape
    o, kernel = weight.shape[1], weight.shape[3:]
    if bias is not None and bias.shape != (n, o):
        raise ValueError(f"per_sample_conv2d: expected a bias of shape {(n, o)}, got {bias.shape}")
    if n == 0:  # no groups: the shapes come from a convolution of nothing
        return conv2d(input, reshape(weight, (0, c, *kernel)).sum(0, keepdim=True).expand(o, c, *kernel), None, stride,
                      padding, dilation)
    out = conv2d(reshape(input, (1, n * c, h, w)), reshape(weight, (n * o, c, *kernel)), None, stride, padding,
                 dilation, n)
    out = reshape(out, (n, o, *out.shape[2:]))
    return out if bias is None else out + reshape(bias, (n, o, 1, 1))


def modulated_conv2d(input, weight, style, demodulate: bool = True, stride=1, padding=0, transposed: bool = False,
                     eps: float = 1e-8):
    """Convolution whose weight is scaled by each image's style, and normalised: (N, C, H, W) -> (N, O, H', W').

    w'_noik = s_ni w_oik, w''_noik = w'_noik / sqrt(sum_{i,k} w'_noik^2 + eps) for ``weight`` (O, C, KH, KW) and
    ``style`` (N, C). The same numbers come from scaling the input's channels by s, one shared convolution, and scaling
    the output's channels by the root, so no weight per image is made. ``transposed`` is the transposed convolution
    (for upsampling) with the same weight layout. Raises ValueError when the shapes do not fit.
    Source: Karras et al. 2019 (StyleGAN2), arXiv:1912.04958, eqs. 1 and 3.
    """
    if input.ndim != 4 or weight.ndim != 4 or style.shape != input.shape[:2] or weight.shape[1] != input.shape[1]:
        raise ValueError("modulated_conv2d: expected input (N, C, H, W), weight (O, C, KH, KW) and style (N, C), got "
                         f"{input.shape}, {weight.shape} and {style.shape}")
    n, c = style.shape
    o, taps = weight.shape[0], math.prod(weight.shape[2:])
    x = input * reshape(style, (n, c, 1, 1))
    if transposed:
        out = conv_transpose2d(x, transpose(weight, 0, 1), None, stride, padding)
    else:
        out = conv2d(x, weight, None, stride, padding)
    if not demodulate:
        return out
    power = reshape(weight * weight, (o, c, taps)).sum(2)
    size = matmul(style * style, transpose(power, 0, 1)) + eps
    return out * reshape(rsqrt(size), (n, o, 1, 1))
