"""Weight normalisation: the length and the direction of a weight as separate parameters."""

from __future__ import annotations

from tinygan import functional as F
from tinygan.autograd import no_grad
from tinygan.tensor import Parameter


class WeightNorm:
    """w = g v / |v|, with the Euclidean norm of every slice along ``dim`` (None: of the whole weight)."""

    def __init__(self, name: str, dim):
        self.name, self.dim = name, dim

    def norm(self, v):
        """|v| in the shape of g."""
        if self.dim is None:
            return F.norm(v)
        return F.norm(v, 2, tuple(d for d in range(v.ndim) if d != self.dim), keepdim=True) if v.ndim > 1 else v.abs()

    def update(self, module):
        """Nothing changes from one forward pass to the next."""

    def compute(self, module):
        """The weight, differentiable in g and v."""
        g, v = getattr(module, self.name + "_g"), getattr(module, self.name + "_v")
        return v * (g / self.norm(v))


def weight_norm(module, name: str = "weight", dim: int | None = 0):
    """Compute a module's weight as w = g v / |v| (Salimans & Kingma 2016, arXiv:1602.07868, eq. 2).

    Returns the module, whose ``weight`` is now computed from the parameters ``weight_g`` (size 1 in all dimensions but
    ``dim``; without dimensions for ``dim`` None) and ``weight_v`` (the keys of torch.nn.utils.weight_norm, as is the
    arithmetic); its value stays what it was. Raises ValueError when there is no such parameter, it is computed
    already, or it has no such dimension.
    """
    if name in module._reparametrizations:
        raise ValueError(f"weight_norm: expected a plain parameter {name!r}, got one that is computed already in "
                         f"{module!r}")
    weight = module._parameters.get(name)
    if not isinstance(weight, Parameter):
        raise ValueError(f"weight_norm: expected a parameter {name!r}, got {weight} in {module!r}")
    if dim is not None and not -weight.ndim <= dim < weight.ndim:
        raise ValueError(f"weight_norm: expected dim within {weight.ndim} dimensions, or None, got {dim}")
    norm = WeightNorm(name, None if dim is None else dim % weight.ndim)
    with no_grad():
        length = Parameter(norm.norm(weight).data.copy())
    delattr(module, name)
    module.register_reparametrization(name, norm)
    module.register_parameter(name + "_g", length)
    module.register_parameter(name + "_v", weight)
    weight.name = f"{type(module).__name__}.{name}_v"
    return module


def remove_weight_norm(module, name: str = "weight"):
    """Turn the normalised weight into a plain parameter with its present value, and return the module."""
    norm = module._reparametrizations.get(name)
    if not isinstance(norm, WeightNorm):
        raise ValueError(f"remove_weight_norm: expected a weight {name!r} under weight_norm, got {module!r}")
    with no_grad():
        weight = Parameter(norm.compute(module).data)
    for key in (name, name + "_g", name + "_v"):
        delattr(module, key)
    module.register_parameter(name, weight)
    return module
