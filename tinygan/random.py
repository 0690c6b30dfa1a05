"""Random numbers from counter-based streams: what is drawn for one purpose never moves the draws for another.

A draw is a pure function of (seed, stream, counter): the counter of its stream goes up by one with every draw, and
every counter starts a Philox sequence of its own (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3").
So previews and metrics cannot disturb training, and the whole state of a run is one seed and a handful of integers.

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


def _generator(stream: str, xp):
    """The generator of this stream's next draw; advances the stream's counter."""
    if stream not in _counters:
        raise ValueError(f"random: expected a stream out of {STREAMS}, got {stream!r}")
    counter = _counters[stream]
    _counters[stream] = counter + 1
    # Philox: the key is (seed, stream); the counter's upper words number the draw, so that draws never overlap
    key = np.array([_seed, STREAMS.index(stream)], dtype=np.uint64)
    if xp is np:
        return np.random.Generator(np.random.Philox(key=key, counter=np.array([0, 0, 0, counter], dtype=np.uint64)))
    # CuPy's Philox takes one seed: hash the three numbers with the same cipher, on the host
    seed = np.random.Philox(key=key, counter=np.array([0, 0, 0, counter], dtype=np.uint64)).random_raw()
    return xp.random.Generator(xp.random.Philox4x3210(int(seed)))


def normal(shape, stream: str = "noise", dtype=np.float32, device="cpu"):
    """An array of independent N(0, 1) draws of the given shape."""
    return _generator(stream, as_device(device).xp).standard_normal(shape, dtype=dtype)


def uniform(shape, low: float = 0.0, high: float = 1.0, stream: str = "noise", dtype=np.float32, device="cpu"):
    """An array of independent draws, uniform on [low, high), of the given shape."""
    draws = _generator(stream, as_device(device).xp).random(shape, dtype=dtype)
    if (low, high) == (0.0, 1.0):
        return draws
    draws *= high - low
    draws += low
    return draws


def integers(low: int, high: int, shape, stream: str = "noise", device="cpu"):
    """An int64 array of independent draws, uniform on {low, ..., high - 1}, of the given shape."""
    xp = as_device(device).xp
    generator = _generator(stream, xp)
    return generator.integers(low, high, size=shape, dtype=np.int64) if xp is np else \
        generator.integers(low, high - 1, size=shape, endpoint=True).astype(np.int64)


def permutation(n: int, stream: str = "data") -> np.ndarray:
    """A random order of 0 ... n-1 as an int64 array on the host (it indexes data sets, which live there)."""
    return _generator(stream, np).permutation(n)


def bernoulli(p: float, shape, stream: str = "noise", dtype=np.float32, device="cpu"):
    """An array of independent draws that are 1 with probability ``p`` and else 0."""
    return (_generator(stream, as_device(device).xp).random(shape, dtype=np.float32) < p).astype(dtype)


__all__ = ["STREAMS", "bernoulli", "get_state", "integers", "manual_seed", "normal", "permutation", "set_state",
           "uniform"]
