"""Virtual batch normalisation: batch norm by a fixed reference batch, so that samples do not depend on each other."""

from __future__ import annotations

import math

import numpy as np

from tinygan import functional as F
from tinygan.nn.check import check_positive, check_tensor
from tinygan.nn.module import Module
from tinygan.tensor import Parameter, Tensor


class VirtualBatchNorm(Module):
    """weight (x - m) / sqrt(v + eps) + bias for (R + N, C, *S), whose first R = ``reference_size`` rows are fixed.

    These rows, the reference, are normalised by their own mean m_r and variance v_r per channel. Every other sample is
    normalised by the statistics of the reference and itself, R + 1 samples: m = (R m_r + m_i) / (R + 1) and
    v = (R (v_r + (m_r - m)^2) + v_i + (m_i - m)^2) / (R + 1), m_i and v_i being those of its own positions. So no
    sample depends on another one. :class:`VirtualBatch` puts the reference in front of a network's input. Raises
    ValueError for other shapes, or a reference of one value per channel.
    Source: Salimans et al. 2016, arXiv:1606.03498, section 3.4.
    """

    def __init__(self, num_features: int, reference_size: int, eps: float = 1e-5):
        super().__init__()
        check_positive(self, num_features=num_features, reference_size=reference_size)
        self.num_features, self.reference_size, self.eps = num_features, reference_size, eps
        self.weight = Parameter(np.ones(num_features, np.float32))
        self.bias = Parameter(np.zeros(num_features, np.float32))

    def forward(self, input):
        check_tensor(self, input)
        size = self.reference_size
        if input.ndim < 2 or input.shape[1] != self.num_features or input.shape[0] < size or \
                size * math.prod(input.shape[2:]) < 2:
            raise ValueError(f"VirtualBatchNorm: expected input ({size} + N, {self.num_features}, *) with several "
                             f"reference values per channel, got {input.shape}")
        reference, rest = input[:size], input[size:]
        spatial = tuple(range(2, input.ndim))
        mean = F.mean(reference, (0, *spatial), keepdim=True)
        variance = F.mean(F.square(reference - mean), (0, *spatial), keepdim=True)
        parts = [(reference - mean) * F.rsqrt(variance + self.eps)]
        if rest.shape[0]:
            own = F.mean(rest, spatial, keepdim=True) if spatial else rest
            m = (mean * size + own) / (size + 1)
            v = (variance + F.square(mean - m)) * size + F.square(own - m)
            v = v + F.mean(F.square(rest - own), spatial, keepdim=True) if spatial else v
            parts.append((rest - m) * F.rsqrt(v / (size + 1) + self.eps))
        shape = (1, self.num_features) + (1,) * len(spatial)
        return F.cat(parts, 0) * F.reshape(self.weight, shape) + F.reshape(self.bias, shape)

    def extra_repr(self):
        return f"{self.num_features}, reference_size={self.reference_size}, eps={self.eps}"


class VirtualBatch(Module):
    """``network`` with VirtualBatchNorm layers, run on the fixed ``reference`` (R, *) and the input (N, *) together.

    The reference passes through the network with every batch, as its statistics in deeper layers follow the weights;
    its outputs are dropped: (N, *) -> (N, *). It is chosen once, before training, and is a buffer. Raises ValueError
    when a layer expects another reference size.
    Source: Salimans et al. 2016, arXiv:1606.03498, section 3.4 ("computationally expensive": two batches).
    """

    def __init__(self, network: Module, reference):
        super().__init__()
        self.network = network
        self.register_buffer("reference", reference.detach() if isinstance(reference, Tensor) else Tensor(reference))
        for name, layer in network.named_modules():
            if isinstance(layer, VirtualBatchNorm) and layer.reference_size != len(reference):
                raise ValueError(f"VirtualBatch: expected a reference of {layer.reference_size} samples for "
                                 f"{name or 'the network'}, got {len(reference)}")

    def forward(self, input):
        check_tensor(self, input)
        if input.shape[1:] != self.reference.shape[1:]:
            raise ValueError(f"VirtualBatch: expected input (N, {', '.join(map(str, self.reference.shape[1:]))}), got "
                             f"{input.shape}")
        return self.network(F.cat([self.reference, input], 0))[self.reference.shape[0]:]


__all__ = ["VirtualBatch", "VirtualBatchNorm"]
