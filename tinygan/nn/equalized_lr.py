"""Equalised learning rate: weights of unit variance, scaled at run time."""

from __future__ import annotations

import math

from tinygan.nn.conv import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from tinygan.nn.init import normal_, zeros_
from tinygan.tensor import Parameter


class EqualizedLR:
    """w = scale w_orig with a constant scale."""

    def __init__(self, name: str, scale: float):
        self.name, self.scale = name, scale

    def update(self, module):
        """Nothing changes from one forward pass to the next."""

    def compute(self, module):
        """The scaled weight, differentiable in weight_orig."""
        return getattr(module, self.name + "_orig") * self.scale


def equalized_lr(module, name: str = "weight", gain: float = math.sqrt(2.0)):
    """Draw a weight from N(0, 1) and scale it at run time by gain / sqrt(fan_in) (Karras et al. 2017, section 4.1).

    Source: ProGAN, arXiv:1710.10196. The scale is that of He's initialisation (gain sqrt(2) for (leaky) ReLU, 1 for a
    linear layer), but applied in every forward pass: Adam's steps, which do not depend on the scale of a gradient,
    are then of one relative size in all layers. fan_in is the number of inputs of one output: the weight's size
    over the output channels, also for transposed convolutions. Returns the module, whose ``weight`` is now computed
    from the parameter ``weight_orig``; a bias is set to zero (appendix A.1). Raises ValueError when there is no such
    parameter, or it is computed already.
    """
    if name in module._reparametrizations:
        raise ValueError(f"equalized_lr: expected a plain parameter {name!r}, got one that is computed already in "
                         f"{module!r}")
    weight = module._parameters.get(name)
    if not isinstance(weight, Parameter) or weight.ndim < 2:
        raise ValueError(f"equalized_lr: expected a parameter {name!r} with at least 2 dimensions, got "
                         f"{None if weight is None else weight.shape} in {module!r}")
    transposed = isinstance(module, (ConvTranspose1d, ConvTranspose2d, ConvTranspose3d))
    outputs = module.out_channels if transposed else weight.shape[0]
    delattr(module, name)
    module.register_reparametrization(name, EqualizedLR(name, gain / math.sqrt(weight.size / outputs)))
    module.register_parameter(name + "_orig", weight)
    weight.name = f"{type(module).__name__}.{name}_orig"
    normal_(weight)
    if module._parameters.get("bias") is not None:
        zeros_(module.bias)
    return module
