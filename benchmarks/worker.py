"""The process of one side: ``python worker.py SIDE CASE SETTINGS``, then one command per line on standard input.

Commands and answers are JSON objects, one a line. It builds a competitor the first time it is asked for and keeps it.
Between commands it waits on its input, so it takes no time from the process whose turn it is.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1])]


def status(name: str) -> int:
    """A size out of /proc/self/status, in bytes: "VmRSS" (now) or "VmHWM" (the most since it was reset)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"worker: expected {name} in /proc/self/status, got none")


class Worker:
    """The competitors of one side of one case."""

    def __init__(self, side: str, case: str, settings: dict):
        self.module = importlib.import_module(f"on_{side}")
        self.case = getattr(self.module, case)
        self.makers = self.case(settings)
        self.ready = {}

    def competitor(self, part: str, label: str):
        if (part, label) not in self.ready:
            self.ready[part, label] = self.makers[part][label]()
        return self.ready[part, label]

    def list(self) -> dict:
        return {part: list(labels) for part, labels in self.makers.items()}

    def time(self, part: str, label: str, repeat: int, warm: int) -> list:
        """Seconds of ``repeat`` calls, one by one, after ``warm`` calls that are not timed."""
        run = self.competitor(part, label)
        for _ in range(warm):
            run()
        gc.collect()
        seconds = []
        for _ in range(repeat):
            start = time.perf_counter()
            own = run()
            seconds.append(own if getattr(run, "timed", False) else time.perf_counter() - start)
        return seconds

    def memory(self, part: str, label: str, repeat: int, tiny: dict | None = None) -> dict:
        """The growth of the resident set while ``repeat`` warm calls run, over the size before anything was built.

        With ``tiny``, settings of a small problem, the competitor runs on that first: what a library loads for its
        first backward pass and its first step (PyTorch 95 MiB) is its own size and not that of the iteration.
        """
        self.module.settle()
        if tiny is not None:
            run = self.case(tiny)[part][label]()
            for _ in range(2):
                run()
            del run
        gc.collect()
        before = status("VmRSS")
        run = self.competitor(part, label)
        for _ in range(2):
            run()
        Path("/proc/self/clear_refs").write_text("5")  # the high-water mark starts again at the present size
        for _ in range(repeat):
            run()
        return {"growth": status("VmHWM") - before, "total": status("VmHWM")}

    def count(self, part: str, label: str) -> dict:
        """Floating-point operations of the matrix products and convolutions of one call, and what else is known."""
        return self.module.count(self.competitor(part, label))


def main():
    side, case, settings = sys.argv[1:4]
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print goes to standard error
    worker = Worker(side, case, json.loads(settings))
    for line in sys.stdin:
        command = json.loads(line)
        answer = getattr(worker, command.pop("do"))(**command)
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
