"""What a check of a row of the errata yields: what the slide gives, what is right, and the right value once more.

A check is a small generator entered with ``@check("1.1")``: it computes the value that the slide's statement gives,
the value of the corrected statement (the library's code, where there is some), and that value by a route which shares
no code with it. A row is proved when the two routes agree and the slide is far from both.
"""

from __future__ import annotations

import contextlib
import importlib
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from tinygan import random, theory

CHECKS: dict[str, list[Callable[[], Iterator[Checked]]]] = {}  # by the number of the row; a row may have several


@dataclass(frozen=True)
class Checked:
    """One figure of a row: ``what`` is measured, by the ``slide``, ``right``ly, and ``again`` by another ``route``.

    The figures are numbers or arrays of one shape; infinities are allowed. ``tolerance`` is the largest difference
    between the two right ones that counts as agreement.
    """

    what: str
    slide: float | np.ndarray
    right: float | np.ndarray
    again: float | np.ndarray
    route: str
    tolerance: float = 1e-9

    @property
    def holds(self) -> bool:
        """The two routes to the right value agree."""
        return distance(self.right, self.again) <= self.tolerance

    @property
    def off(self) -> bool:
        """The slide's value is further from the right one than ten times what agreement allows, and not equal."""
        return distance(self.slide, self.right) > 10 * self.tolerance

    def __str__(self) -> str:
        return (f"{self.what}: slide {shown(self.slide)}, right {shown(self.right)} "
                f"({self.route}: {shown(self.again)})")


def distance(a, b) -> float:
    """The largest |a - b| over the entries; equal infinities are 0 apart, NaN is infinitely far from everything."""
    a, b = np.broadcast_arrays(np.asarray(a, float), np.asarray(b, float))
    with np.errstate(invalid="ignore"):
        apart = np.where(a == b, 0.0, np.abs(a - b))
    return float(np.where(np.isnan(apart), np.inf, apart).max(initial=0.0))


def shown(value) -> str:
    """A figure with six digits, an array as (a, b, c)."""
    values = [f"{0.0 if v == 0 else v:.6g}" for v in np.asarray(value, float).ravel()]
    return values[0] if np.ndim(value) == 0 else f"({', '.join(values)})"


def check(number: str):
    """Enter a generator of :class:`Checked` as a check of row ``number``; what it checks is written in that row."""
    def enter(function):
        CHECKS.setdefault(number, []).append(function)
        return function
    return enter


def checks() -> dict[str, list[Callable[[], Iterator[Checked]]]]:
    """All checks by the number of their row, from the files errata_checks_*.py of this package."""
    for module in pkgutil.iter_modules(theory.__path__):
        if module.name.startswith("errata_checks_"):
            importlib.import_module(f"{theory.__name__}.{module.name}")
    return CHECKS


def run(number: str) -> list[Checked]:
    """The figures of row ``number``, computed now. The random streams start at seed 0 and are put back afterwards."""
    with seeded(0):
        return [figure for function in checks()[number] for figure in function()]


@contextlib.contextmanager
def seeded(seed: int):
    """The package's random streams from ``seed`` on; at the end they are what they were before."""
    before = random.get_state()
    random.manual_seed(seed)
    try:
        yield
    finally:
        random.set_state(before)


__all__ = ["CHECKS", "Checked", "check", "checks", "distance", "run", "seeded", "shown"]
