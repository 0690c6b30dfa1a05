"""theory errata, theory map: the corrections to the lectures, and where each of their statements is computed."""

from __future__ import annotations

from tinygan.cli.options import UsageError, table
from tinygan.theory import errata, lecture_map


def add_options(parser) -> None:
    """The options of these two words for the parser of ``tinygan theory``."""
    parser.add_argument("number", nargs="?", metavar="NUMBER", help="errata: one correction (default: all of them)")
    parser.add_argument("--deck", choices=tuple(lecture_map.DECKS), help="map: the statements of one deck")
    parser.add_argument("--planned", action="store_true", help="map: only what is not built yet")
    parser.add_argument("--markdown", action="store_true", help="map: as the page tinygan/theory/MAP.md")


def check_options(args) -> None:
    """Raise UsageError for a number or an option that belongs to another word than ``args.name``."""
    if args.number is not None and args.name != "errata":
        raise UsageError(f"theory: expected a number after errata alone, got {args.name} {args.number}")
    used = [name for name in ("deck", "planned", "markdown") if getattr(args, name)]
    if used and args.name != "map":
        raise UsageError(f"theory: expected --{used[0]} with map alone, got it with {args.name}")


def print_errata(args) -> None:
    """``tinygan theory errata [NUMBER]``: slide, what it says, what is right, and the number, computed now."""
    rows = [errata.find(args.number)] if args.number else errata.errata().values()
    for row in rows:
        print(errata.text(row), end="\n\n" if len(rows) > 1 else "\n", flush=True)


def print_map(args) -> None:
    """``tinygan theory map [--deck 000] [--planned]``."""
    if args.markdown:
        print(lecture_map.markdown(), end="")
        return
    rows = lecture_map.chosen(args.deck, args.planned)
    header, *printed = table(("kind", "what", "system", "command", "errata"),
                             [(row.kind, row.what, ", ".join(row.systems), _command(row), ", ".join(row.errata))
                              for row in rows]).splitlines()
    print(f"  {header}")
    slide = None
    for row, line in zip(rows, printed):
        if slide != (row.deck, row.slide):
            print(f"{row.deck} {row.slide}")
        slide = row.deck, row.slide
        print(f"  {line}")
    print(lecture_map.summary(rows))


def _command(row) -> str:
    """The command of a statement, its file where there is no command, or why there is neither."""
    return row.target.command or row.target.file or "" if row.status == "built" else row.status


ACTIONS = {"errata": print_errata, "map": print_map}

__all__ = ["ACTIONS", "add_options", "check_options", "print_errata", "print_map"]
