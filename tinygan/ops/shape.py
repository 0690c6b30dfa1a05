"""Operations that move elements without changing them: reshape, permute, join, pad, crop, flip."""

from __future__ import annotations

import math

import numpy as np

from tinygan.autograd import Function
from tinygan.backend import array_module
from tinygan.ops.reduce import axes_of
from tinygan.tensor import Tensor


class Reshape(Function):
    view = True

    def __init__(self, shape):
        self.shape = shape

    def forward(self, x):
        self.origin_shape = x.shape
        return x.reshape(self.shape)

    def backward(self, g):
        return Reshape(self.origin_shape)(g)


class Permute(Function):
    view = True

    def __init__(self, axes):
        self.axes = axes

    def forward(self, x):
        return x.transpose(self.axes)

    def backward(self, g):
        return Permute(tuple([self.axes.index(i) for i in range(len(self.axes))]))(g)


class Flip(Function):
    """y = x read backwards along some axes; its own adjoint."""

    view = True

    def __init__(self, axes):
        self.axes = axes

    def forward(self, x):
        return x[tuple([slice(None, None, -1) if i in self.axes else slice(None) for i in range(x.ndim)])]

    def backward(self, g):
        return Flip(self.axes)(g)


class Cat(Function):
    """Inputs joined along an axis; each one's gradient is its own slice."""

    def __init__(self, axis):
        self.axis = axis

    def forward(self, *arrays):
        self.sizes = [a.shape[self.axis] for a in arrays]
        return array_module(arrays[0]).concatenate(arrays, axis=self.axis)

    def backward(self, g):
        ends = np.cumsum(self.sizes).tolist()
        before = (slice(None),) * self.axis
        return tuple([g[(*before, slice(end - size, end))] if need else None
                      for end, size, need in zip(ends, self.sizes, self.needs)])


class Pad(Function):
    """x with (before, after) constants added along each axis; the adjoint is the crop."""

    def __init__(self, widths, value=0.0):
        self.widths, self.value = widths, value

    def forward(self, x):
        shape = tuple([n + a + b for n, (a, b) in zip(x.shape, self.widths)])
        xp = array_module(x)
        out = xp.zeros(shape, x.dtype) if self.value == 0 else xp.full(shape, self.value, x.dtype)
        out[self._inside(x.shape)] = x
        self.origin_shape = x.shape
        return out

    def _inside(self, shape):
        return tuple([slice(a, a + n) for n, (a, _) in zip(shape, self.widths)])

    def backward(self, g):
        return g[self._inside(self.origin_shape)]


class ToDevice(Function):
    """The same values on another device; the gradient travels back."""

    def __init__(self, device):
        self.device = device

    def forward(self, x):
        from tinygan.backend import device_of, to_device
        self.origin = device_of(x)
        return to_device(x, self.device)

    def backward(self, g):
        return ToDevice(self.origin)(g)


def _shape_argument(shape):
    return tuple(shape[0]) if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else tuple(shape)


def reshape(input, *shape):
    """The same elements, in C order, under another shape; one size may be -1."""
    shape = _shape_argument(shape)
    known = math.prod([n for n in shape if n != -1])
    holes = shape.count(-1)
    if holes > 1 or (holes == 0 and known != input.size) or (holes == 1 and (known == 0 or input.size % known)):
        raise ValueError(f"reshape: expected a shape with the {input.size} elements of {input.shape}, got {shape}")
    return input if shape == input.shape else Reshape(shape)(input)


def flatten(input, start_dim: int = 0, end_dim: int = -1):
    """Dimensions start_dim ... end_dim merged into one."""
    (start,), (end,) = axes_of("flatten", input.ndim, start_dim), axes_of("flatten", input.ndim, end_dim)
    return reshape(input, input.shape[:start] + (math.prod(input.shape[start:end + 1]),) + input.shape[end + 1:])


def permute(input, *dims):
    """Dimensions in another order: ``dims[i]`` of the input becomes dimension i."""
    dims = _shape_argument(dims)
    axes = tuple([d % input.ndim if -input.ndim <= d < input.ndim else d for d in dims])
    if sorted(axes) != list(range(input.ndim)):
        raise ValueError(f"permute: expected each of the {input.ndim} dimensions once, got {dims}")
    return Permute(axes)(input)


def transpose(input, dim0: int, dim1: int):
    """Two dimensions exchanged."""
    (a,), (b,) = axes_of("transpose", input.ndim, dim0), axes_of("transpose", input.ndim, dim1)
    axes = list(range(input.ndim))
    axes[a], axes[b] = b, a
    return Permute(tuple(axes))(input)


def squeeze(input, dim=None):
    """Dimensions of size 1 dropped (all of them, or those named)."""
    axes = axes_of("squeeze", input.ndim, dim)
    return reshape(input, tuple([n for i, n in enumerate(input.shape) if not (i in axes and n == 1)]))


def unsqueeze(input, dim: int):
    """A dimension of size 1 inserted at position ``dim``."""
    (axis,) = axes_of("unsqueeze", input.ndim + 1, dim)
    return Reshape(input.shape[:axis] + (1,) + input.shape[axis:])(input)


def flip(input, dims):
    """The elements in reverse order along ``dims``."""
    return Flip(axes_of("flip", input.ndim, dims))(input)


def cat(tensors, dim: int = 0):
    """Tensors joined along ``dim``; their other sizes must agree."""
    tensors = list(tensors)
    if not tensors:
        raise ValueError("cat: expected at least one tensor, got none")
    (axis,) = axes_of("cat", tensors[0].ndim, dim)
    for x in tensors:
        if x.shape[:axis] + x.shape[axis + 1:] != tensors[0].shape[:axis] + tensors[0].shape[axis + 1:]:
            raise ValueError(f"cat: expected shapes that agree except along dim {dim}, "
                             f"got {[x.shape for x in tensors]}")
    return Cat(axis)(*tensors)


def stack(tensors, dim: int = 0):
    """Tensors of one shape joined along a new dimension."""
    return cat([unsqueeze(x, dim) for x in tensors], dim)


def pad(input, pad, mode: str = "constant", value: float = 0.0):
    """``input`` with constants around it; ``pad`` = (left, right, top, bottom, ...) starts at the last dimension.

    Negative widths crop. Raises ValueError for an odd or too long ``pad`` and for another ``mode``.
    """
    pad = tuple(pad)
    if mode != "constant":
        raise ValueError(f"pad: expected mode 'constant', got {mode!r}")
    if len(pad) % 2 or len(pad) > 2 * input.ndim:
        raise ValueError(f"pad: expected an even number of widths, at most {2 * input.ndim}, got {pad}")
    widths = [(0, 0)] * (input.ndim - len(pad) // 2) + [(pad[i], pad[i + 1]) for i in range(len(pad) - 2, -1, -2)]
    if any(min(w) < 0 for w in widths):
        input = input[tuple([slice(-min(a, 0), n + min(b, 0)) for n, (a, b) in zip(input.shape, widths)])]
    widths = tuple([(max(a, 0), max(b, 0)) for a, b in widths])
    return Pad(widths, value)(input) if any(map(any, widths)) else input


def to(input, target):
    """``input`` on another device, or in another dtype; differentiable."""
    from tinygan.backend import Device, device
    from tinygan.ops.elementwise import cast
    if isinstance(target, Device) or isinstance(target, str) and target.partition(":")[0] in ("cpu", "cuda"):
        return input if input.device == device(target) else ToDevice(device(target))(input)
    return cast(input, target)


def zeros_like(input):
    """A Tensor of zeros of the same shape, dtype and device."""
    return Tensor(array_module(input.data).zeros_like(input.data))


def ones_like(input):
    """A Tensor of ones of the same shape, dtype and device."""
    return Tensor(array_module(input.data).ones_like(input.data))
