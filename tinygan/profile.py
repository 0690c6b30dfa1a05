"""Where the time goes: every operation, forward and backward, by name.

>>> import tinygan
>>> from tinygan.profile import profile
>>> x = tinygan.tensor([1.0, 2.0], requires_grad=True)
>>> with profile() as times:
...     (x.exp() * x).sum().backward()
>>> sorted(times.calls)[:3]
[('Exp', 'backward'), ('Exp', 'forward'), ('Mul', 'backward')]
"""

from __future__ import annotations

import contextlib
import time

from tinygan.autograd import watch
from tinygan.backend import is_array, synchronize
from tinygan.tensor import Tensor


class Times:
    """Calls and seconds per (operation, pass); ``str()`` is a table, the slowest first.

    The backward pass of an operation is made of operations: its seconds are those between its start and its end, and
    what runs inside is not counted again.
    """

    def __init__(self):
        self.calls, self.seconds = {}, {}
        self._inside = False  # in a backward pass

    def forward(self, node, arrays):
        if self._inside:
            return node.compute(*arrays)
        return self._timed(node, "forward", node.compute, arrays, arrays)

    def backward(self, node, cotangents):
        if self._inside:
            return node.backward(*cotangents)
        self._inside = True
        try:
            return self._timed(node, "backward", node.backward, cotangents,
                               [c.data for c in cotangents if isinstance(c, Tensor)])
        finally:
            self._inside = False

    def _timed(self, node, direction, function, inputs, arrays):
        device_array = next((a for a in arrays if is_array(a)), None)
        start = time.perf_counter()
        out = function(*inputs)
        if device_array is not None:
            synchronize(device_array)  # a GPU returns before it has finished
        key = type(node).__name__, direction
        self.calls[key] = self.calls.get(key, 0) + 1
        self.seconds[key] = self.seconds.get(key, 0.0) + time.perf_counter() - start
        return out

    def __str__(self) -> str:
        total = sum(self.seconds.values())
        lines = [f"{'operation':24} {'pass':9} {'calls':>7} {'ms':>10} {'share':>6}"]
        for key in sorted(self.seconds, key=self.seconds.get, reverse=True):
            lines.append(f"{key[0]:24} {key[1]:9} {self.calls[key]:7} {1e3 * self.seconds[key]:10.3f} "
                         f"{self.seconds[key] / total:6.1%}")
        return "\n".join([*lines, f"{'all':24} {'':9} {sum(self.calls.values()):7} {1e3 * total:10.3f}"])


@contextlib.contextmanager
def profile():
    """Time every operation inside the block; yields the :class:`Times`. Each operation waits for its result."""
    times = Times()
    with watch(times):
        yield times


__all__ = ["Times", "profile"]
