"""Pooling and resizing layers."""

from __future__ import annotations

from tinygan import functional as F
from tinygan.nn.check import check_images, check_positive, check_tensor
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


class _Adaptive(Module):
    n = 0

    def __init__(self, output_size):
        super().__init__()
        self.output_size = output_size

    def forward(self, input):
        check_images(self, input, self.n)
        return self.function(input, self.output_size)

    def extra_repr(self):
        return f"output_size={self.output_size}"


class _AdaptiveMax(_Adaptive):
    def __init__(self, output_size, return_indices: bool = False):
        super().__init__(output_size)
        self.return_indices = return_indices

    def forward(self, input):
        check_images(self, input, self.n)
        return self.function(input, self.output_size, self.return_indices)


class AdaptiveAvgPool1d(_Adaptive):
    """Means over ``output_size`` windows that cover (N, C, L)."""

    n = 1
    function = staticmethod(F.adaptive_avg_pool1d)


class AdaptiveAvgPool2d(_Adaptive):
    """Means over ``output_size`` windows that cover (N, C, H, W); None in it keeps a size."""

    n = 2
    function = staticmethod(F.adaptive_avg_pool2d)


class AdaptiveAvgPool3d(_Adaptive):
    """Means over ``output_size`` windows that cover (N, C, D, H, W); None in it keeps a size."""

    n = 3
    function = staticmethod(F.adaptive_avg_pool3d)


class AdaptiveMaxPool1d(_AdaptiveMax):
    """Largest values of ``output_size`` windows that cover (N, C, L), or also their positions."""

    n = 1
    function = staticmethod(F.adaptive_max_pool1d)


class AdaptiveMaxPool2d(_AdaptiveMax):
    """Largest values of ``output_size`` windows that cover (N, C, H, W), or also their positions."""

    n = 2
    function = staticmethod(F.adaptive_max_pool2d)


class AdaptiveMaxPool3d(_AdaptiveMax):
    """Largest values of ``output_size`` windows that cover (N, C, D, H, W), or also their positions."""

    n = 3
    function = staticmethod(F.adaptive_max_pool3d)


class PixelShuffle(Module):
    """(N, C r^2, H, W) -> (N, C, H r, W r) for r = ``upscale_factor`` (Shi et al. 2016, arXiv:1609.05158, eq. 4).

    y_n,c,hr+i,wr+j = x_n,cr^2+ir+j,h,w.
    """

    def __init__(self, upscale_factor: int):
        super().__init__()
        check_positive(self, upscale_factor=upscale_factor)
        self.upscale_factor = upscale_factor

    def forward(self, input):
        check_tensor(self, input)
        return F.pixel_shuffle(input, self.upscale_factor)

    def extra_repr(self):
        return f"upscale_factor={self.upscale_factor}"


class PixelUnshuffle(Module):
    """(N, C, H r, W r) -> (N, C r^2, H, W) for r = ``downscale_factor``: the inverse of PixelShuffle."""

    def __init__(self, downscale_factor: int):
        super().__init__()
        check_positive(self, downscale_factor=downscale_factor)
        self.downscale_factor = downscale_factor

    def forward(self, input):
        check_tensor(self, input)
        return F.pixel_unshuffle(input, self.downscale_factor)

    def extra_repr(self):
        return f"downscale_factor={self.downscale_factor}"


__all__ = ["AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveAvgPool3d", "AdaptiveMaxPool1d", "AdaptiveMaxPool2d",
           "AdaptiveMaxPool3d", "AvgPool1d", "AvgPool2d", "AvgPool3d", "MaxPool1d", "MaxPool2d", "MaxPool3d",
           "PixelShuffle", "PixelUnshuffle", "Upsample"]
