"""Ratios from times, the table in README.md, and the picture."""

from __future__ import annotations

import json
import statistics
import textwrap
from pathlib import Path

from cases import CASES, REPORT_ONLY

SHARE = {"name": "blas_share", "title": "share of a DCGAN iteration that its matrix products would need at BLAS peak",
         "floor": 0.55, "goal": 0.75}
BEGIN, END = "<!-- results: written by run.py -->", "<!-- end of results -->"
# Title, the part of gpu.py that measures it (None: none does yet), floor and goal.
NOT_HERE = [
    ("H200: DCGAN iteration, batch 64, against PyTorch eager", "dcgan_64", 1.0, 0.5),
    ("H200: the same against torch.compile with CUDA graphs", None, 1.3, 0.9),
]


def spread(values) -> dict:
    """Median and quartiles."""
    quarters = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else [values[0]] * 3
    return {"median": statistics.median(values), "low": quarters[0], "high": quarters[2], "n": len(values)}


def opponent_of(case, times: dict):
    """The label of the fastest competitor that counts, or None."""
    rounds = max(map(len, times.values()))
    # those that left after one slow turn are out: later, on a busier machine, even that turn could look fast
    labels = [label for label, values in times.items()
              if label.startswith(case.opponent) and REPORT_ONLY not in label and len(values) == rounds]
    return min(labels, key=lambda label: statistics.median(times[label]), default=None)


def summary(case, parts: dict) -> dict:
    """part -> the spread of each competitor, and the ratio: the median over rounds of ours over the opponent's."""
    found = {}
    for part, times in parts.items():
        entry = {"competitors": {label: spread(values) for label, values in times.items()}}
        opponent = opponent_of(case, times)
        if "tinygan" in times and opponent:
            entry |= {"opponent": opponent, "ratio": ratio_to(opponent, times)}
        found[part] = entry
    return found


def ratio_to(label, times: dict) -> dict:
    """The spread over rounds of our time divided by that of a competitor in the same round."""
    return spread([ours / theirs for ours, theirs in zip(times["tinygan"], times[label])])


def headline(case, outcome: dict) -> dict:
    """The figure of a case: the ratio of its worst part, or for ``judged`` "median" the median of its parts."""
    parts = [(entry["ratio"]["median"], part, entry) for part, entry in outcome["parts"].items() if "ratio" in entry]
    if not parts:
        return {"title": case.title, "ratio": None, "floor": case.floor, "goal": case.goal, "outcome": outcome}
    parts.sort(key=lambda item: item[0])
    ratio, part, entry = middle = parts[len(parts) // 2]
    if case.judged == "all":
        ratio, part, entry = parts[-1]
    others = f"{len(parts)} parts from {parts[0][0]:.2f} to {parts[-1][0]:.2f}, median {middle[0]:.2f}"
    return {"title": case.title, "ratio": ratio, "low": entry["ratio"]["low"], "high": entry["ratio"]["high"],
            "part": part if len(parts) > 1 else None, "others": others, "opponent": entry["opponent"],
            "floor": case.floor, "goal": case.goal, "outcome": outcome}


def blas_share(outcome: dict) -> dict:
    """How much of an iteration its products would take at the rate of a large square product, in the same run."""
    times = outcome["rounds"]
    rate = outcome["counts"]["blas"]["flops"]
    flops = outcome["counts"]["tinygan"]["flops"]
    shares = [flops / (rate / square) / ours
              for square, ours in zip(times["square product"]["blas"], times["iteration"]["tinygan"])]
    found = spread(shares)
    return {"title": SHARE["title"], "ratio": found["median"], "low": found["low"], "high": found["high"],
            "part": None, "opponent": "blas", "floor": SHARE["floor"], "goal": SHARE["goal"], "outcome": outcome}


def verdict(row: dict) -> str:
    """"goal met", "floor met" or "missed"; the share is better when it is larger. Nothing, when others were busy."""
    if row["ratio"] is None:
        return "not measured"
    load = row["outcome"]["load"]
    if load.get("busy_rounds", 0) > load["rounds"] / 2:
        return "not valid: busy machine"
    if row["floor"] is None:
        return "no target"
    sign = -1 if row["title"] == SHARE["title"] else 1
    return ("goal met" if sign * row["ratio"] <= sign * row["goal"] else
            "floor met" if sign * row["ratio"] <= sign * row["floor"] else "missed")


def as_text(row: dict) -> str:
    """One line for the terminal."""
    if row["ratio"] is None:
        return "no opponent installed"
    part = f" in {row['part']}" if row.get("part") else ""
    return f"{row['ratio']:.2f} ({row['low']:.2f} to {row['high']:.2f}){part} against {row['opponent']}: {verdict(row)}"


def amount(value: float, unit: str) -> str:
    if unit == "bytes":
        return f"{value / 2 ** 20:.1f} MiB"
    return f"{value * 1e3:.1f} ms" if value >= 1e-2 else f"{value * 1e3:.2f} ms" if value >= 1e-3 else \
        f"{value * 1e6:.2f} us"


def rows_of(results: dict) -> list:
    """The headline of every case, with the share of BLAS after the DCGAN iteration."""
    rows = []
    for name, case in CASES.items():
        if name in results:
            rows.append(headline(case, results[name]))
            if name == "dcgan" and "blas" in results[name]["counts"]:
                rows.append(blas_share(results[name]))
    return rows


def table(results: dict) -> list:
    """The lines of the main table, in Markdown."""
    lines = ["| benchmark | ratio (quartiles) | floor | goal | | opponent | busy rounds, others' cores, load average |",
             "|---|---|---|---|---|---|---|"]
    for row in rows_of(results):
        load, before = row["outcome"]["load"], row["outcome"]["load_average"]["before"][0]
        busy = (f"{load['busy_rounds']} of {load['rounds']}, {load['others_cores']:.2f}, " if "busy_rounds" in load
                else "") + f"{before:.2f}"
        target = [f"{row[key]:g}" if row[key] is not None else "-" for key in ("floor", "goal")]
        ratio = "-" if row["ratio"] is None else f"**{row['ratio']:.2f}** ({row['low']:.2f} to {row['high']:.2f})"
        part = f": {row['part']} ({row['others']})" if row.get("part") else ""
        part += "" if row["outcome"]["mode"] == "full" else " - QUICK SIZES, smaller than these"
        lines.append(f"| {row['title']}{part} | {ratio} | {target[0]} | {target[1]} | {verdict(row)} | "
                     f"{row.get('opponent', '-')} | {busy} |")
    return lines


def details(results: dict) -> list:
    """Every competitor of every part, with its spread and its FLOPs."""
    lines = ["| case | competitor | median | quartiles | ratio of tinygan to it | GFLOP | GFLOP/s |",
             "|---|---|---|---|---|---|---|"]
    for name in CASES:
        outcome = results.get(name)
        for part, entry in outcome["parts"].items() if outcome else ():
            competitors, times = entry["competitors"], outcome["rounds"][part]
            for label, s in competitors.items():
                unit, flops = outcome["unit"], outcome["counts"].get(label, {}).get("flops")
                if label == "blas" and part != "square product":
                    flops = outcome["counts"]["tinygan"]["flops"]
                work = f"{flops / 1e9:.3g} | {flops / 1e9 / s['median']:.0f}" if flops and unit == "seconds" else " | "
                in_every_round = len(times[label]) == len(times.get("tinygan", ()))
                ratio = f"{ratio_to(label, times)['median']:.2f}" if in_every_round else ""
                lines.append(f"| {name}: {part} | {label} | {amount(s['median'], unit)} | {amount(s['low'], unit)} to "
                             f"{amount(s['high'], unit)} ({s['n']}) | {ratio} | {work} |")
    return lines


def conditions(results: dict) -> list:
    """One sentence on machine and versions for each different set of them."""
    said = {}
    for name, outcome in results.items():
        m, v = outcome["machine"], outcome["versions"]
        text = (f"{m['processor']} ({m['vectors']}), {outcome['threads']} threads on {m['cores']} cores, "
                f"{m['memory_gib']} GiB, {m['system']}; Python {v['python']}, NumPy {v['numpy']} ({v['blas']}), "
                f"SciPy {v['scipy']}, PyTorch {v['torch'] or 'not installed'}, JAX {v['jax'] or 'not installed'}; "
                f"{outcome['date'][:10]}")
        said.setdefault(text, []).append(name)
    return [text + ("." if len(said) == 1 else f" ({', '.join(names)}).") for text, names in said.items()]


def insert(readme: Path, begin: str, end: str, lines: list) -> None:
    """Put lines between two marks of a file, in the place of what is there."""
    before, _, rest = readme.read_text().partition(begin)
    readme.write_text(before + "\n".join([begin, "", *lines, end]) + rest.partition(end)[2])


def on_a_gpu(folder: Path, part: str | None) -> str:
    """The ratios of a part of gpu.py in its latest results, one per precision, and the name of the GPU."""
    path = folder / "results" / "gpu" / "gpu.json"
    outcome = json.loads(path.read_text()) if path.exists() else {"parts": {}}
    entries = outcome["parts"].get(part, {}).get("parts", {})
    ratios = [f"**{entry['ratio']['median']:.2f}** ({entry['ratio']['low']:.2f} to {entry['ratio']['high']:.2f}) in "
              f"{label.partition(':')[0]}" for label, entry in entries.items() if "ratio" in entry]
    return f"{', '.join(ratios)}, on {outcome['gpu']['name']}" if ratios else "not measured: needs a GPU"


def write_report(folder: Path) -> None:
    """Write the results in ``folder``/results into README.md, between its two marks, and draw ratios.png."""
    results = {path.stem: json.loads(path.read_text()) for path in sorted((folder / "results").glob("*.json"))}
    results = {name: outcome for name, outcome in results.items() if name in CASES and outcome["mode"] == "full"}
    beyond = [f"| {title} | {on_a_gpu(folder, part)} | {floor:g} | {goal:g} | | | |"
              for title, part, floor, goal in NOT_HERE]
    insert(folder / "README.md", BEGIN, END,
           [*conditions(results), "", *table(results), *beyond, "", "![ratios, with floors and goals](ratios.png)", "",
            "All competitors:", "", *details(results), ""])
    draw(rows_of(results), folder / "ratios.png")


def draw(rows: list, path: Path) -> None:
    """Ratios as bars on a logarithmic axis, floors and goals as marks."""
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot as plt
    rows = [row for row in rows if row["ratio"] is not None][::-1]
    figure, axes = plt.subplots(figsize=(11, 0.55 * len(rows) + 1.4), layout="constrained")
    colours = {"goal met": "#2a9d8f", "floor met": "#e9c46a", "missed": "#e76f51", "no target": "#8d99ae",
               "not valid: busy machine": "#d9d9d9"}
    for y, row in enumerate(rows):
        axes.barh(y, row["ratio"], color=colours[verdict(row)], height=0.6)
        axes.plot([row["low"], row["high"]], [y, y], color="black", linewidth=1)
        axes.annotate(f"{row['ratio']:.2f}", (1.01, y), xycoords=axes.get_yaxis_transform(), va="center")
        for key, marker in (("floor", "|"), ("goal", "D")):
            if row[key] is not None:
                axes.plot(row[key], y, marker, color="black", markersize=16 if marker == "|" else 5)
    axes.set_yticks(range(len(rows)), [textwrap.fill(row["title"], 48) for row in rows], fontsize=9)
    axes.set_xscale("log")
    axes.set_xlim(left=min(0.1, 0.8 * min((row["ratio"] for row in rows), default=1)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter("")
    axes.axvline(1, color="grey", linewidth=0.8)
    figure.supxlabel("tinygan / opponent (smaller is better, but for the share of BLAS);  | floor   "
                     "\N{BLACK DIAMOND} goal;  black line: quartiles", fontsize=9)
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)


__all__ = ["amount", "as_text", "conditions", "headline", "insert", "summary", "table", "write_report"]
