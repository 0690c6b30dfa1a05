"""Networks by name: (name, data shape, settings) -> the modules of a GAN, in the order of its roles.

A family of networks is a function ``f(shape, z_dim, **settings)`` that returns the modules, usually (G, D), and a row
of ``NETWORKS``. Its keyword arguments are its settings, with their defaults: recipes and the command line read them.
"""

from __future__ import annotations

import inspect

from tinygan.models.autoencoder import autoencoder
from tinygan.models.dcgan import dcgan
from tinygan.models.mlp import mlp
from tinygan.models.sngan_resnet import sngan_resnet

NETWORKS = {"mlp": mlp, "dcgan": dcgan, "autoencoder": autoencoder, "sngan_resnet": sngan_resnet}


def default_networks(shape) -> str:
    """The family for data of this shape when none is named: "mlp" for points (K,), "dcgan" for images (C, H, W)."""
    return "mlp" if len(shape) == 1 else "dcgan"


def network_settings(name: str) -> dict:
    """The settings of a family of networks and their defaults. Raises ValueError for an unknown name."""
    parameters = inspect.signature(_family(name)).parameters.values()
    return {p.name: p.default for p in parameters if p.default is not p.empty}


def build(name: str, shape, z_dim: int, **settings) -> tuple:
    """The modules of family ``name`` for data of ``shape``, initialised from the stream "init"."""
    return _family(name)(tuple(shape), z_dim, **settings)


def _family(name):
    if name not in NETWORKS:
        raise ValueError(f"networks: expected one of {', '.join(NETWORKS)}, got {name!r}")
    return NETWORKS[name]


__all__ = ["NETWORKS", "build", "default_networks", "network_settings"]
