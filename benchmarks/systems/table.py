"""The results as tables: ``python benchmarks/systems/table.py`` writes them into README.md beside this file.

A system's first row names its seeds. A figure's row has its criterion, the median and the worst over the seeds, and
how many seeds reach the criterion; seconds are the median of a seed, without trainings that another system had made.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path

import results
from system import GROUPS

HEADER = ("system", "seeds", "figure", "criterion", "kind", "median", "worst", "seeds that pass", "seconds")
BEGIN, END = "<!-- results -->", "<!-- /results -->"


def results_of(folder: Path, group: str) -> list[dict]:
    """All results of full length of a group, by system and seed."""
    found = [results.read(path) for path in sorted((folder / group).glob("*-seed*.json"))]
    return [result for result in found if result["scale"] == 1.0]


def worst(rows: list[dict]):
    """The value farthest from the criterion: the smallest where it is ">=", the largest where it is "<=", else that
    of a row that missed it, or the one farthest from the median."""
    values = [row["value"] for row in rows]
    criterion = rows[0]["criterion"]
    if criterion.startswith((">=", "<=")):
        return min(values) if criterion[0] == ">" else max(values)
    middle = statistics.median(values)
    return max(rows, key=lambda row: (row["passed"] is False, abs(row["value"] - middle)))["value"]


def lines(found: list[dict]) -> list[tuple]:
    """One line for every figure of every system."""
    made = []
    for system in sorted({result["system"] for result in found}):
        own = [result for result in found if result["system"] == system]
        seconds, seeds = f"{statistics.median(result['seconds'] for result in own):.0f}", span(own)
        labels = dict.fromkeys(row["label"] for result in own for row in result["rows"])
        for label in labels:
            rows = [row for result in own for row in result["rows"] if row["label"] == label]
            made.append((system, seeds, label, *cells(rows), seconds))
            system = seeds = seconds = ""
    return made


def span(found: list[dict]) -> str:
    """The seeds of results of one system: "5 to 9"."""
    seeds = [result["seed"] for result in found]
    return f"{min(seeds)} to {max(seeds)}"


def cells(rows: list[dict]) -> tuple:
    """Criterion, kind, median, worst, and the share of seeds that pass."""
    if isinstance(rows[0]["value"], str):
        return "", "", rows[0]["value"], "", ""
    passed = [row["passed"] for row in rows if row["passed"] is not None]
    share = f"{sum(passed)} of {len(passed)}" if passed else ""
    # a criterion may hold a figure of the baseline, which differs from seed to seed
    criteria = list(dict.fromkeys(row["criterion"] for row in rows))
    criterion = criteria[0] if len(criteria) == 1 else f"{criteria[0].split()[0]} (its own in each seed)"
    return (criterion, rows[0]["kind"], f"{statistics.median(row['value'] for row in rows):.4g}",
            f"{worst(rows):.4g}" if passed else "", share)


def markdown(folder: Path) -> str:
    """The tables of all groups that have results."""
    parts = []
    for group in GROUPS:
        found = results_of(folder, group)
        if not found:
            continue
        days = sorted({result["date"][:10] for result in found})
        table = [HEADER, ("---",) * len(HEADER), *lines(found)]
        machines = sorted({result["machine"]["processor"] for result in found})
        about = f"{days[0]} to {days[-1]}, {', '.join(machines)}."
        rows = ["| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |" for line in table]
        parts.append("\n".join([f"### {group}", "", about, "", *rows]))
    return "\n\n".join(parts) or "No results yet."


def main(arguments=None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--results", type=Path, default=results.FOLDER)
    parser.add_argument("--readme", type=Path, default=results.HERE / "README.md")
    args = parser.parse_args(arguments)
    text = args.readme.read_text(encoding="utf-8")
    before, after = text.index(BEGIN) + len(BEGIN), text.index(END)
    args.readme.write_text(f"{text[:before]}\n{markdown(args.results)}\n{text[after:]}", encoding="utf-8")


if __name__ == "__main__":
    main()
