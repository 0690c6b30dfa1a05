"""Activations on CuPy arrays, and what their derivatives need: one launch each, every array read or written once."""

from __future__ import annotations

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


def tanh(x):
    """tanh x. Moves 2 arrays of the size of x."""
    return _elementwise("tanh_forward", (x,))


def tanh_vjp(g, y):
    """g (1 - y^2), for y = tanh(x). Moves 3 arrays of the size of y."""
    return _elementwise("tanh_vjp", (g, y))


def _elementwise(name, arrays, *numbers):
    """The kernel ``name`` over ``arrays`` in the memory order of the last; one of another order is copied first."""
    last = arrays[-1]
    xp = array_module(last)
    order = sorted(range(last.ndim), key=lambda axis: -last.strides[axis])
    dense = [xp.ascontiguousarray(a.transpose(order)) for a in arrays]
    out = xp.empty([last.shape[axis] for axis in order], last.dtype)
    launch(kernel("activation", name, last.dtype, last.size), last.size, out, *dense, last.size, *numbers)
    return out.transpose([order.index(axis) for axis in range(last.ndim)])
