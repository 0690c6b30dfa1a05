"""Activations and shape changes as modules; ``inplace`` is accepted for PyTorch's signature: nothing is overwritten."""

from __future__ import annotations

import math

from tinygan import functional as F
from tinygan.nn.check import check_tensor
from tinygan.nn.module import Module


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
