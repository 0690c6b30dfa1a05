"""Which normalisation follows a layer, by name: the ``g_norm`` and ``d_norm`` settings of all networks.

Features are normalised by "batch", "layer" or "instance", weights by "spectral"; "batch+spectral" is both, as in the
generators of SAGAN and BigGAN.
"""

from __future__ import annotations

from tinygan import nn

FEATURE_NORMS = (None, "batch", "layer", "instance")
NORMS = (*FEATURE_NORMS, "spectral", *(f"{norm}+spectral" for norm in FEATURE_NORMS[1:]))


def parts(name):
    """(norm of features or None, whether weights are normalised) of one of ``NORMS`` ("none" is None).

    Raises ValueError for any other name.
    """
    name = None if name == "none" else name
    if name not in NORMS:
        raise ValueError(f"norm: expected one of {', '.join(map(str, NORMS))}, got {name!r}")
    features = (name or "").removesuffix("spectral").removesuffix("+")
    return features or None, features != (name or "")


def norm_layers(name, channels: int, dims: int) -> list:
    """The layers, none or one, that normalise (N, channels) for ``dims`` 0 and (N, channels, H, W) for ``dims`` 2.

    "layer" is layer norm with one scale and shift per channel, as WGAN-GP's authors use it. "spectral" normalises
    weights instead: see :func:`normalize_weights`. Raises ValueError for instance norm of features without positions.
    """
    name, _ = parts(name)
    if name == "batch":
        return [nn.BatchNorm2d(channels) if dims else nn.BatchNorm1d(channels)]
    if name == "layer":
        return [nn.GroupNorm(1, channels) if dims else nn.LayerNorm(channels)]
    if name == "instance" and not dims:
        raise ValueError("norm: expected one for features without positions, got 'instance'; use 'layer'")
    return [nn.InstanceNorm2d(channels, affine=True)] if name == "instance" else []


def has_shift(name) -> bool:
    """Whether the normalisation brings a shift of its own, so that the layer before it needs no bias."""
    return parts(name)[0] is not None


def normalize_weights(name, network: nn.Module) -> None:
    """Spectral norm on every linear and convolution layer of an initialised network when ``name`` says so.

    Raises ValueError for a name that is no norm's, also where no layer of the network would have asked for it.
    """
    if parts(name)[1]:
        for module in list(network.modules()):
            if isinstance(module, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)):
                nn.spectral_norm(module)


__all__ = ["NORMS", "has_shift", "norm_layers", "normalize_weights"]
