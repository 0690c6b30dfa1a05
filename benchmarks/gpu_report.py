"""The page of gpu.py: what was measured on which GPU, in Markdown."""

from __future__ import annotations

from gpu_parts import PARTS
from report import amount

SAID = {"float32": "float32 on both sides", "tf32": "TF32 on both sides"}


def report(outcome: dict) -> str:
    """The whole page, of an outcome of gpu.py, complete or not."""
    parts, device = outcome["parts"], outcome["gpu"]
    lines = ["# tinygan on a GPU", "", conditions(outcome, device), "", *peak_lines(parts.get("peak", {})), "",
             *times(parts), "", *facts(parts), ""]
    failed = [f"* {PARTS[name].title}: {found['ended']}" for name, found in parts.items() if "ended" in found]
    notes = [f"* {PARTS[name].title}: {note}" for name, found in parts.items() for note in found.get("notes", ())]
    return "\n".join(lines + (["Not measured, or not to the end:", "", *failed, *notes, ""] if failed or notes else []))


def conditions(outcome: dict, device: dict) -> str:
    """One sentence on machine and versions."""
    torch = f"PyTorch {outcome['versions']['torch']} (eager)" if outcome["against"] else "no PyTorch to compare with"
    quick = "" if outcome["mode"] == "full" else " QUICK: fewer layers and rounds."
    return (f"{device['name']} (compute capability {device['capability']}, {device['memory_gib']} GiB), CUDA "
            f"{version(device['cuda_runtime'])}, driver for up to {version(device['cuda_driver'])}; CuPy "
            f"{device['cupy']}, {torch}, NumPy {outcome['versions']['numpy']}, Python {outcome['versions']['python']}; "
            f"{outcome['machine']['processor']}; {outcome['date'][:10]}.{quick}")


def version(number: int) -> str:
    """12.9 for 12090."""
    return f"{number // 1000}.{number % 1000 // 10}"


def peak_lines(peak: dict) -> list:
    """The limits of the device, as far as they were measured."""
    found = [f"{peak[name] / 1e12:.1f} TFLOP/s in {name}" for name in SAID if name in peak]
    if "copy" in peak:
        found.append(f"{peak['copy'] / 1e12:.2f} TB/s in a copy, read and written")
    return [f"Limits of the device in this run (product of {peak['size']}-square matrices): {', '.join(found)}."] \
        if found else []


def times(parts: dict) -> list:
    """The table of times: one row per part and precision, with the ratio to the fastest way of PyTorch that counts."""
    lines = ["| what | precision | tinygan | fastest opponent | ratio (quartiles) | GFLOP/s | share of the limit | "
             "floor, goal |", "|---|---|---|---|---|---|---|---|"]
    for name, found in parts.items():
        for label, entry in found.get("parts", {}).items():
            lines.append(row(name, label, entry, found, parts.get("peak", {})))
    return lines if len(lines) > 2 else []


def row(name: str, label: str, entry: dict, found: dict, peak: dict) -> str:
    """One line of the table of times."""
    precision, _, part = label.partition(": ")
    part = "" if part.endswith("iteration") else f": {part}"
    competitors, title = entry["competitors"], PARTS[name].title
    own = competitors.get("tinygan", {}).get("median")
    opponent, ratio, target = "-", "-", "-"
    if "ratio" in entry:
        spread = entry["ratio"]
        opponent = f"{amount(competitors[entry['opponent']]['median'], 'seconds')} ({entry['opponent']})"
        ratio = f"**{spread['median']:.2f}** ({spread['low']:.2f} to {spread['high']:.2f})"
    if PARTS[name].floor is not None:
        target = f"{PARTS[name].floor:g}, {PARTS[name].goal:g}"
    flops = found.get("counts", {}).get("tinygan", {}).get("flops")
    rate = f"{flops / own / 1e9:.0f}" if flops and own else "-"
    share = f"{flops / own / peak[precision]:.2f}" if flops and own and precision in peak else "-"
    return (f"| {title}{part} | {SAID[precision]} | {amount(own, 'seconds') if own else '-'} | {opponent} | {ratio} | "
            f"{rate} | {share} | {target} |")


def facts(parts: dict) -> list:
    """What is no time: memory, the training, the operations, the tests."""
    lines = []
    if "records" in (found := parts.get("memory", {})):
        first, last = found["records"][0], found["records"][-1]
        state = "constant" if found["constant"] else "NOT CONSTANT"
        lines.append(f"* Memory over {found['iterations']:,} iterations of a small DCGAN: {state} after the first "
                     f"{first['iterations']:,} (arrays {first['arrays']:,} to {last['arrays']:,} bytes, pool "
                     f"{first['pool']:,} to {last['pool']:,}, tensors {first['objects']:,} to {last['objects']:,}).")
    if "fid_j" in (found := parts.get("mnist", {})):
        lines.append(f"* DCGAN on MNIST ({found['data']} images), {found['epochs']} epochs and judging in "
                     f"{found['seconds']:.0f} s: FID_J {found['fid_j']:.2f}, {found['confident']:.3f} confident, "
                     f"{found['classes']} classes.")
    if "compared" in (found := parts.get("operations", {})):
        worst = "; ".join(f"{dtype} to order {w['order']} within {w['tolerance']:g} of the largest element (worst "
                          f"{w['error']:.1e})" for dtype, w in found["worst"].items())
        lines.append(f"* Operations, CPU against GPU: {found['compared']} of {found['samples']} samples compared, "
                     f"{len(found['failed'])} differ; {worst}.")
        lines += [f"    * {text}" for text in found["failed"][:20]]
    if "passed" in (found := parts.get("tests", {})):
        lines.append(f"* Tests of the GPU: {found['passed']} passed, {found['failed']} failed, {found['skipped']} "
                     f"skipped{'' if found['complete'] else ', stopped at the time limit'}.")
        lines += [f"    * {name}" for name in found["names"]]
    return lines


__all__ = ["report"]
