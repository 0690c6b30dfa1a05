"""How time and memory grow with the batch and the channels: ``python benchmarks/scaling.py [--again | --report]``.

One DCGAN iteration, the networks of the case "dcgan", at the points of SWEEPS. Each point is timed as run.py times a
case (processes in turn, both warm, same work), and its memory is measured in one more process per library. A point is
written to results/scaling.json as soon as it is measured, and is measured once: a run that was stopped goes on where
it was. Then the table in README.md and scaling.png are written. The complete run takes about four minutes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import statistics
from pathlib import Path

from cases import DCGAN, SMALL_DCGAN, Case
from machine import machine, versions
from report import amount, conditions, insert
from run import measure
from turns import Side

HERE = Path(__file__).resolve().parent
BEGIN, END = "<!-- scaling: written by scaling.py -->", "<!-- end of scaling -->"
SWEEPS = {"batch": (16, 32, 64, 128, 256, 512, 1024), "channels": (16, 32, 64, 128)}
SIDES = ("tinygan", "torch", "blas")
SECONDS = 2.0          # of rounds at one point, but three rounds at the least
BOTH_FORMATS = 128     # the largest batch at which PyTorch's default format is tried too: it falls behind as they grow
REPEAT = 2             # iterations whose peak memory is measured, after two warm ones
ROOMS = ("autograd.py", "tensor.py", "functional.py", "kernels", "ops", "nn", "optim", "models")


def points(sweeps: dict, base: dict) -> dict:
    """name -> settings of every point, the cheap ones first: a run that is stopped early has most of them."""
    found = {}
    for axis, values in sweeps.items():
        for value in values:
            settings = {**base, axis: value}
            found[name_of(settings)] = settings
    return dict(sorted(found.items(), key=lambda item: item[1]["batch"] * item[1]["channels"] ** 2))


def name_of(settings: dict) -> str:
    return f"batch {settings['batch']}, {settings['channels']} channels"


def source() -> str:
    """A digest of tinygan's files that take part: points of two versions of them do not belong in one curve."""
    digest = hashlib.sha256()
    for room in ROOMS:
        path = HERE.parent / "tinygan" / room
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def measure_point(name: str, settings: dict, threads: int, patience: float = 0.0, sides=SIDES) -> dict:
    """Time and memory of one point, ready for JSON: what run.py knows about a case, "memory" and "source"."""
    formats = ["default", "channels-last"] if settings["batch"] <= BOTH_FORMATS else ["channels-last"]
    given = {**settings, "formats": formats}
    case = Case("scaling", f"DCGAN iteration, {name}", "torch", sides, given, given, given, (SECONDS, SECONDS))
    found = measure(case, "full", threads, patience)
    opponent = found["parts"]["iteration"].get("opponent")
    expect_same_work(found["counts"], opponent)
    return found | {"settings": settings, "source": source(), "memory": {
        label: peak_growth(side, label, given, threads)
        for side, label in (("tinygan", "tinygan"), ("torch", opponent)) if label}}


def expect_same_work(counts: dict, opponent) -> None:
    """Raise unless both sides have as many parameters, and as many FLOPs in the operations that ran."""
    if opponent and counts[opponent] != counts["tinygan"]:
        raise RuntimeError(f"scaling: expected the same work on both sides, got {counts['tinygan']} in tinygan and "
                           f"{counts[opponent]} in {opponent}")


def peak_growth(side: str, label: str, settings: dict, threads: int) -> int:
    """Bytes by which the resident set grows during warm iterations, over what a tiny problem leaves behind.

    In a process that does nothing else.
    """
    tiny = {**settings, **SMALL_DCGAN}
    with Side(side, "scaling", settings, threads) as process:
        return process.ask("memory", part="iteration", label=label, repeat=REPEAT, tiny=tiny)["growth"]


def busy(found: dict) -> bool:
    """Whether others disturbed most rounds, by the rule of the other benchmarks: such a figure does not count."""
    return found["load"]["busy_rounds"] > found["load"]["rounds"] / 2


def stands(found, settings: dict, threads: int) -> bool:
    """Whether a point that was measured before needs no second time."""
    same = {"settings": settings, "threads": threads, "machine": machine(), "versions": versions(), "source": source()}
    return found is not None and not busy(found) and all(found[key] == value for key, value in same.items())


def fill(wanted: dict, path: Path, threads: int, patience: float = 0.0, again: bool = False, sides=SIDES) -> dict:
    """Measure what ``path`` has not, and write it there point by point: name -> point, of the points wanted."""
    kept = read(path)
    for name, settings in wanted.items():
        if not again and stands(kept.get(name), settings, threads):
            print(f"{name}: measured before", flush=True)
            continue
        kept[name] = found = measure_point(name, settings, threads, patience, sides)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"name": "scaling", "points": kept}, indent=1) + "\n")
        print(f"{name}: {', '.join(row_of(found)[2:])}   (in {found['took_seconds']:.0f} s and memory)", flush=True)
    return {name: kept[name] for name in wanted}


def read(path: Path) -> dict:
    return json.loads(path.read_text())["points"] if path.exists() else {}


def of_one_version(found: dict) -> dict:
    """The points measured with the same files of tinygan as the newest: a stopped run may have left older ones."""
    newest = max(found.values(), key=lambda point: point["date"], default={"source": None})["source"]
    return {name: point for name, point in found.items() if point["source"] == newest}


def figures(found: dict) -> dict:
    """The numbers of a point: seconds of tinygan, its opponent and the limit, bytes, and the ratio with quartiles."""
    entry, counts = found["parts"]["iteration"], found["counts"]
    rate = counts["blas"]["flops"] / statistics.median(found["rounds"]["square product"]["blas"])
    opponent = entry.get("opponent")
    # a weight has its gradient and the two moments of Adam beside it
    state = 4 * 4 * sum(counts["tinygan"]["parameters"])
    return {"tinygan": entry["competitors"]["tinygan"]["median"], "opponent": opponent, "ratio": entry.get("ratio"),
            "torch": entry["competitors"][opponent]["median"] if opponent else None,
            "limit": counts["tinygan"]["flops"] / rate, "state": state, "memory": found["memory"]["tinygan"],
            "torch memory": found["memory"].get(opponent)}


def row_of(found: dict) -> list:
    """The cells of a point's row in the table."""
    f, settings, load = figures(found), found["settings"], found["load"]
    batch = settings["batch"]
    cells = [str(batch), str(settings["channels"]), amount(f["tinygan"], "seconds")]
    if f["opponent"]:
        ratio, memory = f["ratio"], f["memory"] / f["torch memory"]
        cells += [f"{amount(f['torch'], 'seconds')} ({f['opponent'].split()[1].strip(',')})",
                  f"**{ratio['median']:.2f}** ({ratio['low']:.2f} to {ratio['high']:.2f})",
                  f"{batch / f['tinygan']:.0f}, {batch / f['torch']:.0f}"]
    else:
        cells += ["-", "-", f"{batch / f['tinygan']:.0f}"]
    cells += [f"{amount(f['limit'], 'seconds')} ({f['limit'] / f['tinygan']:.2f})", amount(f["memory"], "bytes")]
    cells += [amount(f["torch memory"], "bytes"), f"**{memory:.2f}**"] if f["opponent"] else ["-", "-"]
    return [*cells, f"{load['busy_rounds']} of {load['rounds']}, {load['others_cores']:.2f}"
            + (" - NOT VALID: busy machine" if busy(found) else "")]


def table(found: dict, sweeps: dict, base: dict) -> list:
    """One table for each sweep, in Markdown, and how much everything grows from its first point to its last."""
    lines = []
    for axis, values in sweeps.items():
        curve = [found[name] for name in (name_of({**base, axis: value}) for value in values) if name in found]
        if not curve:
            continue
        lines += ["| batch | channels | tinygan | PyTorch (format) | ratio of times (quartiles) | images per second | "
                  "limit (its share of tinygan's time) | memory | PyTorch's | ratio | busy rounds, others' cores |",
                  "|" + "---|" * 11, *("| " + " | ".join(row_of(point)) + " |" for point in curve), "",
                  growth(axis, curve), ""]
    return lines


def growth(axis: str, curve: list) -> str:
    """One sentence: the factors between the ends of a curve."""
    first, last = figures(curve[0]), figures(curve[-1])

    def factors(ours, theirs):
        return f"{last[ours] / first[ours]:.1f}" + (
            f" (PyTorch {last[theirs] / first[theirs]:.1f})" if first["opponent"] and last["opponent"] else "")
    low, high = (point["settings"][axis] for point in (curve[0], curve[-1]))
    return (f"From {axis} {low} to {high}, {high / low:g} times as much, the time grows by a factor of "
            f"{factors('tinygan', 'torch')}, the limit by {last['limit'] / first['limit']:.1f}, the memory by "
            f"{factors('memory', 'torch memory')}.")


def write_report(folder: Path, found: dict, sweeps: dict = SWEEPS, base: dict = DCGAN) -> None:
    """Write the tables into ``folder``/README.md, between the two marks, and draw scaling.png."""
    insert(folder / "README.md", BEGIN, END,
           [*conditions(found), "", "![time, images per second and memory](scaling.png)", "",
            *table(found, sweeps, base)])
    draw(found, sweeps, base, folder / "scaling.png")


def draw(found: dict, sweeps: dict, base: dict, path: Path) -> None:
    """A row for each sweep: time, images per second and memory against the batch or the channels."""
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot as plt
    figure, grid = plt.subplots(len(sweeps), 3, figsize=(15, 4.6 * len(sweeps)), layout="constrained", squeeze=False)
    for row, (axis, values) in zip(grid, sweeps.items()):
        curve = [found[name] for name in (name_of({**base, axis: value}) for value in values) if name in found]
        other = {"batch": f"{base['channels']} channels", "channels": f"batch {base['batch']}"}[axis]
        draw_row(row, axis, other, curve)
    figure.suptitle("One DCGAN iteration, 32 x 32 x 1, Adam, float32: tinygan beside PyTorch eager")
    figure.savefig(path, dpi=100, metadata={"Software": None})
    plt.close(figure)


def draw_row(row, axis: str, other: str, curve: list) -> None:
    """Three panels of one sweep; a point that others disturbed has a hollow mark."""
    from matplotlib.ticker import LogLocator
    xs, all_figures = [point["settings"][axis] for point in curve], [figures(point) for point in curve]
    batches = [point["settings"]["batch"] for point in curve]
    panels = (("seconds per iteration", "tinygan", "torch", "limit", "limit: its matrix products at BLAS peak",
               lambda value, batch: value),
              ("images per second", "tinygan", "torch", "limit", "limit", lambda value, batch: batch / value),
              ("peak growth of the resident set, MiB", "memory", "torch memory", "state",
               "weights, gradients and Adam's moments", lambda value, batch: value / 2 ** 20))
    for panel, (title, ours, theirs, limit, limit_label, shown) in zip(row, panels):
        for key, label, style in ((ours, "tinygan", dict(color="#2a9d8f", marker="o")),
                                  (theirs, "PyTorch eager", dict(color="#e76f51", marker="s")),
                                  (limit, limit_label, dict(color="black", linestyle="--", linewidth=1))):
            known = [(x, shown(f[key], batch), busy(point))
                     for x, f, batch, point in zip(xs, all_figures, batches, curve) if f[key] is not None]
            if known:
                panel.plot([x for x, *_ in known], [y for _, y, _ in known], label=label, **style)
            hollow = [(x, y) for x, y, disturbed in known if disturbed and key != limit]
            panel.plot([x for x, _ in hollow], [y for _, y in hollow], "o", color="white", markersize=3, zorder=3)
        panel.set(xscale="log", yscale="log", xlabel=f"{axis} ({other})", ylabel=title)
        panel.set_xticks(xs, map(str, xs))
        panel.set_xticks([], minor=True)
        panel.yaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 5)))
        panel.yaxis.set_major_formatter("{x:g}")
        panel.yaxis.set_minor_formatter("")
        panel.grid(alpha=0.3, which="both")
        panel.legend(fontsize=8)


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=min(2, len(os.sched_getaffinity(0))),
                        help="threads, and cores, of every side (default: 2, or what there is)")
    parser.add_argument("--patience", type=float, default=0.0,
                        help="seconds per point to wait for quiet on a busy machine (default: 0)")
    parser.add_argument("--again", action="store_true", help="measure every point anew")
    parser.add_argument("--report", action="store_true", help="measure nothing; table and picture of what there is")
    return parser.parse_args(arguments)


def main(arguments=None):
    options = parse(arguments)
    path = HERE / "results" / "scaling.json"
    if options.report:
        write_report(HERE, of_one_version(read(path)))
        return
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:options.threads])  # all sides on the same cores
    write_report(HERE, fill(points(SWEEPS, DCGAN), path, options.threads, options.patience, options.again))


if __name__ == "__main__":
    main()
