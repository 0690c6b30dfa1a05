"""Windows laid out as columns, their adjoint, and convolution whose weights are not shared between positions."""

from __future__ import annotations

import math

from tinygan.autograd import Function
from tinygan.backend import array_module
from tinygan.kernels.windows import output_size, reaches
from tinygan.ops.conv import tuple_of
from tinygan.ops.linalg import matmul
from tinygan.ops.shape import permute, reshape


class Windows(Function):
    """What the two maps share. ``size`` is the spatial size of the images, ``out`` the number of windows per axis."""

    def __init__(self, size, kernel, stride, padding, dilation):
        self.geometry = (size, kernel, stride, padding, dilation)
        self.size, self.kernel = size, kernel
        self.out = output_size(*self.geometry)

    def meetings(self):
        """For every kernel offset: its number, the windows that it serves, the positions that it reads."""
        return reaches(self.size, self.out, self.kernel, *self.geometry[2:])


class Unfold(Windows):
    """(N, C, *S) -> (N, C, prod K, *out); adjoint of :class:`Fold`."""

    def forward(self, x):
        columns = array_module(x).zeros((*x.shape[:2], math.prod(self.kernel), *self.out), x.dtype)
        for k, there, here in self.meetings():
            columns[(slice(None), slice(None), k, *there[1:])] = x[(slice(None), *here)]
        return columns

    def backward(self, g):
        return Fold(*self.geometry)(g)


class Fold(Windows):
    """(N, C, prod K, *out) -> (N, C, *S): every element added to the position that it was read from."""

    def forward(self, columns):
        x = array_module(columns).zeros((*columns.shape[:2], *self.size), columns.dtype)
        for k, there, here in self.meetings():
            x[(slice(None), *here)] += columns[(slice(None), slice(None), k, *there[1:])]
        return x

    def backward(self, g):
        return Unfold(*self.geometry)(g)


def _windows(name, size, kernel_size, dilation, padding, stride):
    kernel, dilation, padding, stride = [tuple_of(name, v, 2) for v in (kernel_size, dilation, padding, stride)]
    geometry = (size, kernel, stride, padding, dilation)
    if min(output_size(*geometry)) < 1:
        raise ValueError(f"{name}: expected a padded image of at least the dilated kernel, got size {size} with kernel "
                         f"{kernel}, dilation {dilation}, padding {padding}")
    return geometry


def unfold(input, kernel_size, dilation=1, padding=0, stride=1):
    """Every window of (N, C, H, W) as a column: (N, C KH KW, L), L the number of windows ("im2col").

    Raises ValueError when the dilated kernel does not fit into the padded image.
    """
    if input.ndim != 4:
        raise ValueError(f"unfold: expected input with 4 dimensions, got {input.shape}")
    op = Unfold(*_windows("unfold", input.shape[2:], kernel_size, dilation, padding, stride))
    n, c = input.shape[:2]
    return reshape(op(input), (n, c * math.prod(op.kernel), math.prod(op.out)))


def fold(input, output_size, kernel_size, dilation=1, padding=0, stride=1):
    """Columns (N, C KH KW, L) added up at the positions of their windows: (N, C, *output_size), adjoint of unfold.

    Raises ValueError when the columns do not belong to windows of an image of that size.
    """
    size = tuple_of("fold", output_size, 2)
    op = Fold(*_windows("fold", size, kernel_size, dilation, padding, stride))
    area, count = math.prod(op.kernel), math.prod(op.out)
    if input.ndim != 3 or input.shape[1] % area or input.shape[2] != count:
        raise ValueError(f"fold: expected input of shape (N, C x {area}, {count}), got {input.shape}")
    n, c = input.shape[:2]
    return op(reshape(input, (n, c // area, area, *op.out)))


def locally_connected2d(input, weight, bias=None, stride=1, padding=0, dilation=1):
    """conv2d with weights of its own for every position: (N, C, H, W) -> (N, O, OH, OW).

    ``weight`` (O, C, KH, KW, OH, OW), ``bias`` (O, OH, OW). Raises ValueError when they do not fit the input.
    Source: LAGAN (de Oliveira et al. 2017, arXiv:1701.05927) uses these layers.
    """
    if input.ndim != 4 or weight.ndim != 6 or weight.shape[1] != input.shape[1]:
        raise ValueError("locally_connected2d: expected input (N, C, H, W) and weight (O, C, KH, KW, OH, OW), got "
                         f"{input.shape} and {weight.shape}")
    geometry = _windows("locally_connected2d", input.shape[2:], weight.shape[2:4], dilation, padding, stride)
    op = Unfold(*geometry)
    if weight.shape[4:] != op.out or bias is not None and bias.shape != weight.shape[:1] + op.out:
        raise ValueError(f"locally_connected2d: expected weight and bias for {op.out} positions, got {weight.shape} "
                         f"and {None if bias is None else bias.shape}")
    (n, c), o = input.shape[:2], weight.shape[0]
    inner, count = c * math.prod(op.kernel), math.prod(op.out)
    columns = permute(reshape(op(input), (n, inner, count)), (2, 0, 1))
    rows = permute(reshape(weight, (o, inner, count)), (2, 1, 0))
    out = reshape(permute(matmul(columns, rows), (1, 2, 0)), (n, o, *op.out))
    return out if bias is None else out + bias
