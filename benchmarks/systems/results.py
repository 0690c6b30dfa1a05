"""Results as JSON files: one per system and seed, and one per training that systems share."""

from __future__ import annotations

import datetime
import functools
import hashlib
import inspect
import json
import os
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = str(HERE.parents[1])
if ROOT not in sys.path:
    sys.path.insert(0, ROOT)  # the tinygan beside these files is the one that is judged
FOLDER = HERE / "results"

place = {"folder": FOLDER, "scale": 1.0}  # where results go, and how long trainings are; a run sets both


def steps(number: int) -> int:
    """``number`` of steps, shortened when this run is a trial (``--scale``)."""
    return max(2, round(number * place["scale"]))


def path_of(group: str, name: str, seed: int) -> Path:
    return place["folder"] / group / f"{name}-seed{seed}.json"


def read(path: Path) -> dict | None:
    """The JSON file, or None when there is none."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def write(path: Path, content: dict) -> None:
    """Write a JSON file whole or not at all: several processes may share a folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    text = json.dumps(content, indent=1, default=lambda value: value.item())  # numbers and truth values of NumPy
    part.write_text(text + "\n", encoding="utf-8")
    part.replace(path)


def now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")


def shared(function):
    """Decorator: ``function(**settings)`` -> a dict of figures for JSON, computed once for equal settings.

    A baseline that several systems compare with is trained once. All settings, defaults included, are part of the key.
    """
    signature = inspect.signature(function)

    @functools.wraps(function)
    def cached(*args, **kwargs):
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        settings = dict(bound.arguments)
        settings |= settings.pop("settings", {})
        text = json.dumps({"training": function.__name__, "scale": place["scale"], **settings}, sort_keys=True,
                          default=repr)
        key = hashlib.sha256(text.encode()).hexdigest()[:12]
        path = place["folder"] / "trainings" / f"{function.__name__}-{key}.json"
        known = read(path)
        if known is None:
            started = time.perf_counter()
            figures = function(*args, **kwargs)
            known = {"settings": json.loads(text), "figures": figures,
                     "seconds": round(time.perf_counter() - started, 1), "date": now()}
            write(path, known)
            known = read(path)  # as everyone else will see it
        return {**known["figures"], "seconds": known["seconds"]}
    return cached
