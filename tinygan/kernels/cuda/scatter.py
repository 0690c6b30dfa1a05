"""Adding at positions on CuPy arrays without atomics, whose order, and so whose rounding, changes from run to run."""

from __future__ import annotations

from tinygan.backend import array_module
from tinygan.kernels.cuda.launch import kernel, launch


def add_at(target, index, values):
    """target[index] += values in place, one value after the other, where positions that occur twice add up.

    ``target`` is C-contiguous; ``index`` a tuple as in ``target[index]``; ``values`` broadcast to what that picks.
    Positions are sorted, which leaves equal ones in order, and one thread adds up the values of each: the same bits
    every time, and those of the CPU. One launch beside the sort and two reads at positions.
    """
    xp = array_module(target)
    position = xp.arange(target.size).reshape(target.shape)[index]
    values = xp.ascontiguousarray(xp.broadcast_to(values, position.shape))
    position = position.ravel()
    order = xp.argsort(position, kind="stable")
    launch(kernel("scatter", "add_runs", target.dtype, max(target.size, values.size)), order.size, target, values,
           position[order], order, order.size)
