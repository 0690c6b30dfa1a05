"""Measure tinygan on a GPU: ``python benchmarks/gpu.py [--quick] [--only PART ...] [--data FOLDER]``.

Ends within nine minutes (--quick: four) and writes gpu.json, gpu.md and, where something failed, gpu.log to
benchmarks/results/gpu, or to the folder in the environment variable OUT. Needs CuPy and a GPU; compares with PyTorch
where it is installed and can use the GPU.
Every part has a process of its own and a limit in seconds: one that fails, hangs or breaks the device's context leaves
the others' figures. Times are those between two events of the device, both sides warm and in turn, once in float32 and
once in TF32 on both sides. What the parts are: ``--list`` and gpu_parts.py.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from gpu_parts import PARTS, Options
from gpu_report import report
from machine import machine, versions

HERE = Path(__file__).resolve().parent
MINUTES = (9, 4)  # full, quick
SPARE = 10        # seconds kept back for the report
LOG_LINES = 60    # that are kept of a part that failed
CAN_TORCH = "import sys, torch; sys.exit(not torch.cuda.is_available())"


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer layers, rounds and iterations")
    parser.add_argument("--only", nargs="+", choices=list(PARTS), metavar="PART", help="these parts alone")
    parser.add_argument("--alone", action="store_true", help="without PyTorch")
    parser.add_argument("--data", default="embedded", help="embedded, or what the example takes: mnist, a folder, ...")
    parser.add_argument("--list", action="store_true", help="print the parts and stop")
    parser.add_argument("--part", choices=list(PARTS), help=argparse.SUPPRESS)      # the process of one part
    parser.add_argument("--seconds", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--result", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def one_part(options) -> None:
    """The process of one part: what it has found so far is in its file at any time."""
    sys.path.insert(0, str(HERE.parent))

    def save(found):
        partial = options.result.with_suffix(".partial")
        partial.write_text(json.dumps(found))
        partial.replace(options.result)
    sides = ("tinygan",) if options.alone else ("tinygan", "torch")
    PARTS[options.part].run(Options(options.seconds, options.quick, sides, options.data), save)


def run_part(name: str, seconds: float, arguments: list, folder: Path) -> dict:
    """Run a part in a process, and return what it saved; ``ended`` says how, if it did not end well."""
    result, log = folder / f"{name}.json", folder / f"{name}.log"
    command = [sys.executable, str(HERE / "gpu.py"), "--part", name, "--seconds", str(seconds), "--result", str(result),
               *arguments]
    started, ended = time.monotonic(), None
    with log.open("w") as output:
        # a session of its own, so that the processes of its sides end with it
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            if process.wait(seconds):
                last = log.read_text(errors="replace").strip().splitlines()[-1:]
                ended = f"exit code {process.returncode}: {' '.join(last)[:400]}"
        except subprocess.TimeoutExpired:
            ended = f"not done within its {seconds:.0f} s"
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    found = json.loads(result.read_text()) if result.exists() else {}
    return {**found, "took_seconds": round(time.monotonic() - started, 1), **({"ended": ended} if ended else {})}


def keep_log(name: str, found: dict, log: Path, kept: Path) -> None:
    """Add the end of what a part printed to one file, where something went wrong."""
    if log.exists() and (found.get("ended") or found.get("notes")):
        with kept.open("a") as file:
            file.write("\n".join([f"== {name}", *log.read_text(errors="replace").splitlines()[-LOG_LINES:], ""]))


def gpu() -> dict:
    """Name, memory and versions of the first GPU. Raises RuntimeError where CuPy finds none."""
    sys.path.insert(0, str(HERE.parent))
    import tinygan
    cupy = tinygan.resolve_device("cuda").xp
    runtime, properties = cupy.cuda.runtime, cupy.cuda.runtime.getDeviceProperties(0)
    return {"name": properties["name"].decode(), "capability": f"{properties['major']}.{properties['minor']}",
            "memory_gib": round(runtime.memGetInfo()[1] / 2 ** 30, 1), "cupy": cupy.__version__,
            "cuda_runtime": runtime.runtimeGetVersion(), "cuda_driver": runtime.driverGetVersion()}


def main(arguments=None) -> int:
    options = parse(arguments)
    if options.list:
        print("\n".join(f"{name:12} {part.title} (at most {part.limits[0]} s, --quick {part.limits[1]} s)"
                        for name, part in PARTS.items()))
        return 0
    if options.part:
        one_part(options)
        return 0
    end = time.monotonic() + 60 * MINUTES[options.quick] - SPARE
    try:
        device = gpu()
    except RuntimeError as error:
        print(f"gpu.py: {error}", file=sys.stderr)
        return 1
    alone = options.alone or subprocess.run([sys.executable, "-c", CAN_TORCH], capture_output=True).returncode != 0
    rest = [*(["--quick"] if options.quick else []), *(["--alone"] if alone else []), "--data", options.data]
    out = Path(os.environ.get("OUT") or HERE / "results" / "gpu")
    out.mkdir(parents=True, exist_ok=True)
    (out / "gpu.log").unlink(missing_ok=True)
    outcome = {"mode": "quick" if options.quick else "full", "gpu": device, "machine": machine(),
               "versions": versions(), "against": None if alone else "torch", "parts": {},
               "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")}
    with tempfile.TemporaryDirectory() as folder:
        for name in options.only or PARTS:
            limit = min(PARTS[name].limits[options.quick], end - time.monotonic())
            print(f"{name} ...", flush=True)
            outcome["parts"][name] = run_part(name, limit, rest, Path(folder)) if limit > 5 else \
                {"ended": "no time was left"}
            print(f"    {outcome['parts'][name].get('ended', 'done')}", flush=True)
            (out / "gpu.json").write_text(json.dumps(outcome, indent=1) + "\n")
            (out / "gpu.md").write_text(report(outcome))
            keep_log(name, outcome["parts"][name], Path(folder) / f"{name}.log", out / "gpu.log")
    print(report(outcome))
    return 0


if __name__ == "__main__":
    sys.exit(main())
