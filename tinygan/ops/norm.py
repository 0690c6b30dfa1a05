"""Normalisation: one fused operation, seen along different axes, is batch, instance, layer and group norm.

    y = scale (x - mean) / sqrt(var + eps) + shift        mean and (biased) variance over ``axes``

Its definition recomputes mean and variance from x, so a derivative of any order knows that they depend on x; the
kernels keep them, so the first order is fast. A scale of zero is harmless.
"""

from __future__ import annotations

import math

from tinygan.autograd import Fused
from tinygan.kernels import kernels_for
from tinygan.ops.reduce import mean
from tinygan.ops.shape import reshape


class Normalize(Fused):
    """(x, scale, shift) -> y; scale and shift are None or broadcast against x."""

    def __init__(self, axes, eps):
        self.axes, self.eps = axes, eps

    def definition(self, x, scale, shift):
        centred = x - mean(x, self.axes, keepdim=True)
        y = centred / (mean(centred * centred, self.axes, keepdim=True) + self.eps).sqrt()
        y = y if scale is None else y * scale
        return y if shift is None else y + shift

    def forward(self, x, scale, shift):
        y, *self.kept = kernels_for(x).normalize(x, scale, shift, self.axes, self.eps)
        return y

    def vjp(self, kept, arrays, cotangents, needs):
        x, scale, _ = arrays
        return kernels_for(x).normalize_vjp(cotangents[0], x, scale, *kept, self.axes, needs)


def _normalize(axes, eps, input, scale, shift):
    """Normalize, whose kernel knows how to reduce a gradient to the shift's shape from the scale's."""
    if scale is None and shift is not None:
        return Normalize(axes, eps)(input, None, None) + shift
    return Normalize(axes, eps)(input, scale, shift)


def _channels(parameter, ndim):
    """(C,) as (1, C, 1, ...), to broadcast against (N, C, *S)."""
    return None if parameter is None else reshape(parameter, (1, -1) + (1,) * (ndim - 2))


def _check_affine(name, shape, **parameters):
    for key, value in parameters.items():
        if value is not None and value.shape != shape:
            raise ValueError(f"{name}: expected {key} of shape {shape}, got {value.shape}")


def batch_norm_train(input, weight=None, bias=None, eps: float = 1e-5):
    """Batch norm by the batch's statistics: (y, mean, rstd, count), as running statistics are made of the last three.

    mean and rstd = 1 / sqrt(var + eps), var the biased variance, are plain arrays (C,); count values are behind each.
    Raises ValueError when there is only one value per channel: its variance is not defined.
    """
    axes = (0, *range(2, input.ndim))
    count = math.prod([input.shape[a] for a in axes])
    _check_affine("batch_norm", input.shape[1:2], weight=weight, bias=bias)
    if count == 1:
        raise ValueError(f"batch_norm: expected more than one value per channel in training, got input {input.shape}")
    op = Normalize(axes, eps)
    alone = bias is not None and weight is None  # see _normalize
    y = op(input, _channels(weight, input.ndim), None if alone else _channels(bias, input.ndim))
    y = y + _channels(bias, input.ndim) if alone else y
    return y, *[k.reshape(-1) for k in op.kept], count


def batch_norm(input, running_mean, running_var, weight=None, bias=None, training: bool = False,
               momentum: float = 0.1, eps: float = 1e-5):
    """Batch normalisation of (N, C, *S) (Ioffe & Szegedy 2015, arXiv:1502.03167, Algorithm 1).

    In training by the batch's own mean and biased variance, else by ``running_mean`` and ``running_var`` (C,). This
    function changes nothing: the running statistics are buffers of ``nn.BatchNorm2d``, which replaces them
    (PyTorch's writes them in place; ``momentum`` is accepted for its signature). Raises ValueError on wrong shapes.
    """
    if training or running_mean is None:
        return batch_norm_train(input, weight, bias, eps)[0]
    shape = input.shape[1:2]
    _check_affine("batch_norm", shape, weight=weight, bias=bias, running_mean=running_mean, running_var=running_var)
    scale = (running_var + eps) ** -0.5
    scale = scale if weight is None else scale * weight
    shift = -(running_mean * scale)
    shift = shift if bias is None else shift + bias
    return input * _channels(scale, input.ndim) + _channels(shift, input.ndim)


def instance_norm(input, weight=None, bias=None, eps: float = 1e-5):
    """(N, C, *S) normalised over the positions of each image and channel (Ulyanov et al. 2016, arXiv:1607.08022)."""
    _check_affine("instance_norm", input.shape[1:2], weight=weight, bias=bias)
    if input.size and math.prod(input.shape[2:]) == 1:
        raise ValueError(f"instance_norm: expected more than one position, got input {input.shape}")
    return _normalize(tuple(range(2, input.ndim)), eps,
                      input, _channels(weight, input.ndim), _channels(bias, input.ndim))


def layer_norm(input, normalized_shape, weight=None, bias=None, eps: float = 1e-5):
    """Normalised over the last dimensions, whose sizes are ``normalized_shape`` (Ba et al. 2016, arXiv:1607.06450)."""
    shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
    if not shape or input.shape[input.ndim - len(shape):] != shape:
        raise ValueError(f"layer_norm: expected input whose last dimensions are {shape}, got {input.shape}")
    _check_affine("layer_norm", shape, weight=weight, bias=bias)
    lead = (1,) * (input.ndim - len(shape))
    return _normalize(tuple(range(input.ndim - len(shape), input.ndim)), eps,
                      input, *[None if p is None else reshape(p, lead + shape) for p in (weight, bias)])


def group_norm(input, num_groups: int, weight=None, bias=None, eps: float = 1e-5):
    """(N, C, *S) normalised over each group of C / num_groups channels (Wu & He 2018, arXiv:1803.08494)."""
    n, c, *size = input.shape
    if c % num_groups:
        raise ValueError(f"group_norm: expected channels divisible by {num_groups} groups, got input {input.shape}")
    _check_affine("group_norm", (c,), weight=weight, bias=bias)
    grouped = reshape(input, (n, num_groups, c // num_groups, *size))
    affine = [None if p is None else reshape(p, (1, num_groups, c // num_groups) + (1,) * len(size))
              for p in (weight, bias)]
    out = _normalize(tuple(range(2, grouped.ndim)), eps, grouped, *affine)
    return reshape(out, input.shape)
