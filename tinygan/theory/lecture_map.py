"""The map from every statement, formula, figure, algorithm and named system of the four lecture decks to code.

lecture_map.json has one row per statement, with the slide it is on and the systems it is about (T16, L07, ...), the
first of which decides where it is computed. systems.json has one line per system: its title and, once it is built, its
command, file and test: adding those three is all that turns "planned" into "built". MAP.md is generated from both.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path

from tinygan.theory.checked import checks

FOLDER = Path(__file__).parent
PAGE = FOLDER / "MAP.md"
DECKS = {
    "000": "Generative Adversarial Networks (a university course, 2025)",
    "001": "GANs, WGANs and improved training",
    "002": "Generative models and GANs, in brief",
    "003": "Deep Learning: generative adversarial networks",
}
KINDS = ("statement", "formula", "figure", "algorithm", "system", "application", "metric", "trick", "reference")
REGENERATE = "tinygan theory map --markdown > tinygan/theory/MAP.md"


@dataclass(frozen=True)
class System:
    """A system of the specification; ``file`` and ``test`` ("path" or "path::function") are None until it is built."""

    number: str
    title: str
    command: str | None = None
    file: str | None = None
    test: str | None = None

    @property
    def built(self) -> bool:
        """It has a file and a test."""
        return self.file is not None and self.test is not None


@dataclass(frozen=True)
class Line:
    """One statement of a deck; ``nothing`` is why there is nothing to run (a reference)."""

    deck: str
    slide: str
    kind: str
    what: str
    systems: tuple[str, ...] = ()
    errata: tuple[str, ...] = ()
    nothing: str | None = None
    command: str | None = None
    file: str | None = None
    test: str | None = None

    @property
    def target(self) -> System:
        """Where it is computed: its own command, file and test where it has them, else those of its first system."""
        if self.nothing:
            return System("", self.nothing)
        system = systems()[self.systems[0]]
        return System(system.number, system.title, self.command or system.command, self.file or system.file,
                      self.test or system.test)

    @property
    def status(self) -> str:
        """"built", "planned", or "nothing to run"."""
        return "nothing to run" if self.nothing else "built" if self.target.built else "planned"


@functools.cache
def systems() -> dict[str, System]:
    """{number: system} of the whole specification, built or not."""
    rows = json.loads((FOLDER / "systems.json").read_text(encoding="utf-8"))
    return {number: System(number, **row) for number, row in rows.items()}


@functools.cache
def lines() -> tuple[Line, ...]:
    """All statements, in the order of the decks and their slides."""
    rows = json.loads((FOLDER / "lecture_map.json").read_text(encoding="utf-8"))
    return tuple(Line(**{key: tuple(value) if isinstance(value, list) else value for key, value in row.items()})
                 for row in rows)


def chosen(deck: str | None = None, planned: bool = False) -> list[Line]:
    """The statements of one deck, or of all; with ``planned`` only those whose system is not built yet."""
    return [line for line in lines()
            if deck in (None, line.deck) and (not planned or line.status == "planned")]


def summary(rows) -> str:
    """How many of these statements are built, planned, and without anything to run."""
    counts = {status: sum(row.status == status for row in rows) for status in ("built", "planned", "nothing to run")}
    return f"{len(rows)} statements: " + ", ".join(f"{count} {status}" for status, count in counts.items())


def markdown() -> str:
    """The page MAP.md."""
    built = sum(system.built for system in systems().values())
    parts = [f"""# The lectures, statement by statement

Every statement, formula, figure, algorithm and named system of four lecture decks, and where it is computed here.
{summary(lines())}; {built} of {len(systems())} systems are built.

Columns: *system* is the number in the specification (titles at the end of this page); *command* runs it; *errata* are
corrections, shown by `tinygan theory errata NUMBER` with figures computed on the spot (in brackets: corrections without
a figure, such as notation). "planned" is not built yet.

This page is generated from `lecture_map.json` and `systems.json`: `{REGENERATE}`.
"""]
    for deck, title in DECKS.items():
        parts.append(f"## Deck {deck}: {title}\n\n{_page_of(chosen(deck))}\n")
    rows = [(system.number, system.title, *_cells(system)) for system in systems().values()]
    parts.append(f"## Systems\n\n{_table(('system', 'title', 'command', 'file', 'test'), rows)}\n")
    return "\n".join(parts)


def _page_of(rows) -> str:
    """The table of one deck; a slide is named in its first row."""
    cells, before = [], None
    for row in rows:
        numbers = ", ".join(number if number in checks() else f"({number})" for number in row.errata)
        cells.append(("" if row.slide == before else row.slide, row.kind, row.what, ", ".join(row.systems),
                      *((row.nothing, "", "") if row.nothing else _cells(row.target)), numbers))
        before = row.slide
    return _table(("slide", "kind", "what", "system", "command", "file", "test", "errata"), cells)


def _cells(system: System) -> tuple[str, str, str]:
    """Command, file and test for a cell each, the paths as links from this folder."""
    if not system.built:
        return "planned", "", ""
    return (f"`{system.command}`" if system.command else "",
            *(f"[{path.partition('::')[0].rpartition('/')[2]}](../../{path.partition('::')[0]})"
              for path in (system.file, system.test)))


def _table(header, rows) -> str:
    lines = [header, ("---",) * len(header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |" for line in lines)


__all__ = ["DECKS", "KINDS", "Line", "PAGE", "REGENERATE", "System", "chosen", "lines", "markdown", "summary",
           "systems"]
