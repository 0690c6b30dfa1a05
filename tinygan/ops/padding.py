"""Padding and cropping; every mode but constants is a join of slices, flips and repeats of the input itself."""

from __future__ import annotations

from tinygan.autograd import Function
from tinygan.backend import array_module
from tinygan.ops.reduce import expand
from tinygan.ops.shape import cat, flip

MODES = ("constant", "reflect", "replicate", "circular")


class Pad(Function):
    """x with (before, after) constants added along each axis; the adjoint is the crop."""

    def __init__(self, widths, value=0.0):
        self.widths, self.value = widths, value

    def forward(self, x):
        shape = tuple([n + a + b for n, (a, b) in zip(x.shape, self.widths)])
        xp = array_module(x)  # x's memory order stays, or the next layer would have to copy
        out = xp.full_like(x, self.value, shape=shape) if self.value else xp.zeros_like(x, shape=shape)
        out[self._inside(x.shape)] = x
        self.origin_shape = x.shape
        return out

    def _inside(self, shape):
        return tuple([slice(a, a + n) for n, (a, _) in zip(shape, self.widths)])

    def backward(self, g):
        return g[self._inside(self.origin_shape)]


def pad(input, pad, mode: str = "constant", value: float = 0.0):
    """``input`` with a border; ``pad`` = (left, right, top, bottom, ...) starts at the last dimension.

    "constant" fills with ``value``, "reflect" mirrors without repeating the edge, "replicate" repeats the edge,
    "circular" goes round. Negative widths crop. Raises ValueError for an odd or too long ``pad``, for another
    ``mode``, and when a border is too wide for the input ("reflect": at most size - 1, "circular": at most size).
    """
    pad = tuple(pad)
    if mode not in MODES:
        raise ValueError(f"pad: expected mode {', '.join(map(repr, MODES))}, got {mode!r}")
    if len(pad) % 2 or len(pad) > 2 * input.ndim:
        raise ValueError(f"pad: expected an even number of widths, at most {2 * input.ndim}, got {pad}")
    widths = [(0, 0)] * (input.ndim - len(pad) // 2) + [(pad[i], pad[i + 1]) for i in range(len(pad) - 2, -1, -2)]
    around = tuple([(max(a, 0), max(b, 0)) for a, b in widths])
    if mode == "constant":
        # cropped first: what is cut away on one side never shows on the other
        input = _crop(input, widths)
        return Pad(around, value)(input) if any(map(any, around)) else input
    for axis, (before, after) in enumerate(around):
        if before or after:
            input = _extend(input, mode, axis, before, after)
    return _crop(input, widths)


def _crop(input, widths):
    """Without the rows that negative widths take away."""
    if all(min(w) >= 0 for w in widths):
        return input
    return input[tuple([slice(-min(a, 0), max(n + min(b, 0), 0)) for n, (a, b) in zip(input.shape, widths)])]


def _extend(input, mode, axis, before, after):
    """``before`` and ``after`` more rows along one axis, taken from the input."""
    n = input.shape[axis]
    limit = {"reflect": n - 1, "circular": n, "replicate": max(before, after) if n else 0}[mode]
    if max(before, after) > limit:
        raise ValueError(f"pad: expected widths of at most {max(limit, 0)} in mode {mode!r} for size {n}, got "
                         f"{(before, after)}")

    def rows(start, stop):
        return input[(slice(None),) * axis + (slice(start, stop),)]

    if mode == "reflect":
        parts = flip(rows(1, before + 1), axis), input, flip(rows(n - 1 - after, n - 1), axis)
    elif mode == "circular":
        parts = rows(n - before, n), input, rows(0, after)
    else:
        shape = input.shape
        parts = [expand(rows(0, 1), shape[:axis] + (before,) + shape[axis + 1:]), input,
                 expand(rows(n - 1, n), shape[:axis] + (after,) + shape[axis + 1:])]
    return cat([p for p in parts if p.shape[axis]], axis)
