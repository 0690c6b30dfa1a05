"""Activations and shape changes as modules; ``inplace`` is accepted for PyTorch's signature: nothing is overwritten."""

from __future__ import annotations

import math

import numpy as np

from tinygan import functional as F
from tinygan.nn.check import check_positive, check_tensor
from tinygan.nn.module import Module
from tinygan.tensor import Parameter


class ReLU(Module):
    """max(x, 0)."""

    def __init__(self, inplace: bool = False):
        super().__init__()

    def forward(self, input):
        check_tensor(self, input)
        return F.relu(input)


class LeakyReLU(Module):
    """x for x > 0, else negative_slope x. Raises ValueError for a negative slope."""

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False):
        super().__init__()
        if negative_slope < 0:
            raise ValueError(f"LeakyReLU: expected negative_slope >= 0, got {negative_slope}")
        self.negative_slope = negative_slope

    def forward(self, input):
        check_tensor(self, input)
        return F.leaky_relu(input, self.negative_slope)

    def extra_repr(self):
        return f"negative_slope={self.negative_slope}"


class ELU(Module):
    """x for x > 0, else alpha (e^x - 1) (Clevert et al. 2015, arXiv:1511.07289)."""

    def __init__(self, alpha: float = 1.0, inplace: bool = False):
        super().__init__()
        self.alpha = alpha

    def forward(self, input):
        check_tensor(self, input)
        return F.elu(input, self.alpha)

    def extra_repr(self):
        return f"alpha={self.alpha}"


class Sigmoid(Module):
    """1 / (1 + e^-x)."""

    def forward(self, input):
        check_tensor(self, input)
        return F.sigmoid(input)


class Tanh(Module):
    """tanh x."""

    def forward(self, input):
        check_tensor(self, input)
        return F.tanh(input)


class Softplus(Module):
    """log(1 + e^(beta x)) / beta. PyTorch's switch to x above a threshold is not needed: nothing overflows here."""

    def __init__(self, beta: float = 1.0):
        super().__init__()
        if not beta > 0:
            raise ValueError(f"Softplus: expected beta > 0, got {beta}")
        self.beta = beta

    def forward(self, input):
        check_tensor(self, input)
        return F.softplus(input) if self.beta == 1 else F.softplus(input * self.beta) / self.beta

    def extra_repr(self):
        return f"beta={self.beta}"


class LogSigmoid(Module):
    """log sigmoid(x)."""

    def forward(self, input):
        check_tensor(self, input)
        return F.logsigmoid(input)


class Softmax(Module):
    """e^x / sum e^x over ``dim``."""

    def __init__(self, dim: int):
        super().__init__()
        self.dim = dim

    def forward(self, input):
        check_tensor(self, input)
        return F.softmax(input, self.dim)

    def extra_repr(self):
        return f"dim={self.dim}"


class LogSoftmax(Module):
    """log(e^x / sum e^x) over ``dim``."""

    def __init__(self, dim: int):
        super().__init__()
        self.dim = dim

    def forward(self, input):
        check_tensor(self, input)
        return F.log_softmax(input, self.dim)

    def extra_repr(self):
        return f"dim={self.dim}"


class GELU(Module):
    """x Phi(x) (Hendrycks & Gimpel 2016, arXiv:1606.08415, section 2); ``approximate`` "tanh": its approximation."""

    def __init__(self, approximate: str = "none"):
        super().__init__()
        self.approximate = approximate

    def forward(self, input):
        check_tensor(self, input)
        return F.gelu(input, self.approximate)

    def extra_repr(self):
        return f"approximate={self.approximate!r}"


class SiLU(Module):
    """x sigmoid(x), also called swish (Elfwing et al. 2017, arXiv:1702.03118)."""

    def __init__(self, inplace: bool = False):
        super().__init__()

    def forward(self, input):
        check_tensor(self, input)
        return F.silu(input)


class SELU(Module):
    """scale times x for x > 0, else times alpha (e^x - 1) (Klambauer et al. 2017, arXiv:1706.02515, eq. 2)."""

    def __init__(self, inplace: bool = False):
        super().__init__()

    def forward(self, input):
        check_tensor(self, input)
        return F.selu(input)


class Hardtanh(Module):
    """x kept between ``min_val`` and ``max_val``."""

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False):
        super().__init__()
        if not min_val < max_val:
            raise ValueError(f"Hardtanh: expected min_val < max_val, got {min_val} and {max_val}")
        self.min_val, self.max_val = min_val, max_val

    def forward(self, input):
        check_tensor(self, input)
        return F.hardtanh(input, self.min_val, self.max_val)

    def extra_repr(self):
        return f"min_val={self.min_val}, max_val={self.max_val}"


class PReLU(Module):
    """x for x > 0, else a x with a learnt slope ``weight``, one or one per channel (He et al. 2015, arXiv:1502.01852).
    """

    def __init__(self, num_parameters: int = 1, init: float = 0.25):
        super().__init__()
        check_positive(self, num_parameters=num_parameters)
        self.num_parameters = num_parameters
        self.weight = Parameter(np.full(num_parameters, init, np.float32))

    def forward(self, input):
        check_tensor(self, input)
        return F.prelu(input, self.weight)

    def extra_repr(self):
        return f"num_parameters={self.num_parameters}"


class Identity(Module):
    """x."""

    def forward(self, input):
        return input


class Flatten(Module):
    """Dimensions start_dim ... end_dim merged into one: (N, C, H, W) -> (N, C H W)."""

    def __init__(self, start_dim: int = 1, end_dim: int = -1):
        super().__init__()
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, input):
        check_tensor(self, input)
        return F.flatten(input, self.start_dim, self.end_dim)

    def extra_repr(self):
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """Dimension ``dim`` split into ``unflattened_size`` (one size may be -1): (N, C H W) -> (N, C, H, W)."""

    def __init__(self, dim: int, unflattened_size):
        super().__init__()
        self.dim, self.unflattened_size = dim, tuple(unflattened_size)

    def forward(self, input):
        check_tensor(self, input)
        size = self.unflattened_size
        if not -input.ndim <= self.dim < input.ndim:
            raise ValueError(f"Unflatten: expected input with dimension {self.dim}, got {input.shape}")
        axis = self.dim % input.ndim
        fits = math.prod(size) == input.shape[axis] if -1 not in size else \
            input.shape[axis] % max(-math.prod(size), 1) == 0
        if not fits:
            raise ValueError(f"Unflatten: expected {size} in dimension {self.dim}, got {input.shape}")
        if -1 in size:  # settled here, so that an empty batch is no problem
            size = tuple([input.shape[axis] // -math.prod(size) if v == -1 else v for v in size])
        return F.reshape(input, input.shape[:axis] + size + input.shape[axis + 1:])

    def extra_repr(self):
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"


__all__ = ["ELU", "Flatten", "GELU", "Hardtanh", "Identity", "LeakyReLU", "LogSigmoid", "LogSoftmax", "PReLU", "ReLU",
           "SELU", "SiLU", "Sigmoid", "Softmax", "Softplus", "Tanh", "Unflatten"]
