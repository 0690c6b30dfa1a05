"""Batches: a shuffled pass over arrays, epoch after epoch, whose position can be saved and restored.

Two states make a run repeatable, and a checkpoint holds both: ``tinygan.random.get_state()`` (seed and counters, from
which every *later* epoch draws its order) and ``Batches.state_dict()`` (epoch, position, and the seed and counter with
which the order of the *current* epoch was drawn). Restoring draws that order again from its own seed and counter and
leaves the global counters as it found them, so the two states may be restored in either order.

>>> import numpy as np
>>> from tinygan import random
>>> random.manual_seed(0)
>>> batches = Batches(np.arange(10), batch_size=4)
>>> first = batches.next_batch()
>>> saved = batches.state_dict(), random.get_state()
>>> rest = [batches.next_batch() for _ in range(5)]
>>> random.manual_seed(123)
>>> again = Batches(np.arange(10), batch_size=4)
>>> again.load_state_dict(saved[0])
>>> random.set_state(saved[1])
>>> all((again.next_batch() == batch).all() for batch in rest)
True
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tinygan import random
from tinygan.backend import device as as_device
from tinygan.backend import device_of, to_device


class Batches:
    """Batches of rows of one array, or of several arrays of equal length.

    arrays: an array (N, ...), or a tuple or list of them; a batch is then an array, or a tuple of arrays, of the same
    dtypes, (batch_size, ...), moved to ``device``. stream: the stream of tinygan.random that orders are drawn from.
    drop_last: leave out the last, smaller batch of an epoch. ``for batch in batches`` runs to the end of the current
    epoch, from wherever it stands: after a break, or a restored state, it goes on with the next batch. ``forever()``
    and ``next_batch()`` cross epochs. ``epoch`` and ``position`` are those of the batch that comes next.
    Raises ValueError for arrays of different length and a batch size that leaves no batch.
    """

    def __init__(self, arrays, batch_size: int, stream: str = "data", shuffle: bool = True, drop_last: bool = True,
                 device="cpu"):
        self._single = not isinstance(arrays, (tuple, list))
        self.arrays = (arrays,) if self._single else tuple(arrays)
        lengths = [len(array) for array in self.arrays]
        if len(set(lengths)) != 1:
            raise ValueError(f"Batches: expected one or more arrays of equal length, got lengths {lengths}")
        n = lengths[0]
        if batch_size < 1 or n == 0 or (drop_last and n < batch_size):
            hint = "; use a smaller batch size, or drop_last=False" if 0 < n < batch_size else ""
            raise ValueError(f"Batches: expected a batch size of at least 1 and data for one batch, "
                             f"got batch size {batch_size} and {n} rows{hint}")
        if stream not in random.STREAMS:
            raise ValueError(f"Batches: expected a stream out of {random.STREAMS}, got {stream!r}")
        self.batch_size, self.stream, self.shuffle, self.drop_last = batch_size, stream, shuffle, drop_last
        self.device = as_device(device)
        self.epoch = 0
        self.position = 0   # batches of this epoch handed out already
        self._draw = None   # seed and counter that this epoch's order came from; None until its first batch
        self._order = None

    def __len__(self) -> int:
        """The number of batches in an epoch."""
        n = len(self.arrays[0])
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)

    def __iter__(self) -> Iterator:
        epoch = self.epoch
        while self.epoch == epoch:
            yield self.next_batch()

    def forever(self) -> Iterator:
        """Batches without end, epoch after epoch."""
        while True:
            yield self.next_batch()

    @property
    def draws_next(self) -> bool:
        """Whether the next batch begins with a draw from the stream, which is the case where an epoch begins."""
        return self.shuffle and self.position == 0

    def next_batch(self):
        """The next batch, of the next epoch where one ends. The position counts it as handed out at once."""
        if self.position == 0:
            self._start_epoch()
        start = self.position * self.batch_size
        rows = slice(start, start + self.batch_size)
        batch = tuple(to_device(self._rows(array, rows), self.device) for array in self.arrays)
        self.position += 1
        if self.position == len(self):  # at once, so that a state saved after the last batch is that of a new epoch
            self.epoch, self.position, self._draw, self._order = self.epoch + 1, 0, None, None
        return batch[0] if self._single else batch

    def state_dict(self) -> dict:
        """Epoch, position, the origin of the current order, and the settings they belong to; ready for JSON."""
        return {**self._settings(), "epoch": self.epoch, "position": self.position,
                "draw": None if self._draw is None else dict(self._draw)}

    def load_state_dict(self, state: dict) -> None:
        """Continue where ``state`` was saved; the draws of tinygan.random are left as they are.

        Raises ValueError, changing nothing, when the state belongs to other settings or is incomplete.
        """
        settings = self._settings()
        missing = {*settings, "epoch", "position", "draw"} - set(state)
        if missing:
            raise ValueError(f"Batches.load_state_dict: expected a state of state_dict(), got one without "
                             f"{', '.join(sorted(missing))}")
        other = {key: state[key] for key in settings if state[key] != settings[key]}
        if other:
            expected = {key: settings[key] for key in other}
            raise ValueError(f"Batches.load_state_dict: expected a state for {expected}, got one for {other}")
        position, draw = state["position"], state["draw"]
        if not 0 <= position < len(self) or (draw is None) == (self.shuffle and position > 0):
            raise ValueError(f"Batches.load_state_dict: expected a position in [0, {len(self)}) and the origin of its "
                             f"order, got position {position} and origin {draw}")
        order = None if draw is None else self._order_of(draw)
        self.epoch, self.position, self._draw, self._order = state["epoch"], position, draw, order

    def _settings(self) -> dict:
        return {"rows": len(self.arrays[0]), "batch_size": self.batch_size, "stream": self.stream,
                "shuffle": self.shuffle, "drop_last": self.drop_last}

    def _start_epoch(self) -> None:
        if self.shuffle:
            now = random.get_state()
            self._draw = {"seed": now["seed"], "counter": now["counters"].get(self.stream, 0)}
            self._order = random.permutation(len(self.arrays[0]), self.stream)

    def _order_of(self, draw: dict) -> np.ndarray:
        """The order that was drawn with this seed and counter; the global state is as before afterwards."""
        now = random.get_state()
        try:
            random.set_state({"seed": draw["seed"], "counters": {self.stream: draw["counter"]}})
            return random.permutation(len(self.arrays[0]), self.stream)
        finally:
            random.set_state(now)

    def _rows(self, array, rows: slice):
        if self._order is None:
            return array[rows]
        return array[to_device(self._order[rows], device_of(array))]


__all__ = ["Batches"]
