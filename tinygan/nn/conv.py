"""Convolution and transposed convolution layers in 1, 2 and 3 dimensions."""

from __future__ import annotations

import numpy as np

from tinygan import functional as F
from tinygan.nn.check import check_images, check_positive
from tinygan.nn.init import reset_linear
from tinygan.nn.module import Module
from tinygan.tensor import Parameter


class _Convolution(Module):
    """What both kinds share: geometry, weight (its first two sizes differ) and bias."""

    n = 0
    transposed = False

    def __init__(self, in_channels, out_channels, kernel_size, stride, padding, dilation, output_padding, groups, bias):
        super().__init__()
        check_positive(self, in_channels=in_channels, out_channels=out_channels, groups=groups)
        if in_channels % groups or out_channels % groups:
            raise ValueError(f"{type(self).__name__}: expected channels divisible by groups, got {in_channels} in, "
                             f"{out_channels} out, groups={groups}")
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size = self._sizes("kernel_size", kernel_size, 1)
        self.stride = self._sizes("stride", stride, 1)
        self.padding = self._sizes("padding", padding, 0)
        self.dilation = self._sizes("dilation", dilation, 1)
        self.output_padding = self._sizes("output_padding", output_padding, 0)
        first, second = (in_channels, out_channels) if self.transposed else (out_channels, in_channels)
        self.weight = Parameter(np.empty((first, second // groups, *self.kernel_size), np.float32))
        self.register_parameter("bias", Parameter(np.empty(out_channels, np.float32)) if bias else None)
        reset_linear(self.weight, self.bias)

    def _sizes(self, name, value, least):
        sizes = (value,) * self.n if isinstance(value, int) else tuple(value) if not isinstance(value, str) else ()
        if len(sizes) != self.n or not all(isinstance(v, int) and v >= least for v in sizes):
            raise ValueError(f"{type(self).__name__}: expected {name} as an integer or {self.n} integers >= {least}, "
                             f"got {value!r}")
        return sizes

    def extra_repr(self):
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        for name, usual in (("padding", 0), ("dilation", 1), ("output_padding", 0)):
            if any(v != usual for v in getattr(self, name)):
                text += f", {name}={getattr(self, name)}"
        if self.groups != 1:
            text += f", groups={self.groups}"
        return text if self.bias is not None else text + ", bias=False"


class _Conv(_Convolution):
    def __init__(self, in_channels: int, out_channels: int, kernel_size, stride=1, padding=0, dilation=1,
                 groups: int = 1, bias: bool = True):
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, dilation, 0, groups, bias)

    def forward(self, input):
        check_images(self, input, self.n, self.in_channels)
        return self.function(input, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)


class _ConvTranspose(_Convolution):
    transposed = True

    def __init__(self, in_channels: int, out_channels: int, kernel_size, stride=1, padding=0, output_padding=0,
                 groups: int = 1, bias: bool = True, dilation=1):
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, dilation, output_padding, groups,
                         bias)

    def forward(self, input):
        check_images(self, input, self.n, self.in_channels)
        return self.function(input, self.weight, self.bias, self.stride, self.padding, self.output_padding,
                             self.groups, self.dilation)


class Conv1d(_Conv):
    """Cross-correlation of (N, in_channels, L) with weight (out_channels, in_channels/groups, K), plus bias."""

    n = 1
    function = staticmethod(F.conv1d)


class Conv2d(_Conv):
    """Cross-correlation of (N, in_channels, H, W) with weight (out_channels, in_channels/groups, KH, KW), plus bias."""

    n = 2
    function = staticmethod(F.conv2d)


class Conv3d(_Conv):
    """Cross-correlation of (N, in_channels, D, H, W) with (out_channels, in_channels/groups, KD, KH, KW), plus bias."""

    n = 3
    function = staticmethod(F.conv3d)


class ConvTranspose1d(_ConvTranspose):
    """The adjoint of Conv1d: (N, in_channels, L) with weight (in_channels, out_channels/groups, K), plus bias."""

    n = 1
    function = staticmethod(F.conv_transpose1d)


class ConvTranspose2d(_ConvTranspose):
    """The adjoint of Conv2d: (N, in_channels, H, W) with (in_channels, out_channels/groups, KH, KW), plus bias."""

    n = 2
    function = staticmethod(F.conv_transpose2d)


class ConvTranspose3d(_ConvTranspose):
    """The adjoint of Conv3d: (N, in_channels, *S) with weight (in_channels, out_channels/groups, *K), plus bias."""

    n = 3
    function = staticmethod(F.conv_transpose3d)
