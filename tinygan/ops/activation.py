"""Activations, and the softmax family."""

from __future__ import annotations

import math

import numpy as np

from tinygan.autograd import ALL, Function
from tinygan.backend import array_module
from tinygan.kernels import kernels_for
from tinygan.ops.calls import Single
from tinygan.ops.elementwise import tanh, where
from tinygan.ops.reduce import axes_of
from tinygan.ops.shape import reshape
from tinygan.ops.special import erf
from tinygan.tensor import Tensor, constant


class LeakyReLU(Single):
    """y = x for x > 0, else slope x. The sign of y is the sign of x, so y (which the next layer keeps anyway) is saved.

    At 0 the slope is the negative side's, as in PyTorch.
    """

    saves_output = True

    def __init__(self, slope):
        self.slope = slope

    def forward(self, x):
        return kernels_for(x).leaky_relu(x, self.slope)

    def backward(self, g):
        return Slope(self.output.data, self.slope).of(g)


class Slope(Single):
    """g -> g where y > 0, else slope g: linear, its own adjoint."""

    def __init__(self, y, slope):
        self.y, self.slope = y, slope

    def forward(self, g):
        return kernels_for(g).leaky_relu_vjp(g, self.y, self.slope)

    def backward(self, g):
        return Slope(self.y, self.slope).of(g)


class Sigmoid(Single):
    """y = 1 / (1 + e^-x); dy/dx = y (1 - y)."""

    saves_output = True

    def forward(self, x):
        return kernels_for(x).sigmoid(x)

    def backward(self, g):
        return SigmoidSlope()(g, self.output)


class SigmoidSlope(Function):
    """(g, y) -> g y (1 - y)."""

    saves = ALL

    def forward(self, g, y):
        return kernels_for(g).sigmoid_vjp(g, y)

    def backward(self, h):
        g, y = self.saved
        return SigmoidSlope()(h, y) if self.needs[0] else None, h * g * (1.0 - 2.0 * y) if self.needs[1] else None


class Softplus(Single):
    """y = log(1 + e^x) = max(x, 0) + log1p(e^-|x|); dy/dx = sigmoid(x)."""

    saves = (0,)

    def forward(self, x):
        return kernels_for(x).softplus(x)

    def backward(self, g):
        return g * Sigmoid()(self.saved[0])


class Expm1(Function):
    """y = e^x - 1, exact near 0; dy/dx = e^x, which y + 1 would round to 0 for x below -37."""

    saves = (0,)

    def forward(self, x):
        return np.expm1(x)

    def backward(self, g):
        return g * self.saved[0].exp()


class Softmax(Function):
    """y = e^x / sum e^x over one axis; dx = y (g - sum g y)."""

    saves_output = True

    def __init__(self, axis):
        self.axis = axis

    def forward(self, x):
        y = np.exp(x - x.max(axis=self.axis, keepdims=True)) if x.size else x.copy()
        y /= y.sum(axis=self.axis, keepdims=True)
        return y

    def backward(self, g):
        y = self.output
        gy = g * y
        return gy - y * gy.sum(self.axis, keepdim=True)


class LogSoftmax(Function):
    """y = x - log sum e^x over one axis; dx = g - e^y sum g."""

    saves_output = True

    def __init__(self, axis):
        self.axis = axis

    def forward(self, x):
        y = x - x.max(axis=self.axis, keepdims=True) if x.size else x.copy()
        y -= np.log(np.exp(y).sum(axis=self.axis, keepdims=True))
        return y

    def backward(self, g):
        return g - self.output.exp() * g.sum(self.axis, keepdim=True)


def relu(input):
    """max(x, 0); derivative 0 at 0."""
    return LeakyReLU(0.0).of(input)


def leaky_relu(input, negative_slope: float = 0.01):
    """x for x > 0, else negative_slope x. Raises ValueError for a negative slope, which loses the sign of x."""
    if negative_slope < 0:
        raise ValueError(f"leaky_relu: expected negative_slope >= 0, got {negative_slope}")
    return LeakyReLU(negative_slope).of(input)


def elu(input, alpha: float = 1.0):
    """x for x > 0, else alpha (e^x - 1) (Clevert et al. 2015, arXiv:1511.07289, eq. 16)."""
    positive = input.data > 0
    return where(positive, input, expm1(where(positive, 0.0, input)) * alpha)


def expm1(input):
    """e^x - 1, exact near 0."""
    return Expm1()(input)


def sigmoid(input):
    """1 / (1 + e^-x), without overflow."""
    return Sigmoid().of(input)


def softplus(input, beta: float = 1.0):
    """log(1 + e^(beta x)) / beta, without overflow: PyTorch's ``threshold`` is not needed."""
    return Softplus().of(input) if beta == 1 else Softplus().of(input * beta) * (1.0 / beta)


def logsigmoid(input):
    """log sigmoid(x) = -softplus(-x), without underflow."""
    return -Softplus().of(-input)


def softmax(input, dim: int):
    """e^x / sum e^x over ``dim``."""
    (axis,) = axes_of("softmax", input.ndim, dim)
    return Softmax(axis)(input)


def log_softmax(input, dim: int):
    """x - log sum e^x over ``dim``."""
    (axis,) = axes_of("log_softmax", input.ndim, dim)
    return LogSoftmax(axis)(input)


def dropout(input, p: float = 0.5, training: bool = True):
    """Elements set to 0 with probability ``p``, the others divided by 1 - p (Srivastava et al. 2014), when training.

    The mask comes from the "dropout" stream. Raises ValueError unless 0 <= p <= 1.
    """
    if not 0 <= p <= 1:
        raise ValueError(f"dropout: expected p in [0, 1], got {p}")
    if not training or p == 0:
        return input
    from tinygan import random
    keep = random.bernoulli(1.0 - p, input.shape, stream="dropout", dtype=input.dtype, device=input.device)
    return input * Tensor(keep * (1.0 / (1.0 - p)) if p < 1 else keep)


def gelu(input, approximate: str = "none"):
    """x Phi(x), Phi the normal distribution function (Hendrycks & Gimpel 2016, arXiv:1606.08415, section 2).

    ``approximate="tanh"`` is the paper's x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2. Raises ValueError for
    another ``approximate``.
    """
    if approximate == "none":
        return input * (erf(input * math.sqrt(0.5)) + 1.0) * 0.5
    if approximate != "tanh":
        raise ValueError(f"gelu: expected approximate 'none' or 'tanh', got {approximate!r}")
    inner = (input + input * input * input * 0.044715) * math.sqrt(2.0 / math.pi)
    return input * (tanh(inner) + 1.0) * 0.5


def silu(input):
    """x sigmoid(x), "swish" (Elfwing et al. 2017, arXiv:1702.03118)."""
    return input * sigmoid(input)


def selu(input):
    """s x for x > 0, else s a (e^x - 1), with the fixed point's s and a (Klambauer et al. 2017, arXiv:1706.02515)."""
    return elu(input, 1.6732632423543772) * 1.0507009873554805


def hardtanh(input, min_val: float = -1.0, max_val: float = 1.0):
    """x cut to [min_val, max_val]; the derivative is 0 at both ends, as in PyTorch. Raises ValueError if they cross."""
    if min_val > max_val:
        raise ValueError(f"hardtanh: expected min_val <= max_val, got {min_val} and {max_val}")
    inside = (input.data > min_val) & (input.data < max_val)
    return where(inside, input, constant(array_module(input.data).clip(input.data, min_val, max_val)))


def prelu(input, weight):
    """x for x > 0, else weight x, with one weight (1,) or one per channel (C,) (He et al. 2015, arXiv:1502.01852).

    Channels are dimension 1. Raises ValueError for another shape of ``weight``.
    """
    channels = input.shape[1] if input.ndim > 1 else 1
    if weight.size != 1 and weight.shape != (channels,):
        raise ValueError(f"prelu: expected a weight of shape (1,) or {(channels,)}, got {weight.shape}")
    weight = reshape(weight, () if weight.size == 1 else (-1,) + (1,) * (input.ndim - 2))
    return where(input.data > 0, input, input * weight)
