"""Corrections to the four lecture decks 000-003: what a slide says, what is right, and the figure that shows it.

The rows are in errata.json. Kinds: E wrong, A ambiguous or incomplete, I inconsistent, X lost in the extraction of the
text (a sign, a symbol). ``slides`` are "deck: title"; the decks themselves are not part of the package. A row has a
check (tinygan.theory.checked), or says in ``unchecked`` why it has none.
"""

from __future__ import annotations

import difflib
import json
import textwrap
from dataclasses import dataclass
from pathlib import Path

from tinygan.theory.checked import Checked, checks, run, shown

FILE = Path(__file__).with_name("errata.json")
KINDS = {"E": "wrong", "A": "ambiguous or incomplete", "I": "inconsistent", "X": "lost in extraction"}


@dataclass(frozen=True)
class Erratum:
    """One row: ``number`` as "3.5", ``kind`` as "E" or "E, I", ``unchecked`` None where there is a check."""

    number: str
    kind: str
    slides: tuple[str, ...]
    says: str
    right: str
    unchecked: str | None = None


def errata() -> dict[str, Erratum]:
    """{number: row} of all corrections, in their order."""
    rows = json.loads(FILE.read_text(encoding="utf-8"))
    return {row["number"]: Erratum(**{**row, "slides": tuple(row["slides"])}) for row in rows}


def find(number: str) -> Erratum:
    """The row with this number. Raises ValueError, with the nearest numbers, when there is none."""
    known = errata()
    if number not in known:
        nearest = difflib.get_close_matches(number, known, n=3)
        raise ValueError(f"errata: expected the number of a correction, got {number!r}; "
                         + (f"nearest: {', '.join(nearest)}" if nearest else f"1.1 to {list(known)[-1]}"))
    return known[number]


def text(row: Erratum) -> str:
    """The row for a reader: slides, what they say, what is right, and the figures of its check, computed now."""
    kinds = ", ".join(KINDS[kind] for kind in row.kind.split(", "))
    lines = [f"{row.number} ({kinds})", *(f"slide   {slide}" for slide in row.slides),
             *_indented("says    ", row.says), *_indented("right   ", row.right)]
    if row.number in checks():
        lines += [line for figure in run(row.number) for line in _number(figure)]
    else:
        lines.append(f"number  none: {row.unchecked}")
    return "\n".join(lines)


def _number(figure: Checked) -> list[str]:
    values = (f"slide {shown(figure.slide)}; right {shown(figure.right)}; by another route "
              f"{shown(figure.again)} ({figure.route})")
    return [*_indented("number  ", figure.what), *_indented("        ", values)]


def _indented(label: str, words: str) -> list[str]:
    return textwrap.wrap(words, 112, initial_indent=label, subsequent_indent=" " * len(label))


__all__ = ["Erratum", "FILE", "KINDS", "errata", "find", "text"]
