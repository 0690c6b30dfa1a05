"""Adding at positions on NumPy arrays."""

import numpy as np


def add_at(target, index, values):
    """target[index] += values in place, one value after the other, where positions that occur twice add up.

    ``target`` is C-contiguous; ``index`` a tuple as in ``target[index]``; ``values`` broadcast to what that picks.
    """
    np.add.at(target, index, values)
