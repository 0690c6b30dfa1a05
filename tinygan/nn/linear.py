"""The fully connected layer."""

from __future__ import annotations

import numpy as np

from tinygan import functional as F
from tinygan.nn.check import check_positive, check_tensor
from tinygan.nn.init import reset_linear
from tinygan.nn.module import Module
from tinygan.tensor import Parameter


class Linear(Module):
    """y = x W^T + b for x (*, in_features), W (out_features, in_features), b (out_features,)."""

    def __init__(self, in_features: int, out_features: int, bias: bool = True):
        super().__init__()
        check_positive(self, in_features=in_features, out_features=out_features)
        self.in_features, self.out_features = in_features, out_features
        self.weight = Parameter(np.empty((out_features, in_features), np.float32))
        self.register_parameter("bias", Parameter(np.empty(out_features, np.float32)) if bias else None)
        reset_linear(self.weight, self.bias)

    def forward(self, input):
        check_tensor(self, input)
        if input.shape[-1:] != (self.in_features,):
            raise ValueError(f"Linear: expected input (*, {self.in_features}), got {input.shape}")
        return F.linear(input, self.weight, self.bias)

    def extra_repr(self):
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"
