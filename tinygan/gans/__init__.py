"""GANs: one short file per paper whose step differs, one row per paper that is a combination.

    gan = gans.make("wgan-gp", shape=(1, 28, 28), lr=2e-4)      # networks, settings and players, ready for a Trainer
    gans.RECIPES                                                # the table of all of them

A paper that is a combination is a row in one of the recipes_*.py files:

    recipe("my-gan", paper="Me 2025", arxiv="2501.00001", loss="hinge", penalty="r1(1)", d_norm="spectral")

A paper with a step of its own is a file: a subclass of GAN that overrides what differs (`d_loss`, `g_loss`, `players`,
`after_update`, `stages`, `make_networks`, ...), adds its settings to `defaults`, and has its row at the end. Nothing
lists the files: they are imported as they are found, and the classes in them can be had from here by name.
"""

import importlib
import pkgutil

from tinygan.gans.base import GAN, Objective, Player, SettingError, Stage, from_text
from tinygan.gans.registry import RECIPES, Recipe, find, make, recipe

__all__ = ["GAN", "Objective", "Player", "RECIPES", "Recipe", "SettingError", "Stage", "find", "from_text", "make",
           "recipe"]

for _found in pkgutil.iter_modules(__path__):
    _module = importlib.import_module(f"{__name__}.{_found.name}")
    for _name, _value in vars(_module).items():
        if isinstance(_value, type) and issubclass(_value, GAN) and _value.__module__ == _module.__name__:
            globals()[_name] = _value
            __all__.append(_name)
