"""Borders around images, as modules."""

from __future__ import annotations

from tinygan import functional as F
from tinygan.nn.check import check_images
from tinygan.nn.module import Module


class _Pad(Module):
    n = 0
    mode = "constant"
    value = 0.0

    def __init__(self, padding):
        super().__init__()
        widths = (padding,) * (2 * self.n) if isinstance(padding, int) else tuple(padding)
        if len(widths) != 2 * self.n or not all(isinstance(v, int) for v in widths):
            raise ValueError(f"{type(self).__name__}: expected padding as an integer or {2 * self.n} integers "
                             f"(left, right, top, ...), got {padding!r}")
        self.padding = widths

    def forward(self, input):
        check_images(self, input, self.n)
        return F.pad(input, self.padding, self.mode, self.value)

    def extra_repr(self):
        return f"{self.padding}"


class _ConstantPad(_Pad):
    def __init__(self, padding, value: float):
        super().__init__(padding)
        self.value = value

    def extra_repr(self):
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPad):
    """(N, C, L) with ``padding`` (left, right) constants at its ends; negative widths crop."""

    n = 1


class ConstantPad2d(_ConstantPad):
    """(N, C, H, W) with a border of constants, ``padding`` = (left, right, top, bottom); negative widths crop."""

    n = 2


class ConstantPad3d(_ConstantPad):
    """(N, C, D, H, W) with constants, ``padding`` = (left, right, top, bottom, front, back)."""

    n = 3


class ZeroPad1d(_Pad):
    """(N, C, L) with ``padding`` (left, right) zeros at its ends; negative widths crop."""

    n = 1


class ZeroPad2d(_Pad):
    """(N, C, H, W) with a border of zeros, ``padding`` = (left, right, top, bottom); negative widths crop."""

    n = 2


class ZeroPad3d(_Pad):
    """(N, C, D, H, W) with a border of zeros, ``padding`` = (left, right, top, bottom, front, back)."""

    n = 3


class ReflectionPad1d(_Pad):
    """(N, C, L) continued by its mirror image, without repeating the end; at most L - 1."""

    n, mode = 1, "reflect"


class ReflectionPad2d(_Pad):
    """(N, C, H, W) continued by its mirror image, without repeating the edge; ``padding`` = (left, right, ...)."""

    n, mode = 2, "reflect"


class ReflectionPad3d(_Pad):
    """(N, C, D, H, W) continued by its mirror image, without repeating the edge; ``padding`` = (left, right, ...)."""

    n, mode = 3, "reflect"


class ReplicationPad1d(_Pad):
    """(N, C, L) with its ends repeated, ``padding`` = (left, right)."""

    n, mode = 1, "replicate"


class ReplicationPad2d(_Pad):
    """(N, C, H, W) with its edge repeated, ``padding`` = (left, right, top, bottom)."""

    n, mode = 2, "replicate"


class ReplicationPad3d(_Pad):
    """(N, C, D, H, W) with its edge repeated, ``padding`` = (left, right, top, bottom, front, back)."""

    n, mode = 3, "replicate"


class CircularPad1d(_Pad):
    """(N, C, L) continued periodically, ``padding`` = (left, right), at most L."""

    n, mode = 1, "circular"


class CircularPad2d(_Pad):
    """(N, C, H, W) continued periodically, ``padding`` = (left, right, top, bottom)."""

    n, mode = 2, "circular"


class CircularPad3d(_Pad):
    """(N, C, D, H, W) continued periodically, ``padding`` = (left, right, top, bottom, front, back)."""

    n, mode = 3, "circular"


__all__ = ["CircularPad1d", "CircularPad2d", "CircularPad3d", "ConstantPad1d", "ConstantPad2d", "ConstantPad3d",
           "ReflectionPad1d", "ReflectionPad2d", "ReflectionPad3d", "ReplicationPad1d", "ReplicationPad2d",
           "ReplicationPad3d", "ZeroPad1d", "ZeroPad2d", "ZeroPad3d"]
