"""More elementary functions: log1p, rsqrt, sign, sine and cosine, the error function."""

from __future__ import annotations

import importlib
import math

import numpy as np

from tinygan.autograd import Function
from tinygan.backend import array_module
from tinygan.tensor import constant


class Log1p(Function):
    """y = log(1 + x), exact near 0; dy/dx = 1 / (1 + x)."""

    saves = (0,)

    def forward(self, x):
        return np.log1p(x)

    def backward(self, g):
        return g / (self.saved[0] + 1.0)


class Rsqrt(Function):
    """y = x^(-1/2); dy/dx = -y^3 / 2."""

    saves_output = True

    def forward(self, x):
        return 1.0 / np.sqrt(x)

    def backward(self, g):
        y = self.output
        return g * (y * y * y) * -0.5


class Sign(Function):
    """y = -1, 0 or 1; the derivative is 0 wherever it exists, and 0 is taken at 0."""

    def forward(self, x):
        return np.sign(x)

    def backward(self, g):
        return constant(array_module(g.data).zeros_like(g.data))


class Sin(Function):
    saves = (0,)

    def forward(self, x):
        return np.sin(x)

    def backward(self, g):
        return g * Cos()(self.saved[0])


class Cos(Function):
    saves = (0,)

    def forward(self, x):
        return np.cos(x)

    def backward(self, g):
        return -(g * Sin()(self.saved[0]))


class Erf(Function):
    """y = 2 / sqrt(pi) int_0^x e^(-t^2) dt; dy/dx = 2 / sqrt(pi) e^(-x^2)."""

    saves = (0,)

    def forward(self, x):
        # SciPy and CuPy have the error function under the same name; both keep float32
        special = importlib.import_module("scipy.special" if array_module(x) is np else "cupyx.scipy.special")
        return special.erf(x)

    def backward(self, g):
        x = self.saved[0]
        return g * ((-(x * x)).exp() * (2.0 / math.sqrt(math.pi)))


def log1p(input):
    """log(1 + input), exact near 0."""
    return Log1p()(input)


def rsqrt(input):
    """1 / sqrt(input)."""
    return Rsqrt()(input)


def sign(input):
    """-1, 0 or 1, with derivative 0."""
    return Sign()(input)


def sin(input):
    """The sine."""
    return Sin()(input)


def cos(input):
    """The cosine."""
    return Cos()(input)


def erf(input):
    """The error function 2 / sqrt(pi) int_0^x e^(-t^2) dt."""
    return Erf()(input)
