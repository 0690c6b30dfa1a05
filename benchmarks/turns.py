"""Processes that are timed in turn, and what else the machine was doing meanwhile.

Every side runs in a process of its own and only one works at a time. PyTorch's OpenMP threads go on spinning for a
while after a call; in one process they would take the second core from the kernels of tinygan that are timed next, and
forbidding it (OMP_WAIT_POLICY=PASSIVE) would slow PyTorch down. In turn, and after a pause that is longer than the
spinning, each has the machine to itself and its own best settings: that is fair to both.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
PAUSE = 0.02       # seconds between turns
TURN = 0.3         # seconds that one turn should take
BUSY = 0.15        # cores used by others above which a round does not count
SLOW = 8.0         # seconds from which a first call is taken for the time of all calls
WITHIN = 1.2       # competitors this many times slower than the fastest of their library drop out,
CHANCES = 3        # when they were so in as many comparisons: a machine that changes its speed can spoil one or two
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Side:
    """A worker process, to be used in a with statement."""

    def __init__(self, name: str, case: str, settings: dict, threads: int):
        environment = {**os.environ, **dict.fromkeys(THREADS, str(threads))}
        environment.pop("OMP_WAIT_POLICY", None)
        self.name = name
        self.process = subprocess.Popen([sys.executable, str(HERE / "worker.py"), name, case, json.dumps(settings)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.process.stdin.close()
        self.process.stdout.close()
        if self.process.wait(60) and kind is None:  # an error that is on its way already says more
            raise RuntimeError(f"benchmarks: expected the process of {self.name} to end well, got exit code "
                               f"{self.process.returncode}")

    def ask(self, do: str, **arguments):
        self.process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"benchmarks: expected an answer of {self.name} to {do}, got none; see its errors above")
        return json.loads(line)


class Watch:
    """How many cores others kept busy since it was made: all work of the machine less that of this process tree."""

    def __init__(self, processes=()):
        self.processes = processes
        self.start = self.read()

    def read(self):
        fields = [int(v) for v in Path("/proc/stat").read_text().split("\n")[0].split()[1:9]]
        busy = sum(fields) - fields[3] - fields[4]  # without idle and waiting for disks
        own = 0
        for pid in (os.getpid(), *(p.pid for p in self.processes)):
            # own time in user and system mode, and that of children that have ended
            own += sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:15]))
        return time.perf_counter(), busy, own

    def others(self) -> float:
        (t0, busy0, own0), (t1, busy1, own1) = self.start, self.read()
        return max(0.0, (busy1 - busy0 - own1 + own0) / os.sysconf("SC_CLK_TCK") / max(t1 - t0, 1e-9))


def entrants(sides) -> list:
    """(side, part, label) of everything that can be timed, part by part."""
    found = [(side, part, label) for side in sides for part, labels in side.ask("list").items() for label in labels]
    parts = list(dict.fromkeys(part for _, part, _ in found))
    return sorted(found, key=lambda entry: parts.index(entry[1]))  # stable: sides stay in order within a part


def calibrate(entries, turn: float) -> tuple[dict, dict]:
    """How often each competitor is called in a turn, and (its time, the time of a call), from a few warm calls."""
    repeats, times = {}, {}
    for side, part, label in entries:
        def call(repeat, side=side, part=part, label=label):
            start = time.perf_counter()
            seconds = side.ask("time", part=part, label=label, repeat=repeat, warm=0)
            # what a call takes is more than it counts, where it times itself
            return statistics.median(seconds), (time.perf_counter() - start) / repeat
        found = call(1)  # with everything that is built or compiled
        if found[1] < SLOW:
            found = call(1)
        if found[1] < turn / 2:
            found = call(min(20, max(1, int(turn / found[1]))))
        times[part, label] = found
        repeats[part, label] = max(1, min(200, round(turn / found[1])))
    return repeats, times


def library(label: str) -> str:
    return label.split()[0]


def fastest_few(entries, times, again) -> list:
    """Entries without those that are clearly slower than another way of the same library to do the same part.

    ``times`` are those of the first comparison; ``again(entry)`` is another, of each that looked slow and right after
    it of the one that looked fastest.
    """
    best = {}
    for entry in entries:
        key = entry[1], library(entry[2])
        if "(report only)" not in entry[2] and (key not in best or times[entry[1:]][0] < times[best[key][1:]][0]):
            best[key] = entry

    def is_slow(entry):
        rival = best.get((entry[1], library(entry[2])), entry)
        return times[entry[1:]][0] > WITHIN * times[rival[1:]][0] and all(
            again(entry) > WITHIN * again(rival) for _ in range(CHANCES - 1))

    return [entry for entry in entries if "(report only)" in entry[2] or not is_slow(entry)]


def wait_for_quiet(processes, patience: float) -> float:
    """Sleep until others leave the machine alone for a second, at most ``patience`` seconds; how long it took."""
    started = time.perf_counter()
    while patience > 0 and time.perf_counter() - started < patience:
        watch = Watch(processes)
        time.sleep(1.0)
        if watch.others() <= BUSY:
            break
    return time.perf_counter() - started


def in_turn(sides, seconds: float, least: int = 3, most: int = 25, patience: float = 0.0) -> tuple[dict, dict]:
    """Rounds of turns, one per competitor, for about ``seconds``: (part -> label -> median per round, load).

    A round in which others used more than BUSY cores is repeated, while there is time: at most half as long again
    as ``seconds``, once there are ``least`` rounds. What remains busy is kept and said. With ``patience`` it waits
    before a round for the others to finish, that many seconds in all, which count for nothing.
    """
    entries = entrants(sides)
    repeats, times = calibrate(entries, min(TURN, seconds / len(entries) / 5))
    dropped = {entry[1:]: times[entry[1:]][0] for entry in entries}

    def median(entry):
        side, part, label = entry
        warm = 1 if times[part, label][1] < 0.5 else 0
        return statistics.median(side.ask("time", part=part, label=label, repeat=repeats[part, label], warm=warm))

    entries = fastest_few(entries, times, median)
    for entry in entries:
        del dropped[entry[1:]]
    one_round = sum((repeats[e[1:]] + 1) * times[e[1:]][1] + PAUSE for e in entries)
    rounds = max(least, min(most, int(seconds / one_round)))
    started = time.perf_counter()
    processes, kept, busy = [side.process for side in sides], [], []
    for number in range(2 * rounds):
        waited = wait_for_quiet(processes, patience)
        patience, started = patience - waited, started + waited
        watch = Watch(processes)
        medians = {}
        # the order turns round by one each time, so that nobody always comes after the same neighbour
        shift = number % len(entries)
        for entry in entries[shift:] + entries[:shift]:
            time.sleep(PAUSE)
            medians[entry[1:]] = median(entry)
        others = watch.others()
        (kept if others <= BUSY else busy).append((others, medians))
        late = time.perf_counter() - started > 1.5 * seconds
        if len(kept) == rounds or late and len(kept) + len(busy) >= least:
            break
    chosen = sorted(kept + busy, key=lambda pair: pair[0])[:rounds]
    parts = {}
    for side, part, label in entries:
        parts.setdefault(part, {})[label] = [medians[part, label] for _, medians in chosen]
    for (part, label), seconds in dropped.items():
        parts.setdefault(part, {})[label] = [seconds]
    load = {"rounds": len(chosen), "busy_rounds": sum(others > BUSY for others, _ in chosen),
            "thrown_away": len(kept) + len(busy) - len(chosen),
            "others_cores": round(statistics.median(others for others, _ in chosen), 3),
            "others_cores_worst": round(max(others for others, _ in chosen), 3)}
    return parts, load


__all__ = ["Side", "Watch", "in_turn"]
