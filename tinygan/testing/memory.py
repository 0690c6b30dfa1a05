"""What is alive: counts that must not grow from one training step to the next."""

from __future__ import annotations

import gc

from tinygan.autograd import Function
from tinygan.tensor import Tensor


def live_objects() -> int:
    """The number of Tensors and recorded operations in memory, garbage in reference cycles included.

    With the garbage collector off (``gc.disable()``) it is the same after every step of a loop that leaves no cycles.
    """
    # by type: isinstance would ask foreign objects for their class, and some warn about it
    return sum(issubclass(type(o), (Tensor, Function)) for o in gc.get_objects())
