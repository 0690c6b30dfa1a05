"""Random numbers written into NumPy arrays, by NumPy's generators over Philox4x64-10 (Salmon et al. 2011).

A draw is named by three integers, (seed, stream, draw): the key is (seed, stream), and the upper word of the counter is
the draw, so that draws never overlap.
"""

from __future__ import annotations

import numpy as np


def generator(seed, stream, draw):
    """NumPy's generator of the draw (seed, stream, draw)."""
    key = np.array([seed, stream], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=np.array([0, 0, 0, draw], dtype=np.uint64)))


def draw_uniform(out, seed, stream, draw, low, high):
    """Fill ``out`` with independent numbers, uniform on [low, high)."""
    generator(seed, stream, draw).random(dtype=out.dtype, out=out)
    if (low, high) != (0.0, 1.0):
        out *= high - low
        out += low


def draw_normal(out, seed, stream, draw):
    """Fill ``out`` with independent N(0, 1) numbers."""
    generator(seed, stream, draw).standard_normal(dtype=out.dtype, out=out)


def draw_bernoulli(out, seed, stream, draw, p):
    """Fill ``out`` with independent numbers that are 1 with probability ``p`` and else 0."""
    out[...] = generator(seed, stream, draw).random(out.shape, dtype=np.float32) < p


def draw_integers(out, seed, stream, draw, low, high):
    """Fill the int64 array ``out`` with independent integers, uniform on {low, ..., high - 1}."""
    out[...] = generator(seed, stream, draw).integers(low, high, size=out.shape, dtype=np.int64)
