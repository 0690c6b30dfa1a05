"""What a system is: a function that fills Findings for a seed, and the registry of a group's systems."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass

GROUPS = ("theory", "losses", "regularisers", "ablations", "architectures")
FIRST_SEED = 5  # seeds 0-4 are for calibration, a system is judged on others

_found: dict[str, dict[str, System]] = {}


@dataclass(frozen=True)
class System:
    """``function(found, seed)`` fills ``found`` (tinygan.theory.Findings); judged on ``seeds`` seeds from ``first`` on.

    A system that was changed after it had been judged begins with seeds that nobody had seen.
    """

    name: str
    title: str
    function: Callable
    seeds: int = 5
    first: int = FIRST_SEED
    minutes: float = 0.0  # about how long a seed takes on one quiet core, baselines included

    @property
    def settings(self) -> dict:
        """The function's settings and their values: they belong to every result."""
        parameters = inspect.signature(getattr(self.function, "function", self.function)).parameters.values()
        return {p.name: p.default for p in parameters if p.name not in ("found", "seed") and p.default is not p.empty}

    def judged(self) -> list[int]:
        """The seeds that it is judged on."""
        return list(range(self.first, self.first + self.seeds))


def system(name: str, title: str, *, seeds: int = 5, first: int = FIRST_SEED, minutes: float = 0.0):
    """Decorator: enter ``function(found, seed)`` under ``name`` into the group of its file."""
    def register(function):
        _found.setdefault(function.__module__, {})[name] = System(name, title, function, seeds, first, minutes)
        return function
    return register


def systems(group: str) -> dict[str, System]:
    """{name: system} of a group. Raises ValueError for one that does not exist."""
    if group not in GROUPS:
        raise ValueError(f"systems: expected a group out of {', '.join(GROUPS)}, got {group!r}")
    try:
        module = importlib.import_module(group)
    except ModuleNotFoundError as error:
        if error.name != group:
            raise
        return {}
    return getattr(module, "SYSTEMS", None) or _found.get(group, {})
