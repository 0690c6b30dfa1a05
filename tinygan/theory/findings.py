"""Findings: the figures of one entry, each beside what it should be, and the entry's pictures.

A criterion is KNOWN (an identity, provable, or reported in the literature: a miss is an error) or CAL (the direction is
expected, the number is a target: a miss is printed and stays).

>>> found = Findings()
>>> found.equal("JSD, disjoint", 0.6931, 0.693147, 1e-3)
>>> found.at_most("slope", 0.5, 0.1, kind="CAL")
>>> print(found)
figure         value   criterion                route        kind   verdict
JSD, disjoint  0.6931  = 0.693147 within 0.001  closed form  KNOWN  ok
slope          0.5     <= 0.1                                CAL    MISSED
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

KINDS = ("KNOWN", "CAL", "")


@dataclass(frozen=True)
class Row:
    """One figure: ``criterion`` in words, ``passed`` None where there is none, ``route`` how the true value was found.

    ``value`` is a float, or a text in a note.
    """

    label: str
    value: float | str
    criterion: str = ""
    kind: str = ""
    passed: bool | None = None
    route: str = ""

    def cells(self) -> tuple:
        """The row as texts, one for each column of the printed table."""
        value = self.value if isinstance(self.value, str) else f"{self.value:.6g}"
        verdict = "" if self.passed is None else "ok" if self.passed else "MISSED"
        return self.label, value, self.criterion, self.route, self.kind, verdict


class Findings:
    """The rows and pictures of one entry; ``out``: the folder that pictures go to, None for no pictures."""

    def __init__(self, out: Path | str | None = None):
        self.out = None if out is None else Path(out)
        self.rows: list[Row] = []
        self.pictures: list[Path] = []

    def equal(self, label: str, value, true, tolerance: float, route: str = "closed form", kind: str = "KNOWN") -> None:
        """|value - true| <= tolerance, where ``true`` was found by ``route``; infinity equals infinity."""
        value, true = float(value), float(true)
        self._add(label, value, f"= {true:.6g} within {tolerance:.3g}", kind,
                  value == true or abs(value - true) <= tolerance, route)

    def at_most(self, label: str, value, bound, kind: str = "KNOWN", route: str = "") -> None:
        """value <= bound."""
        self._add(label, float(value), f"<= {float(bound):.6g}", kind, float(value) <= float(bound), route)

    def at_least(self, label: str, value, bound, kind: str = "KNOWN", route: str = "") -> None:
        """value >= bound."""
        self._add(label, float(value), f">= {float(bound):.6g}", kind, float(value) >= float(bound), route)

    def within(self, label: str, value, low, high, kind: str = "KNOWN", route: str = "") -> None:
        """low <= value <= high."""
        self._add(label, float(value), f"in [{float(low):.6g}, {float(high):.6g}]", kind,
                  float(low) <= float(value) <= float(high), route)

    def note(self, label: str, value) -> None:
        """A figure, or a text, without a criterion."""
        self.rows.append(Row(label, value if isinstance(value, str) else float(value)))

    def _add(self, label, value, criterion, kind, passed, route):
        if kind not in KINDS:
            raise ValueError(f"{label}: expected a kind out of {', '.join(map(repr, KINDS))}, got {kind!r}")
        self.rows.append(Row(label, value, criterion, kind, bool(passed), route))  # NumPy's False is not False

    def picture(self, figure, name: str) -> None:
        """Save a matplotlib figure as ``out / name`` and close it; without a folder do nothing.

        figure: a Figure, or a function without arguments that draws one, called only when there is a folder.
        """
        if self.out is None:
            return
        figure = figure() if not hasattr(figure, "savefig") else figure
        self.out.mkdir(parents=True, exist_ok=True)
        figure.savefig(self.out / name, dpi=100)
        figure.clear()
        self.pictures.append(self.out / name)

    def known_failures(self) -> list[Row]:
        """Rows whose KNOWN criterion is missed."""
        return [row for row in self.rows if row.kind == "KNOWN" and row.passed is False]

    def missed(self) -> list[Row]:
        """Rows whose criterion, of either kind, is missed."""
        return [row for row in self.rows if row.passed is False]

    def __str__(self) -> str:
        lines = [("figure", "value", "criterion", "route", "kind", "verdict"), *(row.cells() for row in self.rows)]
        widths = [max(map(len, column)) for column in zip(*lines)]
        return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines)


__all__ = ["Findings", "KINDS", "Row"]
