"""theory: the statements of the lectures, computed beside their true values."""

from __future__ import annotations

import time
from pathlib import Path

from tinygan import theory
from tinygan.cli import lectures
from tinygan.cli.options import seed, table


def add_commands(commands) -> None:
    """Enter the command of this file."""
    parser = commands.add_parser("theory", help="run a statement of the lectures", description="Compute the figures of "
                                 "a statement beside the true values, and draw its picture. Exit status 1 when a "
                                 "figure that is known is missed.")
    parser.add_argument("name", metavar="NAME", help=f"an entry, by name or number (T16), or {', '.join(ACTIONS)}")
    parser.add_argument("--out", metavar="FOLDER", default="runs/theory",
                        help="for pictures (default: runs/theory)")
    parser.add_argument("--seed", type=seed, default=0)
    lectures.add_options(parser)
    parser.set_defaults(command=run)


def run(args) -> int:
    """``tinygan theory NAME``."""
    lectures.check_options(args)
    if args.name in ACTIONS:
        return ACTIONS[args.name](args) or 0
    found = theory.find(args.name)
    return int(bool(show(found, args, statement=True).known_failures()))


def list_entries(args) -> None:
    """``tinygan theory list``."""
    print(table(("number", "name", "title", "paper"),
                [(row.number, row.name, row.title, row.paper) for row in theory.entries().values()]))


def run_all(args) -> int:
    """``tinygan theory all``: every entry, and which figures were missed."""
    start = time.perf_counter()
    results = {row: show(row, args) for row in theory.entries().values()}
    missed = [(row.number, line.label, f"{line.value:.6g}", line.criterion, line.kind)
              for row, found in results.items() for line in found.missed()]
    judged = sum(line.passed is not None for found in results.values() for line in found.rows)
    print(f"{len(results)} entries, {judged} figures with a criterion, {len(missed)} of them missed; "
          f"{time.perf_counter() - start:.0f} s")
    if missed:
        print(table(("entry", "figure", "value", "criterion", "kind"), missed))
    return int(any(found.known_failures() for found in results.values()))


def show(row: theory.Entry, args, statement: bool = False) -> theory.Findings:
    """Run one entry and print it."""
    print(f"{row.number} {row.name}: {row.title}\n{row.source}\n", flush=True)
    if statement:
        print(f"{row.statement}\n", flush=True)
    found, start = theory.Findings(Path(args.out)), time.perf_counter()
    row(found, seed=args.seed)
    seconds = time.perf_counter() - start
    print(f"{found}\n")
    for path in found.pictures:
        print(f"picture: {path}")
    print(f"seed {args.seed}, {seconds:.1f} s\n", flush=True)
    return found


ACTIONS = {"list": list_entries, "all": run_all, **lectures.ACTIONS}  # words that are no entry; they take the arguments

__all__ = ["ACTIONS", "add_commands", "list_entries", "run", "run_all", "show"]
