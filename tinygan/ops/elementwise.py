"""Elementwise operations: arithmetic, powers, exponentials, comparisons, and the choice between two tensors.

Shapes broadcast as in NumPy; the gradient of a broadcast input is summed back to its shape by the engine, which calls
``Elementwise.unbroadcast``. Derivatives are written in Tensor operations. Where a derivative is piecewise constant
(sign, masks) the constant is taken from the array: its own derivative is zero wherever it exists.
"""

from __future__ import annotations

import numpy as np

from tinygan.autograd import ALL, Function
from tinygan.backend import array_module
from tinygan.kernels import kernels_for
from tinygan.kernels.layout import elementwise
from tinygan.ops.calls import Pair, Single
from tinygan.ops.reduce import sum_to
from tinygan.tensor import Tensor, constant


class Elementwise(Function):
    """An operation on corresponding elements of inputs that broadcast against each other."""

    def compute(self, *arrays):
        return elementwise(self.forward, *arrays)

    def unbroadcast(self, gradient, shape):
        return sum_to(gradient, shape)


class Add(Pair, Elementwise):
    arithmetic = True

    def forward(self, a, b):
        return a + b

    def backward(self, g):
        return g, g


class Sub(Pair, Elementwise):
    arithmetic = True

    def forward(self, a, b):
        return a - b

    def backward(self, g):
        return g, -g if self.needs[1] else None


class Mul(Pair, Elementwise):
    arithmetic = True
    saves = ALL

    def forward(self, a, b):
        return a * b

    def backward(self, g):
        a, b = self.saved
        return g * b if self.needs[0] else None, g * a if self.needs[1] else None


class Scale(Single, Elementwise):
    """y = c x for a Python number c: nothing needs to be saved."""

    arithmetic = True

    def __init__(self, c):
        self.c = c

    def forward(self, x):
        return x * self.c

    def backward(self, g):
        return g * self.c


class Div(Pair, Elementwise):
    arithmetic = True
    saves = ALL

    def forward(self, a, b):
        return a / b

    def backward(self, g):
        a, b = self.saved
        ga = g / b
        return ga, -(ga * a) / b if self.needs[1] else None


class Neg(Single, Elementwise):
    arithmetic = True

    def forward(self, x):
        return -x

    def backward(self, g):
        return -g


class Pow(Single, Elementwise):
    """y = x^p for a Python number p; dy/dx = p x^(p-1)."""

    arithmetic = True
    saves = (0,)

    def __init__(self, p):
        self.p = p

    def forward(self, x):
        return x ** self.p

    def backward(self, g):
        (x,) = self.saved
        if self.p == 0:
            return g * 0.0
        # x first: g may be one number repeated without memory, whose products have lost the order of x
        return g * self.p if self.p == 1 else g * (self.p * x if self.p == 2 else self.p * x ** (self.p - 1))


class PowTensor(Elementwise):
    """y = a^b for tensors, a > 0: dy/da = b a^(b-1), dy/db = y log a."""

    saves = (0, 1)
    saves_output = True

    def forward(self, a, b):
        return a ** b

    def backward(self, g):
        a, b = self.saved
        return (g * b * a ** (b - 1.0) if self.needs[0] else None,
                g * self.output * log(a) if self.needs[1] else None)


class Exp(Single, Elementwise):
    arithmetic = True
    saves_output = True

    def forward(self, x):
        return np.exp(x)

    def backward(self, g):
        return g * self.output


class Log(Single, Elementwise):
    arithmetic = True
    saves = (0,)

    def forward(self, x):
        return np.log(x)

    def backward(self, g):
        return g / self.saved[0]


class Sqrt(Single, Elementwise):
    arithmetic = True
    saves_output = True

    def forward(self, x):
        return np.sqrt(x)

    def backward(self, g):
        return g / (self.output * 2.0)


class Tanh(Single, Elementwise):
    saves_output = True

    def forward(self, x):
        return kernels_for(x).tanh(x)

    def backward(self, g):
        return TanhSlope()(g, self.output)


class TanhSlope(Elementwise):
    """(g, y) -> g (1 - y^2)."""

    saves = ALL

    def forward(self, g, y):
        return kernels_for(g).tanh_vjp(g, y)

    def backward(self, h):
        g, y = self.saved
        return TanhSlope()(h, y) if self.needs[0] else None, h * g * y * -2.0 if self.needs[1] else None


class Abs(Single, Elementwise):
    """y = |x|; the subgradient 0 is taken at 0."""

    saves = (0,)

    def forward(self, x):
        return np.abs(x)

    def backward(self, g):
        return g * Tensor(np.sign(self.saved[0].data))


class Maximum(Elementwise):
    """y = max(a, b); where a = b each side gets half of the gradient, as in PyTorch."""

    saves = (0, 1)

    def __init__(self, choose):
        self.choose = choose  # np.maximum or np.minimum

    def forward(self, a, b):
        return self.choose(a, b)

    def backward(self, g):
        a, b = [x.data if isinstance(x, Tensor) else x for x in self.saved]
        wins = (a > b) if self.choose is np.maximum else (a < b)
        share = wins.astype(g.dtype) + (a == b).astype(g.dtype) * 0.5
        return g * Tensor(share) if self.needs[0] else None, g * Tensor(1.0 - share) if self.needs[1] else None


class Clamp(Elementwise):
    """y = min(max(x, low), high); the gradient is 1 inside the closed interval and 0 outside."""

    saves = (0,)

    def __init__(self, low, high):
        self.low, self.high = low, high

    def forward(self, x):
        return array_module(x).clip(x, self.low, self.high)

    def backward(self, g):
        x = self.saved[0].data
        inside = array_module(x).ones_like(x, dtype=bool)
        inside = inside if self.low is None else inside & (x >= self.low)
        inside = inside if self.high is None else inside & (x <= self.high)
        return g * Tensor(inside.astype(g.dtype))


class Where(Elementwise):
    """y = a where the condition holds, else b."""

    def __init__(self, condition):
        self.condition = condition

    def forward(self, a, b):
        return array_module(self.condition).where(self.condition, a, b)

    def compute(self, a, b):  # the condition goes the way of the inputs
        return elementwise(array_module(self.condition).where, self.condition, a, b)

    def backward(self, g):
        return (Where(self.condition)(g, 0.0) if self.needs[0] else None,
                Where(self.condition)(0.0, g) if self.needs[1] else None)


class Cast(Elementwise):
    """The same values in another dtype; the gradient comes back in the first one."""

    def __init__(self, dtype):
        self.to = np.dtype(dtype)

    def forward(self, x):
        self.origin_dtype = x.dtype
        return x.astype(self.to)

    def backward(self, g):
        return Cast(self.origin_dtype)(g)


def _operand(name: str, x):
    """A Tensor or Python number for an operator; np.float64 counts as a Python number, as it is one."""
    if isinstance(x, Tensor) or type(x) in (int, float, bool):
        return x
    if isinstance(x, (int, float, bool)):
        return float(x)
    if isinstance(x, np.generic) or hasattr(x, "__array_ufunc__") and hasattr(x, "shape"):
        raise TypeError(f"{name}: expected a Tensor or a Python number, got {type(x).__name__} of dtype {x.dtype}; "
                        "wrap it with tinygan.tensor(...) or call float(...)")
    raise TypeError(f"{name}: expected a Tensor or a Python number, got {type(x).__name__}")


def add(input, other):
    """input + other, elementwise with broadcasting."""
    if type(input) is Tensor and type(other) is Tensor:
        return Add().of(input, other)
    return Add()(_operand("add", input), _operand("add", other))


def sub(input, other):
    """input - other, elementwise with broadcasting."""
    if type(input) is Tensor and type(other) is Tensor:
        return Sub().of(input, other)
    return Sub()(_operand("sub", input), _operand("sub", other))


def mul(input, other):
    """input * other, elementwise with broadcasting."""
    if type(input) is Tensor and type(other) is Tensor:
        return Mul().of(input, other)
    if type(other) in (int, float):
        return Scale(other).of(input)
    if type(input) in (int, float):
        return Scale(input).of(other)
    return Mul()(_operand("mul", input), _operand("mul", other))


def div(input, other):
    """input / other, elementwise with broadcasting."""
    if type(input) is Tensor and type(other) is Tensor:
        return Div().of(input, other)
    return Div()(_operand("div", input), _operand("div", other))


def neg(input):
    """-input."""
    return Neg().of(input)


def pow(input, exponent):
    """input ** exponent; a tensor exponent wants input > 0."""
    if isinstance(exponent, Tensor):
        base = input if isinstance(input, Tensor) else Tensor(
            array_module(exponent.data).full_like(exponent.data, _operand("pow", input)))
        return PowTensor()(base, exponent)
    return Pow(_operand("pow", exponent))(input)


def exp(input):
    """e^input."""
    return Exp().of(input)


def log(input):
    """The natural logarithm."""
    return Log().of(input)


def sqrt(input):
    """The square root; its derivative 1 / (2 sqrt(x)) is infinite at 0 (``norm`` has the subgradient 0 there)."""
    return Sqrt().of(input)


def square(input):
    """input * input."""
    return Pow(2).of(input)


def tanh(input):
    """The hyperbolic tangent."""
    return Tanh().of(input)


def abs(input):
    """|input|, with subgradient 0 at 0."""
    return Abs().of(input)


def maximum(input, other):
    """The larger of the two, elementwise; ties share the gradient."""
    return Maximum(np.maximum)(*_two_tensors("maximum", input, other))


def minimum(input, other):
    """The smaller of the two, elementwise; ties share the gradient."""
    return Maximum(np.minimum)(*_two_tensors("minimum", input, other))


def _two_tensors(name, a, b):
    if not isinstance(a, Tensor) and not isinstance(b, Tensor):
        raise TypeError(f"{name}: expected a Tensor, got {type(a).__name__} and {type(b).__name__}")
    return _operand(name, a), _operand(name, b)


def clamp(input, min=None, max=None):
    """Values cut to [min, max]; either bound may be None, not both."""
    if min is None and max is None:
        raise ValueError("clamp: expected min or max, got neither")
    return Clamp(min, max)(input)


def where(condition, input, other):
    """input where the condition (boolean Tensor or array) holds, else other; shapes broadcast."""
    condition = condition.data if isinstance(condition, Tensor) else condition
    if condition.dtype != bool:
        raise TypeError(f"where: expected a boolean condition, got dtype {condition.dtype}")
    return Where(condition)(_operand("where", input), _operand("where", other))


def cast(input, dtype):
    """The same values in another dtype, differentiable between floating dtypes."""
    return input if input.dtype == np.dtype(dtype) else Cast(dtype)(input)


def comparison(name: str, compare):
    """A function that compares elementwise and returns a boolean Tensor, which carries no gradient."""
    def function(input, other):
        other = _operand(name, other)
        return constant(compare(input.data, other.data if isinstance(other, Tensor) else other))
    function.__name__ = name
    function.__doc__ = f"Elementwise ``{name}``: a boolean Tensor without a gradient."
    return function


eq = comparison("eq", np.equal)
ne = comparison("ne", np.not_equal)
lt = comparison("lt", np.less)
le = comparison("le", np.less_equal)
gt = comparison("gt", np.greater)
ge = comparison("ge", np.greater_equal)
