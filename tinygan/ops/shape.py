"""Operations that move elements without changing them: reshape, permute, join, split, roll, flip, shuffle."""

from __future__ import annotations

import math

import numpy as np

from tinygan.autograd import Function
from tinygan.backend import array_module
from tinygan.kernels.layout import any_channels_last, channels_first, moved_last
from tinygan.ops.calls import Single
from tinygan.ops.reduce import axes_of
from tinygan.tensor import Tensor


class Reshape(Single):
    view = True

    def __init__(self, shape):
        self.shape = shape

    def forward(self, x):
        self.origin_shape = x.shape
        return x.reshape(self.shape)

    def backward(self, g):
        return Reshape(self.origin_shape).of(g)


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
        xp = array_module(arrays[0])
        if xp is np or not any_channels_last(arrays):
            return xp.concatenate(arrays, axis=self.axis)
        # CuPy joins into C-ordered memory; NumPy keeps the order of its inputs
        axis = (0, *range(2, arrays[0].ndim), 1).index(self.axis)
        return channels_first(xp.concatenate([moved_last(a) for a in arrays], axis=axis))

    def backward(self, g):
        ends = np.cumsum(self.sizes).tolist()
        before = (slice(None),) * self.axis
        return tuple([g[(*before, slice(end - size, end))] if need else None
                      for end, size, need in zip(ends, self.sizes, self.needs)])


class Unbind(Function):
    """The slices along an axis, as views; their gradients are joined at once (one slice each would write T arrays)."""

    def __init__(self, axis):
        self.axis = axis

    def forward(self, x):
        before = (slice(None),) * self.axis
        return tuple([x[(*before, i)] for i in range(x.shape[self.axis])])

    def backward(self, *cotangents):
        zeros = zeros_like([g for g in cotangents if g is not None][0])
        return stack([zeros if g is None else g for g in cotangents], self.axis)


class Split(Function):
    """The pieces of given sizes along an axis, as views; their gradients are joined at once."""

    def __init__(self, axis, sizes):
        self.axis, self.sizes = axis, sizes

    def forward(self, x):
        self.shape = x.shape
        ends = np.cumsum(self.sizes).tolist()
        before = (slice(None),) * self.axis
        return tuple([x[(*before, slice(end - size, end))] for end, size in zip(ends, self.sizes)])

    def backward(self, *cotangents):
        known = [g.data for g in cotangents if g is not None][0]
        shape, xp = self.shape, array_module(known)
        return cat([Tensor(xp.zeros(shape[:self.axis] + (size,) + shape[self.axis + 1:], known.dtype)) if g is None
                    else g for g, size in zip(cotangents, self.sizes)], self.axis)


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
    return input if shape == input.shape else Reshape(shape).of(input)


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


def split(tensor, split_size_or_sections, dim: int = 0):
    """A tuple of pieces along ``dim``: of one size (the last may be smaller), or of the sizes in a list."""
    (axis,) = axes_of("split", tensor.ndim, dim)
    n, sections = tensor.shape[axis], split_size_or_sections
    if isinstance(sections, int):
        if sections < 1:
            raise ValueError(f"split: expected a positive size, got {sections}")
        sections = [min(sections, n - start) for start in range(0, n, sections)] or [0]
    if sum(sections) != n or any(m < 0 for m in sections):
        raise ValueError(f"split: expected sizes that add up to {n}, got {tuple(sections)}")
    if tensor.version is not None:  # a parameter: the pieces must know when it is written
        ends = np.cumsum(sections).tolist()
        return tuple([tensor[(slice(None),) * axis + (slice(end - m, end),)] for end, m in zip(ends, sections)])
    return Split(axis, tuple(sections))(tensor)


def chunk(input, chunks: int, dim: int = 0):
    """A tuple of at most ``chunks`` pieces of one size along ``dim`` (the last may be smaller), as PyTorch cuts."""
    (axis,) = axes_of("chunk", input.ndim, dim)
    if chunks < 1:
        raise ValueError(f"chunk: expected at least one chunk, got {chunks}")
    n = input.shape[axis]
    return split(input, [0] * chunks if n == 0 else -(-n // chunks), axis)


def unbind(input, dim: int = 0):
    """The tuple of slices along ``dim``, which they lack: the inverse of :func:`stack`."""
    (axis,) = axes_of("unbind", input.ndim, dim)
    if input.version is not None:  # a parameter: the slices must know when it is written
        return tuple([input[(slice(None),) * axis + (i,)] for i in range(input.shape[axis])])
    return Unbind(axis)(input) if input.shape[axis] else ()


def roll(input, shifts, dims=None):
    """Elements moved on by ``shifts`` places along ``dims``, those beyond the end come in at the front.

    Without ``dims`` the elements in C order are rolled. Raises ValueError unless there is one shift per dim.
    """
    shifts = (shifts,) if isinstance(shifts, int) else tuple(shifts)
    if dims is None:
        return reshape(roll(reshape(input, (input.size,)), shifts, 0), input.shape)
    dims = (dims,) if isinstance(dims, int) else tuple(dims)
    if len(shifts) != len(dims):
        raise ValueError(f"roll: expected one shift per dim, got {shifts} for dims {dims}")
    for shift, dim in zip(shifts, dims):
        (axis,) = axes_of("roll", input.ndim, dim)
        n = input.shape[axis]
        if n and shift % n:
            input = cat(split(input, [n - shift % n, shift % n], axis)[::-1], axis)
    return input


def tril(input, diagonal: int = 0):
    """The elements (..., i, j) with j <= i + diagonal, zeros elsewhere."""
    return _triangle("tril", input, diagonal)


def triu(input, diagonal: int = 0):
    """The elements (..., i, j) with j >= i + diagonal, zeros elsewhere."""
    return _triangle("triu", input, diagonal)


def _triangle(name, input, diagonal):
    from tinygan.ops.elementwise import where
    if input.ndim < 2:
        raise ValueError(f"{name}: expected at least two dimensions, got {input.shape}")
    xp = array_module(input.data)
    rows, columns = [xp.arange(n) for n in input.shape[-2:]]
    above = columns - rows[:, None]
    return where(above <= diagonal if name == "tril" else above >= diagonal, input, 0.0)


def pixel_shuffle(input, upscale_factor: int):
    """(N, C r^2, H, W) -> (N, C, H r, W r): each pixel's r^2 channels become r x r pixels (Shi et al. 2016, eq. 4).

    arXiv:1609.05158. Raises ValueError when the channels are no multiple of r^2.
    """
    *lead, c, h, w = input.shape
    r = upscale_factor
    if r < 1 or c % (r * r):
        raise ValueError(f"pixel_shuffle: expected channels divisible by {r} x {r}, got {input.shape}")
    n = math.prod(lead)
    x = permute(reshape(input, (n, c // (r * r), r, r, h, w)), (0, 1, 4, 2, 5, 3))
    return reshape(x, (*lead, c // (r * r), h * r, w * r))


def pixel_unshuffle(input, downscale_factor: int):
    """(N, C, H r, W r) -> (N, C r^2, H, W): the inverse of :func:`pixel_shuffle`.

    Raises ValueError when height or width is no multiple of r.
    """
    *lead, c, h, w = input.shape
    r = downscale_factor
    if r < 1 or h % r or w % r:
        raise ValueError(f"pixel_unshuffle: expected height and width divisible by {r}, got {input.shape}")
    n = math.prod(lead)
    x = permute(reshape(input, (n, c, h // r, r, w // r, r)), (0, 1, 3, 5, 2, 4))
    return reshape(x, (*lead, c * r * r, h // r, w // r))


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
