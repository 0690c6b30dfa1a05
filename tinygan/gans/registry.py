"""The registry: every GAN that can be trained by name, as rows of data.

A variant that is only a combination is one row, no file. A variant with a step of its own is a file with a subclass of
GAN and its row at the end. Files are found by looking into this folder: nothing lists them, so deleting one breaks no
other.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field

from tinygan.gans.base import GAN, SettingError
from tinygan.gans.base.settings import network_keys, resolve

RECIPES = {}


@dataclass(frozen=True)
class Recipe:
    """One row: a class, the settings in which it differs from the class's defaults, and where it comes from."""

    name: str
    gan: type
    paper: str
    arxiv: str
    data: str
    settings: dict = field(default_factory=dict)

    def build(self, shape, device="cpu", **settings) -> GAN:
        """The GAN for data of ``shape`` with these settings in place of the recipe's. Raises SettingError."""
        return self.gan.build(shape, name=self.name, row=self.settings, device=device, **settings)

    def resolved(self, shape, /, **settings) -> dict:
        """All settings that :meth:`build` would use; no network is made."""
        return resolve(self.gan, self.name, self.settings, settings, shape)


def recipe(name: str, gan: type = GAN, *, paper: str, arxiv: str, data: str = "embedded", **settings) -> Recipe:
    """Enter a row. Raises ValueError for a name that is taken, SettingError for a setting that nobody has."""
    if name in RECIPES and RECIPES[name].gan.__qualname__ != gan.__qualname__:
        raise ValueError(f"recipe: expected a new name, got {name!r}, which is {RECIPES[name].paper}")
    known = {*gan.defaults, *network_keys()}
    unknown = [key for key in settings if key not in known]
    if unknown:
        raise SettingError(f"{name}: unknown setting {unknown[0]!r}; known are {', '.join(sorted(known))}")
    RECIPES[name] = Recipe(name, gan, paper, arxiv, data, settings)
    return RECIPES[name]


def find(name: str) -> Recipe:
    """The row called ``name``. Raises SettingError, naming the nearest known one."""
    if name not in RECIPES:
        near = difflib.get_close_matches(name, RECIPES, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(sorted(RECIPES))}"
        raise SettingError(f"unknown recipe {name!r}; {hint}")
    return RECIPES[name]


def make(name: str, shape, device="cpu", **settings) -> GAN:
    """The GAN of a recipe for data of ``shape``: ``make("wgan-gp", (1, 28, 28), lr=2e-4)``."""
    return find(name).build(shape, device, **settings)


__all__ = ["RECIPES", "Recipe", "find", "make", "recipe"]
