"""The parts of gpu.py: each a function of its options, which saves what it has found so far with ``save(dict)``."""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from cases import CASES, DCGAN, LAYERS, QUICK_LAYERS, REPORT_ONLY
from report import summary
from turns import Side, in_turn

ROOT = Path(__file__).resolve().parents[1]
PRECISIONS = ("float32", "tf32")
SMALL = {"batch": 16, "channels": 8, "images": 1, "size": 16, "z_dim": 16}  # the DCGAN whose memory is watched
MEASURING = 0.5  # share of a part's time that goes into rounds; the rest starts processes and compiles kernels


@dataclass(frozen=True)
class Options:
    """What a part is told. ``seconds``: its limit. ``sides``: "tinygan", and "torch" where it can use the GPU."""

    seconds: float
    quick: bool = False
    sides: tuple = ("tinygan", "torch")
    data: str = "embedded"


@dataclass(frozen=True)
class Part:
    """One part: its title, its limits in seconds (full, quick), and ``run(options, save)``."""

    title: str
    limits: tuple
    run: object
    floor: float | None = None
    goal: float | None = None


# The limits of the device

def peak(options, save, size=None) -> None:
    """The rates of a large product in each precision (FLOP/s) and of a large copy (bytes/s, read and written)."""
    from on_gpu_tinygan import PRECISIONS as NAMES
    from on_gpu_tinygan import seconds_of

    import tinygan
    from tinygan import random
    n, calls = size or (4096 if options.quick else 8192), 5 if options.quick else 10
    found = {"size": n}
    a, b = (random.normal((n, n), device="cuda") for _ in range(2))
    for precision in PRECISIONS:
        tinygan.set_precision(NAMES[precision])
        found[precision] = 2 * n ** 3 / best(seconds_of, lambda: a @ b, calls)
        save(found)
    tinygan.set_precision("highest")

    def copy():
        b[...] = a
    found["copy"] = 2 * a.nbytes / best(seconds_of, copy, calls)
    save(found)


def best(seconds_of, run, calls: int) -> float:
    """The shortest of five measurements, the first calls not counted."""
    seconds_of(run, 2)
    return min(seconds_of(run, calls) for _ in range(5))


# Times, against PyTorch

def timing(name: str, full: dict, quick: dict, calls: int):
    """The part that times a case of cases.py at these sizes, both sides in processes of their own and in turn."""
    def run(options, save):
        settings = {**(quick if options.quick else full), "precisions": PRECISIONS, "calls": calls}
        case = dataclasses.replace(CASES[name], full=settings)
        sides, counts, notes = [], {}, []
        with contextlib.ExitStack() as stack:
            for side in [Side(f"gpu_{side}", name, settings, threads=os.cpu_count() or 1) for side in options.sides]:
                try:
                    counts |= warmed(side)
                except (RuntimeError, BrokenPipeError) as error:  # a side that fails leaves the other's figures
                    side.process.kill()
                    notes.append(f"{side.name}: {error}")
                else:
                    sides.append(stack.enter_context(side))
            parts, load = in_turn(sides, options.seconds * MEASURING, least=5) if sides else ({}, {})
        save({"settings": settings, "parts": summary(case, parts), "counts": counts, "load": load, "notes": notes})
        if "gpu_tinygan" not in [side.name for side in sides]:
            raise RuntimeError(f"expected tinygan's side to run, got {notes}")
    return run


def warmed(side) -> dict:
    """Call everything of a side twice, and return its FLOPs and parameters by label, for a case of one part."""
    parts, counts = side.ask("list"), {}
    for part, labels in parts.items():
        for label in labels:
            side.ask("time", part=part, label=label, repeat=1, warm=1)
    if len(parts) == len(PRECISIONS):
        part, labels = next(iter(parts.items()))
        counts = {label: side.ask("count", part=part, label=label) for label in labels if REPORT_ONLY not in label}
        for found in counts.values():
            found.pop("products", None)
    return counts


# Memory

def memory(options, save, settings=None, iterations=None) -> None:
    """Memory of the device over many iterations of a small DCGAN, with the garbage collector off."""
    import on_tinygan

    from tinygan import backend
    from tinygan.testing import live_objects
    on_tinygan.DEVICE = "cuda"
    run = on_tinygan.dcgan(settings or SMALL)["iteration"]["tinygan"]()
    iterations, end = iterations or (1000 if options.quick else 10000), time.monotonic() + 0.8 * options.seconds
    pool = backend.device("cuda").xp.get_default_memory_pool()
    gc.collect()
    gc.disable()
    records = []
    try:
        for number in range(1, iterations + 1):
            run()
            if number % (iterations // 10) == 0 or time.monotonic() > end:
                records.append({"iterations": number, "arrays": pool.used_bytes(), "pool": pool.total_bytes(),
                                "objects": live_objects(), "free": backend.memory_left("cuda")[0]})
            if time.monotonic() > end:
                break
    finally:
        gc.enable()
    watched = [{key: record[key] for key in ("arrays", "pool", "objects")} for record in records]
    save({"settings": settings or SMALL, "records": records, "iterations": records[-1]["iterations"],
          "constant": len(watched) > 1 and all(one == watched[0] for one in watched)})


# The whole thing

def mnist(options, save) -> None:
    """examples/dcgan_mnist.py on the GPU: its time, and its figures."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, str(ROOT / "examples" / "dcgan_mnist.py"), "--device", "cuda", "--data",
                   options.data, "--epochs", "1" if options.quick else "9", "--seed", "0", "--out", f"{folder}/run"]
        started = time.monotonic()
        done = subprocess.run(command, capture_output=True, text=True, env=environment())
        seconds = time.monotonic() - started
    save({"data": "embedded" if options.data == "embedded" else "given", "seconds": seconds,
          "epochs": int(command[command.index("--epochs") + 1]), **judged(done.stdout)})
    if "expected:" not in done.stdout:
        raise RuntimeError(f"the example ended with code {done.returncode}: {done.stderr.strip()[-400:]}")


def judged(text: str) -> dict:
    """The row "samples" of the example's table."""
    row = re.search(r"^samples +([\d.]+) +(\d+) +([\d.]+)", text, re.MULTILINE)
    return {} if row is None else {"confident": float(row[1]), "classes": int(row[2]), "fid_j": float(row[3])}


def tests(options, save) -> None:
    """The tests of the GPU, on the GPU; whatever is not done in time is not counted."""
    command = [sys.executable, "-m", "pytest", "-q", "-m", "gpu", "--device", "cuda", "-p", "no:cacheprovider",
               "--no-header", "--tb=line", "-rf"]
    try:
        text = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment(),
                              timeout=0.95 * options.seconds).stdout
    except subprocess.TimeoutExpired as error:
        text = (error.stdout or b"").decode(errors="replace")
    save(outcomes(text))


def outcomes(text: str) -> dict:
    """How many tests passed and failed, by the progress lines of pytest -q, and the names of those that failed."""
    progress = "".join(re.findall(r"^([.FEsxX]+)(?: +\[ *\d+%\])?$", text, re.MULTILINE))
    return {"passed": progress.count("."), "failed": progress.count("F") + progress.count("E"),
            "skipped": progress.count("s"),
            "complete": re.search(r"^\d+ (passed|failed).* in ", text, re.MULTILINE) is not None,
            "names": re.findall(r"^FAILED (\S+)", text, re.MULTILINE)[:50]}


def environment() -> dict:
    """With this tree's tinygan before everything else."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])}


def operations(options, save) -> None:
    """The table of operations, CPU against GPU."""
    from gpu_operations import compare
    compare(0.85 * options.seconds, save, every=5 if options.quick else 1)


PARTS = {
    "peak": Part("limits of the device", (25, 15), peak),
    "dcgan_64": Part("DCGAN iteration, batch 64", (50, 25), timing("dcgan", DCGAN, DCGAN, 10), 1.0, 0.5),
    "dcgan_512": Part("DCGAN iteration, batch 512", (60, 25),
                      timing("dcgan", {**DCGAN, "batch": 512}, {**DCGAN, "batch": 512}, 5)),
    "wgan_gp": Part("WGAN-GP critic iteration, batch 64", (50, 25), timing("wgan_gp", DCGAN, DCGAN, 10)),
    "mlp_gan": Part("MLP GAN iteration, batch 256", (35, 15),
                    timing("mlp_gan", CASES["mlp_gan"].full, CASES["mlp_gan"].full, 20)),
    "convolution": Part("convolution layers", (90, 35), timing(
        "convolution", {"layers": LAYERS}, {"layers": {name: LAYERS[name] for name in QUICK_LAYERS}}, 20)),
    "memory": Part("memory over iterations", (60, 20), memory),
    "mnist": Part("DCGAN trained on MNIST", (75, 35), mnist),
    "operations": Part("operations, CPU against GPU", (70, 30), operations),
    "tests": Part("tests of the GPU", (90, 30), tests),
}

__all__ = ["Options", "PARTS", "PRECISIONS", "Part"]
