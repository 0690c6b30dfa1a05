"""The restricted Boltzmann machine: a density that is known up to a constant, which only enumeration gives."""

from __future__ import annotations

import numpy as np

from tinygan import nn, random
from tinygan.autograd import no_grad
from tinygan.backend import device_of
from tinygan.functional import linear, softplus
from tinygan.tensor import Parameter, Tensor


def all_states(bits: int) -> np.ndarray:
    """All 2^bits vectors of zeros and ones, float32 (2^bits, bits)."""
    return ((np.arange(2 ** bits)[:, None] >> np.arange(bits)) & 1).astype(np.float32)


class RBM(nn.Module):
    """p(v, h) = exp(b . v + c . h + v . W h) / Z over zeros and ones v (V,), h (H,).

    Given the one, the other's bits are independent. Summed over h, p(v) = exp(-F(v)) / Z with the free energy F.
    Source: Hinton 2002, "Training products of experts by minimizing contrastive divergence".
    """

    def __init__(self, visible: int, hidden: int):
        super().__init__()
        self.weight = Parameter(np.empty((hidden, visible), np.float32))
        self.visible_bias = Parameter(np.zeros(visible, np.float32))
        self.hidden_bias = Parameter(np.zeros(hidden, np.float32))
        nn.init.normal_(self.weight, 0.0, 0.1)

    def free_energy(self, v):
        """F(v) = -b . v - sum_j log(1 + exp(c_j + W_j . v)) of states v (N, V): (N,)."""
        return -(v * self.visible_bias).sum(1) - softplus(linear(v, self.weight, self.hidden_bias)).sum(1)

    def gibbs(self, v, stream: str = "noise"):
        """One step of Gibbs sampling, v (N, V) -> h -> v (N, V), without a graph."""
        with no_grad():
            h = _draw(linear(v, self.weight, self.hidden_bias).sigmoid(), stream)
            return _draw(linear(h, self.weight.T, self.visible_bias).sigmoid(), stream)

    def contrastive_divergence(self, v, steps: int = 1):
        """CD-k: mean F(v) - mean F(v_k), v_k after k Gibbs steps from v, held fixed: a scalar to minimise.

        Its gradient in W is -(<v h>_data - <v h>_k), h the conditional means.
        """
        sampled = v
        for _ in range(steps):
            sampled = self.gibbs(sampled)
        return self.free_energy(v).mean() - self.free_energy(sampled).mean()

    def log_partition(self, over: str = "visible") -> float:
        """log Z, in float64, by summing over all 2^V visible (or, the same number, all 2^H "hidden") states."""
        w, b, c = (p.numpy().astype(np.float64) for p in (self.weight, self.visible_bias, self.hidden_bias))
        if over == "hidden":
            w, b, c = w.T, c, b
        states = all_states(len(b)).astype(np.float64)
        energies = states @ b + np.logaddexp(0, states @ w.T + c).sum(1)
        return float(np.logaddexp.reduce(energies))


def _draw(probabilities, stream):
    p = probabilities.data
    return Tensor((random.uniform(p.shape, stream=stream, dtype=p.dtype, device=device_of(p)) < p).astype(p.dtype))


__all__ = ["RBM", "all_states"]
