"""The entries: one file each, registered by its decorator, found by number (T16) or by name (bilinear-game)."""

from __future__ import annotations

import difflib
import importlib
import inspect
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass

import tinygan.theory
from tinygan import random
from tinygan.theory.findings import Findings

_entries: dict[str, Entry] = {}


@dataclass(frozen=True)
class Entry:
    """One statement: call it with :class:`Findings` and a seed, and it adds its figures and pictures to them."""

    number: str
    name: str
    title: str
    paper: str
    arxiv: str | None
    function: Callable

    def __call__(self, found: Findings, seed: int = 0, **settings) -> None:
        """Run the entry with all random streams at ``seed``; afterwards they are where they were before."""
        before = random.get_state()
        random.manual_seed(seed)
        try:
            self.function(found, seed=seed, **settings)
        finally:
            random.set_state(before)

    @property
    def source(self) -> str:
        """The paper, with its address where it is on arXiv."""
        return f"{self.paper}, https://arxiv.org/abs/{self.arxiv}" if self.arxiv else self.paper

    @property
    def statement(self) -> str:
        """What the entry shows: the docstring of its file."""
        return inspect.getdoc(inspect.getmodule(self.function)) or ""


def entry(number: str, name: str, *, title: str, paper: str, arxiv: str | None = None):
    """Decorator: register ``f(found, seed=0, **settings)`` as entry ``number``, under ``name``.

    The decorated name becomes an :class:`Entry`. Raises ValueError when another file has that number or name.
    """
    def register(function):
        for other in _entries.values():
            if (other.number == number or other.name == name) and other.function.__module__ != function.__module__:
                raise ValueError(f"entry: expected a number and a name of its own for {number} {name}, got those of "
                                 f"{other.number} {other.name} in {other.function.__module__}")
        _entries[number] = Entry(number, name, title, paper, arxiv, function)
        return _entries[number]
    return register


def entries() -> dict[str, Entry]:
    """{number: entry} of all files of this package, in the order of their numbers."""
    for module in pkgutil.iter_modules(tinygan.theory.__path__, "tinygan.theory."):
        importlib.import_module(module.name)
    return {number: _entries[number] for number in sorted(_entries)}


def find(name: str) -> Entry:
    """The entry with this number or name. Raises ValueError, with the nearest names, when there is none."""
    known = entries()
    for found in known.values():
        if name.lower() in (found.number.lower(), found.name):
            return found
    names = {word.lower(): word for found in known.values() for word in (found.name, found.number)}
    nearest = [names[word] for word in difflib.get_close_matches(name.lower(), names, n=3, cutoff=0.4)]
    raise ValueError(f"theory: expected the name or number of an entry, got {name!r}; "
                     + (f"nearest: {', '.join(nearest)}" if nearest else "`tinygan theory list` shows them all"))


__all__ = ["Entry", "entries", "entry", "find"]
