"""Measure tinygan against its opponents: ``python benchmarks/run.py [--only NAME ...] [--quick] [--list]``.

Writes one JSON file per case to benchmarks/results, then the table in benchmarks/README.md and benchmarks/ratios.png
from all of them. ``--quick`` takes smaller sizes and fewer rounds, prints its table, and writes nothing unless
``--out`` names a folder. How the times are taken, and why that is fair, is in README.md beside this file.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from cases import CASES, REPORT_ONLY, Result
from machine import machine, versions
from report import as_text, headline, summary, write_report
from turns import BUSY, PAUSE, Side, Watch, in_turn

HERE = Path(__file__).resolve().parent
NEEDS = {"tinygan": "numpy", "blas": "numpy", "torch": "torch", "jax": "jax", "scipy": "scipy"}


def installed(side: str) -> bool:
    return importlib.util.find_spec(NEEDS[side]) is not None


def measure(case, mode: str, threads: int, patience: float = 0.0) -> dict:
    """Run one case, and return everything that is known about it, ready for JSON."""
    settings = getattr(case, mode)
    seconds = case.seconds[0] if mode == "full" else case.seconds[1]
    before = os.getloadavg()
    started = time.perf_counter()
    if case.kind == "time":
        result = in_processes(case, settings, seconds, threads, patience)
    else:
        result = {"import": imports, "memory": memories}[case.kind](case, settings, seconds, threads)
    return {"name": case.name, "title": case.title, "mode": mode, "settings": settings, "notes": case.notes,
            "floor": case.floor, "goal": case.goal, "threads": threads, "took_seconds": time.perf_counter() - started,
            "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            "load_average": {"before": before, "after": os.getloadavg()}, "load": result.load, "machine": machine(),
            "versions": versions(), "counts": result.info, "unit": "bytes" if case.kind == "memory" else "seconds",
            "parts": summary(case, result.parts), "rounds": result.parts}


def in_processes(case, settings: dict, seconds: float, threads: int, patience: float) -> Result:
    names = [name for name in case.sides if installed(name)]
    with contextlib.ExitStack() as stack:
        sides, counts = [], {}
        for name in names:
            given = {**settings, "products": counts["tinygan"]["products"]} if name == "blas" else settings
            side = stack.enter_context(Side(name, case.name, given, threads))
            sides.append(side)
            counts |= work_of(side)
        parts, load = in_turn(sides, seconds, patience=patience)
    for found in counts.values():
        found.pop("products", None)
    return Result(case, parts, counts, load)


def work_of(side) -> dict:
    """label -> FLOPs and parameters of the first part, where a case has one part only."""
    parts = side.ask("list")
    if side.name == "scipy" or len(parts) > 1 and side.name != "blas":
        return {}
    part, labels = next(iter(parts.items()))
    counts = {label: side.ask("count", part=part, label=label) for label in labels if REPORT_ONLY not in label}
    return {label: found for label, found in counts.items() if found["flops"]}


def imports(case, settings: dict, seconds: float, threads: int) -> Result:
    """Seconds around the import statement in fresh processes, tinygan and its opponents in turn."""
    code = "import time\nstart = time.perf_counter()\nimport {}\nprint(time.perf_counter() - start)"
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent)}
    # An installed package has its compiled files, as NumPy here has; where this variable is set the tree would be
    # compiled in every process anew.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    names = ["tinygan", "numpy", *(["torch"] if installed("torch") else [])]
    times, watch, begun = {name: [] for name in names}, Watch(), time.perf_counter()
    rounds = settings.get("rounds", 40)
    for number in range(rounds + 1):
        for name in names[:2] if number > 3 else names:  # an import of PyTorch takes seconds, and is for the record
            time.sleep(PAUSE)
            done = subprocess.run([sys.executable, "-c", code.format(name)], env=environment, check=True,
                                  capture_output=True, text=True)
            if number:  # the first round compiles files and fills the disk's cache
                times[name].append(float(done.stdout))
        if number > 3 and time.perf_counter() - begun > seconds:
            break
    times = {name if name != "torch" else f"torch {REPORT_ONLY}": seconds for name, seconds in times.items()}
    others = round(watch.others(), 3)
    load = {"rounds": number, "busy_rounds": number if others > BUSY else 0, "others_cores": others}
    return Result(case, {"import": times}, load=load)


def memories(case, settings: dict, seconds: float, threads: int) -> Result:
    """Growth of the resident set, every competitor in a fresh process."""
    found, totals = {}, {}
    rounds = 2 if seconds > 20 else 1
    for name in case.sides:
        if not installed(name):
            continue
        with Side(name, case.name, settings, threads) as side:
            part, labels = next(iter(side.ask("list").items()))
        for label in [label for label in labels if REPORT_ONLY not in label]:
            for _ in range(rounds):
                with Side(name, case.name, settings, threads) as side:
                    answer = side.ask("memory", part=part, label=label, repeat=3, tiny=case.tiny)
                found.setdefault(label, []).append(answer["growth"])
                totals.setdefault(label, []).append(answer["total"])
    counts = {label: {"resident_set_bytes": statistics.median(values)} for label, values in totals.items()}
    return Result(case, {part: found}, counts, {"rounds": rounds})


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=list(CASES), metavar="NAME", help="these cases alone")
    parser.add_argument("--quick", action="store_true", help="smaller sizes, fewer rounds")
    parser.add_argument("--list", action="store_true", help="print the names of the cases and stop")
    parser.add_argument("--threads", type=int, default=min(2, len(os.sched_getaffinity(0))),
                        help="threads, and cores, of every side (default: 2, or what there is)")
    parser.add_argument("--patience", type=float, default=0.0,
                        help="seconds per case to wait for quiet on a busy machine (default: 0)")
    parser.add_argument("--out", type=Path, help="folder of the JSON files (default: results beside this file)")
    return parser.parse_args(arguments)


def main(arguments=None):
    options = parse(arguments)
    if options.list:
        print("\n".join(f"{case.name:18} {case.title}" for case in CASES.values()))
        return
    # all sides on the same cores: JAX has no other switch for its threads
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:options.threads])
    out = options.out or (None if options.quick else HERE / "results")
    found = []
    for name in options.only or CASES:
        print(f"{name} ...", flush=True)
        outcome = measure(CASES[name], "quick" if options.quick else "full", options.threads,
                          options.patience)
        found.append(outcome)
        print("    " + as_text(headline(CASES[name], outcome)) + f"   ({outcome['took_seconds']:.0f} s, load average "
              f"{outcome['load_average']['before'][0]:.2f}, {outcome['load']})", flush=True)
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
            (out / f"{name}.json").write_text(json.dumps(outcome, indent=1) + "\n")
    if out == HERE / "results":
        write_report(HERE)
    else:
        from report import table
        print("\n".join(table({outcome["name"]: outcome for outcome in found})))


if __name__ == "__main__":
    main()
