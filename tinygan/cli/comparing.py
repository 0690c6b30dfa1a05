"""compare: several runs side by side."""

from __future__ import annotations

import io
from pathlib import Path

from tinygan import plot
from tinygan.cli.options import UsageError, table
from tinygan.cli.runs import Run, number
from tinygan.train import RunFolderError
from tinygan.train.files import atomic

FIGURES = ("d_loss", "g_loss", "d_real", "d_fake", "diversity")
GROUPS = {"losses": ("d_loss", "g_loss"), "score": ("score",), "length of the gradients": ("d_gradient", "g_gradient"),
          "accuracy of D": ("d_real", "d_fake"), "diversity of the samples": ("diversity",)}
KNOWN = {"step", "images", "seconds", "health", *(key for keys in GROUPS.values() for key in keys)}


def add_commands(commands) -> None:
    """Enter the commands of this file."""
    parser = commands.add_parser("compare", help="runs side by side", description="The settings in which runs differ, "
                                 "their last figures, and a picture of their curves.")
    parser.add_argument("runs", metavar="RUN", nargs="+", help="run folders, at least two")
    parser.add_argument("--out", metavar="FILE", default="compare.png", help="the picture (default: compare.png)")
    parser.set_defaults(command=compare)


def compare(args) -> None:
    """``tinygan compare``."""
    if len(args.runs) < 2:
        raise UsageError(f"compare: expected at least two runs, got {args.runs[0]}")
    runs = [Run(folder) for folder in args.runs]
    labels = names(runs)
    for run in runs:
        if not run.records:
            raise RunFolderError(f"{run.path}: expected a run with a log, got one that has logged nothing yet")
    out = Path(args.out)
    out.parent.mkdir(parents=True, exist_ok=True)
    with atomic(out) as file:
        file.write(curves(dict(zip(labels, runs))))
    differing = differences(runs)
    if differing:
        print(table(("setting", *labels), differing) + "\n")
    shown = list(zip(*[("step", *FIGURES, "score", "best score", "at step", "per second", "health"),
                       *map(figures, runs)]))
    evaluated = [run.evaluated() for run in runs]
    if any(evaluated):
        shown.append(("evaluated", *(line or "-" for line in evaluated)))
    print(table(("", *labels), shown))
    print(f"\ncurves: {out}")


def names(runs) -> list:
    """What to call the runs: their folders' names, with as much of the path as it takes to tell them apart."""
    parts = [run.path.resolve().parts for run in runs]
    if len(set(parts)) < len(parts):
        raise UsageError(f"compare: expected different runs, got {', '.join(str(run.path) for run in runs)}")
    depth = next(d for d in range(1, 1 + max(map(len, parts))) if len({p[-d:] for p in parts}) == len(parts))
    return ["/".join(p[-depth:]) for p in parts]


def figures(run: Run) -> list:
    """The last figures of a run, as texts."""
    best, step, last = run.scores() or (None, None, None)
    return [number(value) for value in (run.last_step, *map(run.last, FIGURES), last, best, step, run.speed(),
                                        run.last("health"))]


def differences(runs) -> list:
    """[(setting, its value in each run)] for the settings in which the runs differ."""
    flat = [{**{k: v for k, v in run.settings.items() if k not in ("settings", "name")},
             **run.settings.get("settings", {})} for run in runs]
    keys = dict.fromkeys(key for settings in flat for key in settings)
    rows = [(key, *(settings.get(key, "-") for settings in flat)) for key in keys]
    return [row for row in rows if any(value != row[1] for value in row[2:])]


def curves(runs: dict) -> bytes:
    """The curves of {name: run} as a PNG file, whatever a variant reports included."""
    own = dict.fromkeys(key for run in runs.values() for record in run.records for key in record if key not in KNOWN)
    file = io.BytesIO()
    plot.panels({name: run.records for name, run in runs.items()}, file, {**GROUPS, **{key: (key,) for key in own}})
    return file.getvalue()


__all__ = ["add_commands", "compare", "curves", "differences", "figures", "names"]
