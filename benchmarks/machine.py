"""What a figure was measured on: the class of the machine and the versions, without names of hosts or folders."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from pathlib import Path


def machine() -> dict:
    """Processor, cores, memory and system."""
    model, flags = platform.machine(), ""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            model = value.strip()
        elif key.strip() == "flags":
            flags = value
    widest = next((name for name in ("avx512f", "avx2", "avx") if f" {name} " in f"{flags} "), "")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2 ** 30
    return {"processor": model, "vectors": widest, "cores": os.cpu_count(), "memory_gib": round(memory),
            "system": f"{platform.system()} {platform.machine()}"}


def versions() -> dict:
    """Versions of Python, of the packages that take part, and of the BLAS behind NumPy."""
    import numpy as np
    found = {"python": platform.python_version()}
    for name in ("numpy", "scipy", "torch", "jax", "threadpoolctl"):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = None
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return {**found, "blas": f"{blas.get('name')} {blas.get('version')}"}
