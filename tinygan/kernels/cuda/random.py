"""Random numbers written into CuPy arrays, by Philox4x64-10 on the device: one launch, one write of the array.

A draw is named by three integers, (seed, stream, draw), and so is its generator on the CPU. Bit for bit equal on both
are the uniform numbers, the zeros and ones of `draw_bernoulli`, and the integers, except where NumPy rejects a word
(chance (2^32 mod k) / 2^32 for each element among k values, none when k is a power of two): the device takes another
word for this element alone, NumPy moves all that follow. Normal numbers agree in distribution only: NumPy's ziggurat
takes a number of words nobody knows beforehand, Box and Muller's method takes two for two.
"""

from __future__ import annotations

from tinygan.kernels.cuda.launch import kernel, launch


def draw_uniform(out, seed, stream, draw, low, high):
    """Fill ``out`` with independent numbers, uniform on [low, high)."""
    _fill("uniform", out, seed, stream, draw, float(low), float(high - low))


def draw_normal(out, seed, stream, draw):
    """Fill ``out`` with independent N(0, 1) numbers, at most 6.8 in absolute value in float32, 8.7 in float64."""
    _fill("normal", out, seed, stream, draw)


def draw_bernoulli(out, seed, stream, draw, p):
    """Fill ``out`` with independent numbers that are 1 with probability ``p`` and else 0."""
    _fill("bernoulli", out, seed, stream, draw, float(p), per_thread=8)


def draw_integers(out, seed, stream, draw, low, high):
    """Fill the int64 array ``out`` with independent integers, uniform on {low, ..., high - 1}."""
    last = int(high) - 1 - int(low)
    launch(kernel("random", "integers"), -(-out.size // 4), out, out.size, *map(_signed, (seed, stream, draw)),
           int(low), _signed(last))


def _fill(name, out, seed, stream, draw, *numbers, per_thread=None):
    per_thread = per_thread or 32 // out.itemsize
    launch(kernel("random", name, out.dtype), -(-out.size // per_thread), out, out.size,
           *map(_signed, (seed, stream, draw)), *numbers)


def _signed(word):
    """The 64 bits of ``word`` as the integer that an argument of a kernel can be."""
    return int(word) - (1 << 64) if word >= 1 << 63 else int(word)
