"""Initial values of parameters, with PyTorch's names, fans and gains.

Every function writes with :meth:`Parameter.assign` and returns the parameter. Numbers come from the "init" stream and
are drawn on the host in the parameter's dtype, so the same seed gives the same network on every device.
"""

from __future__ import annotations

import math

import numpy as np

from tinygan import random
from tinygan.tensor import Parameter

GAINS = {"linear": 1.0, "conv1d": 1.0, "conv2d": 1.0, "conv3d": 1.0, "conv_transpose1d": 1.0,
         "conv_transpose2d": 1.0, "conv_transpose3d": 1.0, "sigmoid": 1.0, "tanh": 5.0 / 3.0,
         "relu": math.sqrt(2.0), "selu": 0.75}


def calculate_gain(nonlinearity: str, param=None) -> float:
    """The factor that keeps the variance through a nonlinearity; ``param`` is leaky_relu's slope (default 0.01)."""
    if nonlinearity == "leaky_relu":
        return math.sqrt(2.0 / (1.0 + (0.01 if param is None else param) ** 2))
    if nonlinearity not in GAINS:
        raise ValueError(f"calculate_gain: expected one of {sorted([*GAINS, 'leaky_relu'])}, got {nonlinearity!r}")
    return GAINS[nonlinearity]


def fans(shape) -> tuple:
    """(fan_in, fan_out) of a weight (out, in, *kernel): its second and first size, times the kernel's positions."""
    if len(shape) < 2:
        raise ValueError(f"init: expected a weight with at least 2 dimensions for its fans, got shape {shape}")
    positions = math.prod(shape[2:])
    return shape[1] * positions, shape[0] * positions


def _write(name, parameter, values):
    if not isinstance(parameter, Parameter):
        raise TypeError(f"init.{name}: expected a Parameter, got {type(parameter).__name__}; initialise a weight "
                        "before its reparametrisation (spectral_norm), or initialise weight_orig")
    parameter.assign(values(parameter) if callable(values) else values, f"init.{name}")
    return parameter


def _uniform(name, parameter, low, high):
    return _write(name, parameter, lambda p: random.uniform(p.shape, low, high, stream="init", dtype=p.dtype))


def _normal(name, parameter, mean, std):
    return _write(name, parameter, lambda p: random.normal(p.shape, stream="init", dtype=p.dtype)
                  * p.dtype.type(std) + p.dtype.type(mean))


def uniform_(parameter, a: float = 0.0, b: float = 1.0):
    """Uniform on [a, b)."""
    return _uniform("uniform_", parameter, a, b)


def normal_(parameter, mean: float = 0.0, std: float = 1.0):
    """Normal with this mean and standard deviation."""
    return _normal("normal_", parameter, mean, std)


def constant_(parameter, val: float):
    """The same value everywhere."""
    return _write("constant_", parameter, val)


def zeros_(parameter):
    """Zeros."""
    return _write("zeros_", parameter, 0.0)


def ones_(parameter):
    """Ones."""
    return _write("ones_", parameter, 1.0)


def xavier_uniform_(parameter, gain: float = 1.0):
    """Uniform on (-a, a) with a = gain sqrt(6 / (fan_in + fan_out)) (Glorot & Bengio 2010, eq. 16)."""
    bound = gain * math.sqrt(6.0 / sum(fans(parameter.shape)))
    return _uniform("xavier_uniform_", parameter, -bound, bound)


def xavier_normal_(parameter, gain: float = 1.0):
    """Normal with standard deviation gain sqrt(2 / (fan_in + fan_out)) (Glorot & Bengio 2010)."""
    return _normal("xavier_normal_", parameter, 0.0, gain * math.sqrt(2.0 / sum(fans(parameter.shape))))


def _kaiming_std(parameter, a, mode, nonlinearity):
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"init.kaiming: expected mode 'fan_in' or 'fan_out', got {mode!r}")
    return calculate_gain(nonlinearity, a) / math.sqrt(fans(parameter.shape)[mode == "fan_out"])


def kaiming_uniform_(parameter, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu"):
    """Uniform on (-b, b) with b = gain sqrt(3 / fan) (He et al. 2015, arXiv:1502.01852); a: the leaky slope."""
    bound = math.sqrt(3.0) * _kaiming_std(parameter, a, mode, nonlinearity)
    return _uniform("kaiming_uniform_", parameter, -bound, bound)


def kaiming_normal_(parameter, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu"):
    """Normal with standard deviation gain / sqrt(fan) (He et al. 2015, arXiv:1502.01852); a: the leaky slope."""
    return _normal("kaiming_normal_", parameter, 0.0, _kaiming_std(parameter, a, mode, nonlinearity))


def orthogonal_(parameter, gain: float = 1.0):
    """(rows, the rest) with orthonormal rows or columns, uniformly distributed (Saxe et al. 2013, arXiv:1312.6120).

    Raises ValueError for fewer than 2 dimensions.
    """
    if parameter.ndim < 2:
        raise ValueError(f"init.orthogonal_: expected at least 2 dimensions, got shape {parameter.shape}")

    def draw(p):
        rows, columns = p.shape[0], p.size // p.shape[0]
        flat = random.normal((max(rows, columns), min(rows, columns)), stream="init", dtype=np.float64)
        q, r = np.linalg.qr(flat)
        # QR leaves the signs of r's diagonal open; fixing them makes the distribution uniform
        q = q * np.where(np.diagonal(r) < 0, -1.0, 1.0)
        return ((q.T if rows < columns else q) * gain).reshape(p.shape).astype(p.dtype)

    return _write("orthogonal_", parameter, draw)


def reset_linear(weight, bias) -> None:
    """PyTorch's default for linear and convolution layers: both uniform within 1 / sqrt(fan_in)."""
    kaiming_uniform_(weight, a=math.sqrt(5.0))
    if bias is not None:
        bound = 1.0 / math.sqrt(fans(weight.shape)[0])
        uniform_(bias, -bound, bound)
