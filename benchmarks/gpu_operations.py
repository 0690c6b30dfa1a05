"""The table of all operations on the CPU and on the GPU: values and derivatives to third order."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

import tinygan
from tinygan.backend import to_device, to_numpy
from tinygan.tensor import Tensor
from tinygan.testing.samples import as_tensors, table

# dtype: (highest order, largest difference over the largest element). The sides add in other orders and have other
# exponentials: sums of a few hundred terms lose two or three digits of 16 or 7, and every derivative one more.
TOLERANCES = {"float64": (3, 1e-9), "float32": (1, 1e-4)}


def moved(x):
    """Arguments with the arrays among them on the GPU."""
    if isinstance(x, np.ndarray):
        return to_device(x, "cuda")
    return type(x)([moved(v) for v in x]) if type(x) in (list, tuple) else x


def derivatives(sample, arrays, order: int) -> list:
    """Values, then gradients of a fixed weighting of them, gradients of a weighting of those, and so on."""
    inputs = as_tensors(arrays, requires_grad=sample.differentiable)
    y = sample.f(*inputs)
    outputs = [y] if isinstance(y, Tensor) else list(y)
    found, targets, rng = list(outputs), [t for t in outputs if t.dtype.kind == "f"], np.random.default_rng(5)
    wanted = [x for x in inputs if x.requires_grad]
    for number in range(1, order + 1):
        weights = [Tensor(to_device(rng.standard_normal(t.shape).astype(t.dtype), t.device)) for t in targets]
        total = sum(((t * t * w if number == 1 else t * w).sum() for t, w in zip(targets, weights)), 0.0)
        if not wanted or not isinstance(total, Tensor) or not total.requires_grad:
            break
        targets = [g for g in tinygan.grad(total, wanted, create_graph=number < order, allow_unused=True)
                   if g is not None]
        found += targets
    return [to_numpy(t.data) for t in found]


def difference(got, expected) -> float:
    """The largest difference of two arrays over the largest element (at least 1); infinite where they do not match."""
    if got.shape != expected.shape or got.dtype != expected.dtype:
        return float("inf")
    if got.dtype.kind != "f":
        return 0.0 if np.array_equal(got, expected) else float("inf")
    finite = np.isfinite(expected)
    if not np.array_equal(got[~finite], expected[~finite], equal_nan=True) or not np.isfinite(got[finite]).all():
        return float("inf")
    size = max(1.0, float(np.abs(expected[finite]).max(initial=0.0)))
    return float(np.abs(got[finite] - expected[finite]).max(initial=0.0)) / size


def compare(seconds: float, save, every: int = 1) -> None:
    """Every ``every``-th sample of the table while there is time; ``save`` gets the counts, the worst and the bad."""
    # a device draws other numbers: dropout has a test of its own
    samples = [s for s in table() if s.name != "dropout"][::every]
    end = time.monotonic() + seconds
    found = {"samples": len(samples), "compared": 0, "failed": [],
             "worst": {dtype: {"error": 0.0, "tolerance": tolerance, "order": order}
                       for dtype, (order, tolerance) in TOLERANCES.items()}}
    for sample in samples:
        if time.monotonic() > end:
            break
        for dtype, (order, tolerance) in TOLERANCES.items():
            try:
                error = worst_of(sample, dtype, order)
            except Exception as problem:  # whatever happens to one operation, the others are compared
                error = float("inf")
                found["failed"].append(f"{sample} {dtype}: {type(problem).__name__}: {str(problem)[:200]}")
            else:
                if error > tolerance:
                    found["failed"].append(f"{sample} {dtype}: {error:.1e}")
                elif error > found["worst"][dtype]["error"]:
                    found["worst"][dtype] |= {"error": error, "sample": str(sample)}
        found["compared"] += 1
        if found["compared"] % 50 == 0:
            save(found)
    save(found)


def worst_of(sample, dtype: str, order: int) -> float:
    """The largest difference among values and derivatives of one sample."""
    arrays = sample.arrays(dtype=np.dtype(dtype), memory="C")
    expected = derivatives(sample, arrays, order)
    there = replace(sample, args=moved(sample.args))
    got = derivatives(there, [to_device(a, "cuda") for a in arrays], order)
    if len(got) != len(expected):
        return float("inf")
    return max([difference(g, e) for g, e in zip(got, expected)], default=0.0)


__all__ = ["TOLERANCES", "compare", "derivatives", "difference"]
