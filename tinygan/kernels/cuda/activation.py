"""Activations on CuPy arrays, and what their derivatives need: one launch each, every array read or written once."""

from __future__ import annotations

from functools import lru_cache

from tinygan.backend import array_module
from tinygan.kernels.cuda.launch import kernel, launch


def leaky_relu(x, slope):
    """x where x > 0, else slope x. Moves 2 arrays of the size of x."""
    return _elementwise("leaky_relu", (x,), float(slope))


def leaky_relu_vjp(g, y, slope):
    """g where y > 0, else slope g. Moves 3 arrays of the size of y."""
    return _elementwise("leaky_relu_vjp", (g, y), float(slope))


def sigmoid(x):
    """1 / (1 + e^-x), through z = e^-|x|, which cannot overflow and keeps small values exact: 1 or z over 1 + z.

    Moves 2 arrays of the size of x.
    """
    return _elementwise("sigmoid", (x,))


def sigmoid_vjp(g, y):
    """g y (1 - y), for y = sigmoid(x). Moves 3 arrays of the size of y."""
    return _elementwise("sigmoid_vjp", (g, y))


def softplus(x):
    """log(1 + e^x) = max(x, 0) + log1p(e^-|x|), which cannot overflow and keeps small values exact.

    Moves 2 arrays of the size of x.
    """
    return _elementwise("softplus", (x,))


def tanh(x):
    """tanh x. Moves 2 arrays of the size of x."""
    return _elementwise("tanh_forward", (x,))


def tanh_vjp(g, y):
    """g (1 - y^2), for y = tanh(x). Moves 3 arrays of the size of y."""
    return _elementwise("tanh_vjp", (g, y))


def _elementwise(name, arrays, *numbers):
    """The kernel ``name`` over ``arrays`` in the memory order of the last; one of another order is copied first."""
    last = arrays[-1]
    order, inverse = _orders(last.strides)
    dense = [a.transpose(order) for a in arrays]
    dense = [a if a.flags.c_contiguous else array_module(a).ascontiguousarray(a) for a in dense]
    out = array_module(last).empty(dense[-1].shape, last.dtype)
    launch(kernel("activation", name, last.dtype, last.size), last.size, out, *dense, last.size, *numbers)
    return out.transpose(inverse)


@lru_cache(maxsize=1024)
def _orders(strides):
    """The axes from the slowest to the fastest, and where each of them is then."""
    order = sorted(range(len(strides)), key=lambda axis: -strides[axis])
    return tuple(order), tuple(order.index(axis) for axis in range(len(order)))
