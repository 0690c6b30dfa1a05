"""Symbols one after the other: a distribution as a product of conditional ones."""

from __future__ import annotations

import numpy as np

from tinygan import nn
from tinygan.functional import linear
from tinygan.tensor import Tensor


class AutoregressiveTable(nn.Module):
    """p(k) = prod_i p(k_i | k_1, ..., k_{i-1}) of D symbols with K values each: one masked linear layer on one-hots.

    The mask lets the logits of symbol i see the symbols before it only; with D = 2 this is any joint table. All
    weights start at 0: the uniform distribution. Source: the mask is that of Germain et al. 2015, arXiv:1502.03509.
    """

    def __init__(self, symbols: int, values: int):
        super().__init__()
        self.symbols, self.values = symbols, values
        self.linear = nn.Linear(symbols * values, symbols * values)
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)
        before = np.tril(np.ones((symbols, symbols)), -1)
        self.register_buffer("mask", Tensor(np.kron(before, np.ones((values, values))).astype(np.float32)))

    def forward(self, one_hot):
        """Logits (N, D, K) of one-hots (N, D, K)."""
        flat = one_hot.reshape((one_hot.shape[0], -1))
        return linear(flat, self.linear.weight * self.mask, self.linear.bias).reshape(one_hot.shape)

    def log_prob(self, one_hot):
        """log p, in nats, of one-hots (N, D, K): (N,)."""
        return (self(one_hot).log_softmax(2) * one_hot).sum((1, 2))


__all__ = ["AutoregressiveTable"]
