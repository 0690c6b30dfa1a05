"""Activations on CuPy arrays, and what their derivatives need."""

from __future__ import annotations

from tinygan.backend import array_module


def leaky_relu(x, slope):
    """x where x > 0, else slope x."""
    xp = array_module(x)

    def f(x):
        if slope == 0:
            return xp.maximum(x, 0)
        return xp.maximum(x, x * slope) if slope <= 1 else xp.minimum(x, x * slope)

    return _in_memory_order(f, x)


def leaky_relu_vjp(g, y, slope):
    """g where y > 0, else slope g."""
    xp = array_module(g)
    return _in_memory_order(lambda g, y: g * xp.where(y > 0, g.dtype.type(1), g.dtype.type(slope)), g, y)


def sigmoid(x):
    """1 / (1 + e^-x), through z = e^-|x|, which cannot overflow and keeps small values exact: 1 or z over 1 + z."""
    xp = array_module(x)

    def f(x):
        z = xp.exp(-xp.abs(x))
        return xp.where(x >= 0, x.dtype.type(1), z) / (z + 1)

    return _in_memory_order(f, x)


def sigmoid_vjp(g, y):
    """g y (1 - y), for y = sigmoid(x)."""
    return _in_memory_order(lambda g, y: g * ((1 - y) * y), g, y)


def tanh(x):
    """tanh x."""
    return _in_memory_order(array_module(x).tanh, x)


def tanh_vjp(g, y):
    """g (1 - y^2), for y = tanh(x)."""
    return _in_memory_order(lambda g, y: g * (1 - y * y), g, y)


def _in_memory_order(f, *arrays):
    """``f(*arrays)``, with the axes from the slowest to the fastest of the last array, and back."""
    strides = arrays[-1].strides
    order = sorted(range(len(strides)), key=lambda axis: -strides[axis])
    y = f(*[a.transpose(order) for a in arrays])
    return y.transpose([order.index(axis) for axis in range(len(order))])
