"""Spectral normalisation of a weight, by power iteration."""

from __future__ import annotations

from tinygan import functional as F
from tinygan import random
from tinygan.autograd import no_grad
from tinygan.backend import array_module, to_device
from tinygan.kernels import kernels_for
from tinygan.nn.conv import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from tinygan.tensor import Parameter, Tensor


class SpectralNorm:
    """W = W_orig / sigma with sigma = u^T M v, where M is W_orig as a matrix with dimension ``dim`` in front.

    u and v are constants of the backward pass, so dW_orig = (dW - <dW, W> u v^T) / sigma (as matrices; Miyato et al.
    2018, arXiv:1802.05957, eq. 12). They improve by ``n_power_iterations`` at every forward pass in training:
    v = M^T u / |M^T u|, u = M v / |M v|.
    """

    def __init__(self, name: str, n_power_iterations: int, eps: float, dim: int):
        self.name, self.n_power_iterations, self.eps, self.dim = name, n_power_iterations, eps, dim

    def matrix(self, weight):
        """The weight as (size of ``dim``, everything else)."""
        if self.dim != 0:
            weight = F.permute(weight, self.dim, *[d for d in range(weight.ndim) if d != self.dim])
        return F.reshape(weight, weight.shape[0], weight.size // weight.shape[0])

    def update(self, module):
        """The power iteration, on arrays: nothing is recorded. u and v are rebound, so older graphs keep theirs."""
        with no_grad():
            m = self.matrix(getattr(module, self.name + "_orig")).data
        u = getattr(module, self.name + "_u").data
        matmul = kernels_for(m).matmul  # the same bits for any number of threads
        for _ in range(self.n_power_iterations):
            v = unit(matmul(m.T, u[:, None])[:, 0], self.eps)
            u = unit(matmul(m, v[:, None])[:, 0], self.eps)
        setattr(module, self.name + "_u", Tensor(u))
        setattr(module, self.name + "_v", Tensor(v))

    def compute(self, module):
        """The normalised weight, differentiable in weight_orig."""
        weight = getattr(module, self.name + "_orig")
        u, v = getattr(module, self.name + "_u"), getattr(module, self.name + "_v")
        sigma = F.sum(u * F.matmul(self.matrix(weight), v))
        return weight / sigma


def unit(x, eps: float):
    """The vector x divided by its Euclidean length (by eps when that is smaller)."""
    xp = array_module(x)
    return x / xp.maximum(xp.sqrt((x * x).sum()), x.dtype.type(eps))


def spectral_norm(module, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12,
                  dim: int | None = None):
    """Divide a module's weight by an estimate of its largest singular value (Miyato et al. 2018, arXiv:1802.05957).

    Returns the module, whose ``weight`` is now computed from the parameter ``weight_orig`` and the buffers
    ``weight_u``, ``weight_v`` (the keys of torch.nn.utils.spectral_norm, as is the arithmetic). The weight is a matrix
    with ``dim`` in front: 1 for transposed convolutions, else 0. For a convolution that is the reshaped kernel, not the
    operator: the layer's Lipschitz constant may exceed 1, by at most the root of the kernel's positions. u and v start
    as random unit vectors, and one iteration underestimates sigma until they have converged. In evaluation mode a
    forward pass changes nothing. Raises ValueError when there is no such parameter, or it is normalised already.
    """
    if name in module._reparametrizations:
        raise ValueError(f"spectral_norm: expected a plain parameter {name!r}, got one that is computed already in "
                         f"{module!r}")
    weight = module._parameters.get(name)
    if not isinstance(weight, Parameter) or weight.ndim < 2:
        raise ValueError(f"spectral_norm: expected a parameter {name!r} with at least 2 dimensions, got "
                         f"{None if weight is None else weight.shape} in {module!r}")
    if n_power_iterations < 1:
        raise ValueError(f"spectral_norm: expected n_power_iterations >= 1, got {n_power_iterations}")
    if dim is None:
        dim = 1 if isinstance(module, (ConvTranspose1d, ConvTranspose2d, ConvTranspose3d)) else 0
    norm = SpectralNorm(name, n_power_iterations, eps, dim)
    rows = weight.shape[dim]
    delattr(module, name)
    module.register_reparametrization(name, norm)
    module.register_parameter(name + "_orig", weight)
    weight.name = f"{type(module).__name__}.{name}_orig"
    for suffix, size in (("_u", rows), ("_v", weight.size // rows)):
        draw = random.normal((size,), stream="init", dtype=weight.dtype)
        module.register_buffer(name + suffix, Tensor(to_device(unit(draw, eps), weight.device)))
    return module


def remove_spectral_norm(module, name: str = "weight"):
    """Turn the normalised weight into a plain parameter with its present value, and return the module."""
    norm = module._reparametrizations.get(name)
    if not isinstance(norm, SpectralNorm):
        raise ValueError(f"remove_spectral_norm: expected a weight {name!r} under spectral_norm, got {module!r}")
    with no_grad():
        weight = Parameter(norm.compute(module).data)
    for key in (name, name + "_orig", name + "_u", name + "_v"):
        delattr(module, key)
    module.register_parameter(name, weight)
    return module
