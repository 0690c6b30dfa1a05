"""Layers that let a discriminator see how much the samples of a batch differ."""

from __future__ import annotations

import math

import numpy as np

from tinygan import functional as F
from tinygan.nn.check import check_positive, check_tensor
from tinygan.nn.init import normal_
from tinygan.nn.module import Module
from tinygan.tensor import Parameter


class MinibatchDiscrimination(Module):
    """(N, in_features) with ``out_features`` closenesses to the batch behind it: (N, in_features + out_features).

    M_i = x_i T for T (in_features, out_features, kernel_dims); o_b(x_i) = sum_j exp(-|M_ib - M_jb|_1) over all samples
    j of the batch, i itself included, as in the paper's formula (the authors' code leaves i out); the output is
    [x_i, o(x_i)]. Batches should be all real or all generated. Entries of T start as N(0, 1 / in_features), so that
    unit features have distances of order kernel_dims. Raises ValueError for other shapes.
    Source: Salimans et al. 2016, arXiv:1606.03498, section 3.2.
    """

    def __init__(self, in_features: int, out_features: int, kernel_dims: int):
        super().__init__()
        check_positive(self, in_features=in_features, out_features=out_features, kernel_dims=kernel_dims)
        self.in_features, self.out_features, self.kernel_dims = in_features, out_features, kernel_dims
        self.T = normal_(Parameter(np.empty((in_features, out_features, kernel_dims), np.float32)),
                         0.0, 1.0 / math.sqrt(in_features))

    def forward(self, input):
        check_tensor(self, input)
        if input.ndim != 2 or input.shape[1] != self.in_features:
            raise ValueError(f"MinibatchDiscrimination: expected input (N, {self.in_features}), got {input.shape}")
        m = F.matmul(input, F.reshape(self.T, self.in_features, self.out_features * self.kernel_dims))
        m = F.reshape(m, input.shape[0], self.out_features, self.kernel_dims)
        distances = F.sum(F.abs(F.unsqueeze(m, 1) - F.unsqueeze(m, 0)), 3)
        return F.cat([input, F.sum(F.exp(-distances), 1)], 1)

    def extra_repr(self):
        return f"{self.in_features}, {self.out_features}, {self.kernel_dims}"


class MinibatchStdDev(Module):
    """(N, C, *S) with one more channel, the mean standard deviation over the batch: (N, C + 1, *S).

    s = the mean over channels and positions of sqrt(E_n (x_n - E_n x)^2), the same number everywhere. The standard
    deviation of equal values is exactly 0, with subgradient 0 (the authors' code adds 1e-8 under the root). With
    ``group_size`` the batch falls into that many samples each (i, i + N / group_size, ... as in the authors' code), and
    s is that of a sample's group; None is the whole batch, as in the paper. Raises ValueError for a batch that is no
    multiple of group_size. Source: Karras et al. 2017 (ProGAN), arXiv:1710.10196, section 3.
    """

    def __init__(self, group_size: int | None = None):
        super().__init__()
        if group_size is not None:
            check_positive(self, group_size=group_size)
        self.group_size = group_size

    def forward(self, input):
        check_tensor(self, input)
        n = input.shape[0]
        size = n if self.group_size is None else min(self.group_size, n)
        if input.ndim < 2 or size and n % size:
            raise ValueError(f"MinibatchStdDev: expected input (N, C, *) with N a multiple of {self.group_size}, got "
                             f"{input.shape}")
        if n == 0:
            return F.cat([input, input[:, :1]], 1)
        groups = F.reshape(input, size, n // size, input.size // n)
        centred = groups - F.mean(groups, 0, keepdim=True)
        std = F.mean(F.norm(centred, 2, 0), 1) / math.sqrt(size)  # one number for each of the n / size groups
        shape = (n // size,) + (1,) * (input.ndim - 1)
        channel = F.expand(F.reshape(std, 1, *shape), size, n // size, 1, *input.shape[2:])
        return F.cat([input, F.reshape(channel, n, 1, *input.shape[2:])], 1)

    def extra_repr(self):
        return f"group_size={self.group_size}"


__all__ = ["MinibatchDiscrimination", "MinibatchStdDev"]
