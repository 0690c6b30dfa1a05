"""Pooling and resizing layers."""

from __future__ import annotations

from tinygan import functional as F
from tinygan.nn.check import check_images, check_tensor
from tinygan.nn.module import Module


class _Pool(Module):
    n = 0

    def __init__(self, kernel_size, stride=None, padding=0):
        super().__init__()
        self.kernel_size, self.padding = kernel_size, padding
        self.stride = kernel_size if stride is None else stride

    def extra_repr(self):
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class _AvgPool(_Pool):
    def __init__(self, kernel_size, stride=None, padding=0, *, count_include_pad: bool = True):
        super().__init__(kernel_size, stride, padding)
        self.count_include_pad = count_include_pad

    def forward(self, input):
        check_images(self, input, self.n)
        return self.function(input, self.kernel_size, self.stride, self.padding,
                             count_include_pad=self.count_include_pad)


class _MaxPool(_Pool):
    def __init__(self, kernel_size, stride=None, padding=0, dilation: int = 1):
        super().__init__(kernel_size, stride, padding)
        self.dilation = dilation

    def forward(self, input):
        check_images(self, input, self.n)
        return self.function(input, self.kernel_size, self.stride, self.padding, self.dilation)

    def extra_repr(self):
        return f"{super().extra_repr()}, dilation={self.dilation}"


class AvgPool1d(_AvgPool):
    """Means over windows of (N, C, L); ``stride`` defaults to the kernel."""

    n = 1
    function = staticmethod(F.avg_pool1d)


class AvgPool2d(_AvgPool):
    """Means over windows of (N, C, H, W); ``stride`` defaults to the kernel."""

    n = 2
    function = staticmethod(F.avg_pool2d)


class AvgPool3d(_AvgPool):
    """Means over windows of (N, C, D, H, W); ``stride`` defaults to the kernel."""

    n = 3
    function = staticmethod(F.avg_pool3d)


class MaxPool1d(_MaxPool):
    """Largest values of windows of (N, C, L); ``stride`` defaults to the kernel; padding never wins."""

    n = 1
    function = staticmethod(F.max_pool1d)


class MaxPool2d(_MaxPool):
    """Largest values of windows of (N, C, H, W); ``stride`` defaults to the kernel; padding never wins."""

    n = 2
    function = staticmethod(F.max_pool2d)


class MaxPool3d(_MaxPool):
    """Largest values of windows of (N, C, D, H, W); ``stride`` defaults to the kernel; padding never wins."""

    n = 3
    function = staticmethod(F.max_pool3d)


class Upsample(Module):
    """(N, C, *S) resized to ``size`` or by ``scale_factor``: "nearest", or "bilinear" (linear in any dimension)."""

    def __init__(self, size=None, scale_factor=None, mode: str = "nearest", align_corners: bool = False):
        super().__init__()
        if (size is None) == (scale_factor is None):
            raise ValueError(f"Upsample: expected either size or scale_factor, got size={size}, "
                             f"scale_factor={scale_factor}")
        self.size, self.scale_factor, self.mode, self.align_corners = size, scale_factor, mode, align_corners

    def forward(self, input):
        check_tensor(self, input)
        return F.interpolate(input, self.size, self.scale_factor, self.mode, self.align_corners)

    def extra_repr(self):
        size = f"size={self.size}" if self.size is not None else f"scale_factor={self.scale_factor}"
        return f"{size}, mode={self.mode!r}"
