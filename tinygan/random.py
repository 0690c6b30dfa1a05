"""Random numbers from counter-based streams: what is drawn for one purpose never moves the draws for another.

A draw is a pure function of (seed, stream, counter): the counter of its stream goes up by one with every draw, and
every counter starts a Philox sequence of its own (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3").
So previews and metrics cannot disturb training, and the whole state of a run is one seed and a handful of integers,
the same on every device: what was drawn for a CPU goes on on a GPU, where one launch fills an array and nothing waits.

>>> from tinygan import random
>>> random.manual_seed(0)
>>> first = random.normal((3,))
>>> _ = random.normal((1000,), stream="preview")
>>> second = random.normal((3,))
>>> random.set_state({"seed": 0, "counters": {"noise": 1}})
>>> bool((random.normal((3,)) == second).all())
True
"""

from __future__ import annotations

import numpy as np

from tinygan.backend import device as as_device
from tinygan.kernels import kernels_for
from tinygan.kernels.cpu.random import generator

STREAMS = ("init", "data", "noise", "penalty", "augment", "dropout", "preview")

_seed = 0
_counters = dict.fromkeys(STREAMS, 0)


def manual_seed(seed: int) -> None:
    """Set the seed of every stream and start all counters at zero. Raises ValueError unless 0 <= seed < 2**64."""
    global _seed
    if not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2 ** 64:
        raise ValueError(f"manual_seed: expected an integer in [0, 2**64), got {seed!r}")
    _seed = int(seed)
    for stream in STREAMS:
        _counters[stream] = 0


def get_state() -> dict:
    """The state of all streams: ``{"seed": int, "counters": {stream: int}}``, ready for JSON."""
    return {"seed": _seed, "counters": dict(_counters)}


def set_state(state: dict) -> None:
    """Restore a state of :func:`get_state`; streams it does not name start at zero."""
    unknown = set(state["counters"]) - set(STREAMS)
    if unknown:
        raise ValueError(f"random.set_state: expected streams {STREAMS}, got also {sorted(unknown)}")
    manual_seed(state["seed"])
    _counters.update(state["counters"])


def _next(stream: str) -> tuple:
    """The name (seed, number of the stream, counter) of this stream's next draw; advances the stream's counter."""
    if stream not in _counters:
        raise ValueError(f"random: expected a stream out of {STREAMS}, got {stream!r}")
    counter = _counters[stream]
    _counters[stream] = counter + 1
    return _seed, STREAMS.index(stream), counter


def _drawn(kernel: str, shape, stream: str, dtype, device, *numbers):
    """A new array on ``device``, filled by the kernel of this name with the stream's next draw."""
    device, name = as_device(device), _next(stream)
    if device.type == "cpu":
        out = np.empty(shape, dtype)
        getattr(kernels_for(out), kernel)(out, *name, *numbers)
        return out
    with device.xp.cuda.Device(device.index):
        out = device.xp.empty(shape, dtype)
        getattr(kernels_for(out), kernel)(out, *name, *numbers)
        return out


def normal(shape, stream: str = "noise", dtype=np.float32, device="cpu"):
    """An array of independent N(0, 1) draws of the given shape; CPU and GPU agree in distribution only."""
    return _drawn("draw_normal", shape, stream, dtype, device)


def uniform(shape, low: float = 0.0, high: float = 1.0, stream: str = "noise", dtype=np.float32, device="cpu"):
    """An array of independent draws, uniform on [low, high), of the given shape; the same bits on CPU and GPU."""
    return _drawn("draw_uniform", shape, stream, dtype, device, low, high)


def integers(low: int, high: int, shape, stream: str = "noise", device="cpu"):
    """An int64 array of independent draws, uniform on {low, ..., high - 1}, of the given shape.

    CPU and GPU agree but where a draw is rejected (see `tinygan.kernels.cuda.random`). Raises ValueError unless low <
    high.
    """
    if not low < high:
        raise ValueError(f"random.integers: expected low < high, got {low} and {high}")
    return _drawn("draw_integers", shape, stream, np.int64, device, low, high)


def permutation(n: int, stream: str = "data") -> np.ndarray:
    """A random order of 0 ... n-1 as an int64 array on the host (it indexes data sets, which live there)."""
    return generator(*_next(stream)).permutation(n)


def bernoulli(p: float, shape, stream: str = "noise", dtype=np.float32, device="cpu"):
    """An array of independent draws that are 1 with probability ``p`` and else 0; the same bits on CPU and GPU."""
    return _drawn("draw_bernoulli", shape, stream, dtype, device, p)


__all__ = ["STREAMS", "bernoulli", "get_state", "integers", "manual_seed", "normal", "permutation", "set_state",
           "uniform"]
