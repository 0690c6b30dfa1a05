"""Reading and adding at positions: ``x[index]``, gather, embedding, and their adjoints.

Picking elements is linear; its adjoint adds into an array of zeros at the same positions. Each of the two is the
other's derivative, so indexing is right at any order.
"""

from __future__ import annotations

import numpy as np

from tinygan.autograd import Function
from tinygan.backend import array_module
from tinygan.kernels import kernels_for
from tinygan.ops.reduce import axes_of, expand
from tinygan.tensor import Tensor


class GetItem(Function):
    """y = x[index]; adjoint of :class:`AddItem`."""

    def __init__(self, index, basic):
        self.index, self.basic = index, basic
        self.view = basic

    def forward(self, x):
        self.shape = x.shape
        return x[self.index]

    def backward(self, g):
        return AddItem(self.index, self.shape, self.basic)(g)


class AddItem(Function):
    """y = zeros of a shape with x added at [index]; adjoint of :class:`GetItem`."""

    def __init__(self, index, shape, basic):
        self.index, self.shape, self.basic = index, shape, basic

    def forward(self, x):
        out = array_module(x).zeros(self.shape, x.dtype)
        if self.basic:  # no position can occur twice
            out[self.index] = x
        else:
            kernels_for(out).add_at(out, self.index, x)
        return out

    def backward(self, g):
        return GetItem(self.index, self.basic)(g)


def getitem(input, index):
    """input[index] for integers, slices, None, Ellipsis, integer and boolean Tensors, arrays or lists, and tuples."""
    parts = index if isinstance(index, tuple) else (index,)
    xp = array_module(input.data)
    clean, basic, used = [], True, 0
    for part in parts:
        if isinstance(part, Tensor):
            part = part.data
        if isinstance(part, range):
            part = xp.arange(part.start, part.stop, part.step)
        elif isinstance(part, list):
            part = xp.asarray(part, dtype=np.int64 if not len(part) else None)
        if isinstance(part, (np.integer, bool, np.bool_)) or (
                isinstance(part, np.ndarray) and part.ndim == 0 and part.dtype.kind in "iu"):  # elsewhere we would wait
            part = bool(part) if isinstance(part, (bool, np.bool_)) else int(part)
        if hasattr(part, "dtype"):
            if part.dtype.kind not in "iub":
                raise IndexError(f"getitem: expected integer or boolean indices, got dtype {part.dtype}")
            basic = False
        elif isinstance(part, bool):
            basic = False
        used += part.ndim if hasattr(part, "dtype") and part.dtype.kind == "b" else \
            part is not None and part is not Ellipsis and not isinstance(part, bool)
        clean.append(part)
    if used > input.ndim:
        raise IndexError(f"getitem: expected at most {input.ndim} indices for shape {input.shape}, got {used}")
    return GetItem(tuple(clean), basic)(input)


def _along(axis: int, index):
    """The index tuple that reads ``index[i, j, ...]`` along ``axis`` and its own position along the others."""
    xp = array_module(index)
    grid = [xp.arange(n).reshape((1,) * d + (n,) + (1,) * (index.ndim - d - 1)) for d, n in enumerate(index.shape)]
    grid[axis] = index
    return tuple(grid)


def _positions(name, index, axis, size, ndim):
    index = index.data if isinstance(index, Tensor) else index
    if index.dtype.kind not in "iu":
        raise TypeError(f"{name}: expected integer positions, got dtype {index.dtype}")
    if index.ndim != ndim:
        raise ValueError(f"{name}: expected an index with {ndim} dimensions, got shape {index.shape}")
    if isinstance(index, np.ndarray) and index.size and not (0 <= index.min() and index.max() < size):
        raise IndexError(f"{name}: expected positions in [0, {size - 1}], got {index.min()} ... {index.max()}")
    return index


def gather(input, dim: int, index):
    """y[i][j][k] = input[index[i][j][k]][j][k] for dim 0, and so on: PyTorch's ``gather``."""
    (axis,) = axes_of("gather", input.ndim, dim)
    index = _positions("gather", index, axis, input.shape[axis], input.ndim)
    return GetItem(_along(axis, index), False)(input)


def scatter_add(input, dim: int, index, src):
    """``input`` with src added at positions ``index`` along ``dim``: the adjoint of :func:`gather`, plus input."""
    (axis,) = axes_of("scatter_add", input.ndim, dim)
    index = _positions("scatter_add", index, axis, input.shape[axis], input.ndim)
    if src.shape != index.shape:
        src = src[tuple([slice(0, n) for n in index.shape])]
    return input + AddItem(_along(axis, index), input.shape, False)(src)


def index_select(input, dim: int, index):
    """The slices of ``input`` along ``dim`` whose numbers are in ``index``, a vector of integers."""
    (axis,) = axes_of("index_select", input.ndim, dim)
    index = _positions("index_select", index, axis, input.shape[axis], 1)
    return GetItem((slice(None),) * axis + (index,), False)(input)


def take_along_dim(input, indices, dim=None):
    """:func:`gather` with ``input`` and ``indices`` broadcast against each other except along ``dim``.

    Without ``dim`` the elements of the flattened input. Raises ValueError when the shapes do not broadcast.
    """
    indices = indices if isinstance(indices, Tensor) else Tensor(indices)
    if dim is None:
        return gather(input.reshape(input.size), 0, indices.reshape(indices.size))
    (axis,) = axes_of("take_along_dim", input.ndim, dim)
    if indices.ndim != input.ndim:
        raise ValueError(f"take_along_dim: expected indices with {input.ndim} dimensions, got {indices.shape}")
    others = [(1 if i == axis else m, 1 if i == axis else n) for i, (m, n) in
              enumerate(zip(input.shape, indices.shape))]
    if any(1 not in pair and pair[0] != pair[1] for pair in others):
        raise ValueError("take_along_dim: expected shapes that broadcast except along the dim, got "
                         f"{input.shape} and {indices.shape} with dim {dim}")
    shape = [m if n == 1 else n for m, n in others]
    wide = [expand(x, *shape[:axis], x.shape[axis], *shape[axis + 1:]) for x in (input, indices)]
    return gather(wide[0], axis, wide[1])


def embedding(input, weight):
    """Rows of ``weight`` (V, D) picked by the integers in ``input`` (any shape *): (*, D)."""
    index = input.data if isinstance(input, Tensor) else input
    if index.dtype.kind not in "iu":
        raise TypeError(f"embedding: expected integer indices, got dtype {index.dtype}")
    if isinstance(index, np.ndarray) and index.size and not (0 <= index.min() and index.max() < weight.shape[0]):
        raise IndexError(f"embedding: expected indices in [0, {weight.shape[0] - 1}], "
                         f"got {index.min()} ... {index.max()}")
    return GetItem((index,), False)(weight)


def one_hot(input, num_classes: int, dtype=np.float32):
    """Integers (any shape *) as rows of the identity: (*, num_classes), without a gradient."""
    index = input.data if isinstance(input, Tensor) else input
    xp = array_module(index)
    return Tensor((index[..., None] == xp.arange(num_classes)).astype(dtype))
