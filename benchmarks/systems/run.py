"""Acceptance runs: ``python benchmarks/systems/run.py GROUP [NAME ...] [--seeds 5-9] [--jobs 2]``.

Runs each system of the group for each seed in a process of its own, prints its figures beside their criteria, and keeps
them as benchmarks/systems/results/GROUP/NAME-seedN.json with settings, seconds, date and versions. What is there with
the same settings is not run again, so a run may be stopped and continued. ``--scale 0.01`` shortens all trainings, to
try whether a system works: its results go to --results (default: a folder that is deleted). ``--list`` shows the
systems of the group. Exit status 1 when a system failed or a KNOWN criterion is missed; a missed CAL target is printed.
Then ``python benchmarks/systems/table.py`` writes the tables of README.md beside this file.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import results
from system import GROUPS, systems


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("group", choices=GROUPS)
    parser.add_argument("names", nargs="*", metavar="NAME", help="systems of the group (default: all)")
    parser.add_argument("--seeds", help="such as 5-9 or 5,7 (default: as many from 5 on as the system says)")
    parser.add_argument("--jobs", type=int, default=1, help="processes at a time")
    parser.add_argument("--again", action="store_true", help="run what has a result already, too")
    parser.add_argument("--scale", type=float, default=1.0, help="factor of all numbers of steps, for trials")
    parser.add_argument("--results", type=Path, help="folder of the results")
    parser.add_argument("--list", action="store_true", help="show the systems")
    parser.add_argument("--one", type=int, metavar="SEED", help=argparse.SUPPRESS)
    args = parser.parse_args(arguments)
    if args.scale != 1.0 and args.results and args.results.resolve() == results.FOLDER:
        parser.error("--scale: expected another folder of results than that of the full runs")
    return args


def seeds_of(text: str) -> list[int]:
    """[5, 6, 7, 9] for "5-7,9"."""
    found = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


def run_one(group: str, name: str, seed: int) -> dict:
    """Run a system for a seed in this process, and keep what it found."""
    sys.path.append(str(results.HERE.parent))
    from machine import machine, versions

    from tinygan import random
    from tinygan.theory.findings import Findings
    system, found = systems(group)[name], Findings()
    random.manual_seed(seed)
    started = time.perf_counter()
    system.function(found, seed=seed)
    result = {"group": group, "system": name, "title": system.title, "seed": seed, "settings": system.settings,
              "scale": results.place["scale"], "rows": [dataclasses.asdict(row) for row in found.rows],
              "seconds": round(time.perf_counter() - started, 1), "date": results.now(), "machine": machine(),
              "versions": versions()}
    results.write(results.path_of(group, name, seed), result)
    print(f"{name} seed {seed}, {result['seconds']:.1f} s\n{found}", flush=True)
    return result


def known(group: str, name: str, seed: int, settings: dict) -> bool:
    """Whether there is a result of these settings."""
    found = results.read(results.path_of(group, name, seed))
    return found is not None and found["settings"] == settings and found["scale"] == results.place["scale"]


def in_process(args, name: str, seed: int) -> bool:
    """Run a system for a seed in another process; whether it ended without an error."""
    command = [sys.executable, __file__, args.group, name, "--one", str(seed), "--scale", str(args.scale),
               "--results", str(results.place["folder"])]
    done = subprocess.run(command, capture_output=True, text=True)
    print(done.stdout, end="", flush=True)
    if done.returncode:
        print(f"{name} seed {seed} failed:\n{done.stderr[-2000:]}", file=sys.stderr, flush=True)
    return done.returncode == 0


def main(arguments=None) -> int:
    args = parse(arguments)
    with contextlib.ExitStack() as stack:
        folder = args.results or (results.FOLDER if args.scale == 1.0 else
                                  Path(stack.enter_context(tempfile.TemporaryDirectory())))
        results.place.update(folder=folder.resolve(), scale=args.scale)
        if args.one is not None:
            run_one(args.group, args.names[0], args.one)
            return 0
        return run_all(args)


def run_all(args) -> int:
    every = systems(args.group)
    unknown = [name for name in args.names if name not in every]
    if unknown:
        print(f"run: expected systems out of {', '.join(every)}, got {unknown[0]!r}", file=sys.stderr)
        return 2
    chosen = {name: every[name] for name in args.names or every}
    if args.list:
        for name, system in chosen.items():
            print(f"{name:<22}{system.seeds} seeds, about {system.minutes:g} min each   {system.title}")
        return 0
    wanted = [(name, seed) for name, system in chosen.items()
              for seed in (seeds_of(args.seeds) if args.seeds else system.judged())]
    pending = [(name, seed) for name, seed in wanted
               if args.again or not known(args.group, name, seed, chosen[name].settings)]
    print(f"{args.group}: {len(pending)} of {len(wanted)} to run", flush=True)
    with ThreadPoolExecutor(max(1, args.jobs)) as pool:
        fine = list(pool.map(lambda job: in_process(args, *job), pending))
    found = [results.read(results.path_of(args.group, *job)) for job in wanted]
    missed = [row for result in found if result for row in result["rows"]
              if row["kind"] == "KNOWN" and row["passed"] is False]
    return 0 if all(fine) and not missed else 1


if __name__ == "__main__":
    sys.exit(main())
